"""Security headers."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client

from cortex_actors.settings import Settings
from cortex_actors.web.middleware.security_headers import security_headers


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/chat"])
def test_every_answer_has_them(client: Client, path: str) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_what_an_answer_brings_itself_is_left_alone() -> None:
    def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Security-Policy", "default-src 'self'")])
        return [b"page"]

    headers = Client(security_headers(page, Settings())).get("/").headers

    assert headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
    assert headers["X-Frame-Options"] == "DENY"
