"""GET /metrics."""

from __future__ import annotations

from werkzeug.test import Client


def test_metrics_are_passed_on_as_they_are(client: Client) -> None:
    answer = client.get("/metrics")

    assert answer.data == b"cortex_up 1\n"
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
