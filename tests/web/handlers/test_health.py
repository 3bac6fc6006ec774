"""GET /api/health, /livez, /readyz."""

from __future__ import annotations

import pytest

from cortex_actors.gateway import HealthView, Probe
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import GatewayDouble, provider_view


def test_health_has_the_shape_of_the_seeds_and_a_little_more() -> None:
    views = (
        provider_view("groq"),
        provider_view("gemini", status="degraded"),
        provider_view("cohere", status="rate_limited"),
        provider_view("ollama", status="unknown"),
    )
    view = HealthView("degraded", views, {"groq": 0.0}, 12.3456)
    answer = client_of(GatewayDouble(health_view=view)).get("/api/health")
    told = json_of(answer)

    assert answer.status_code == 200
    assert told["status"] == "degraded"
    assert told["workers"] == {
        "groq": "available",
        "gemini": "degraded",
        "cohere": "rate_limited",
        "ollama": "unknown",
    }
    assert told["summary"] == {
        "total": 4,
        "available": 1,
        "degraded": 1,
        "unavailable": 0,
        "rate_limited": 1,
        "quota_exceeded": 0,
        "unknown": 1,
    }
    assert told["since"] == {"groq": "1970-01-01T00:00:00.000Z"}
    assert told["uptime"] == 12.346
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("status", "http_status"),
    [("healthy", 200), ("degraded", 200), ("unhealthy", 503), ("no_workers", 503)],
)
def test_health_is_a_503_only_when_nobody_can_be_asked(status: str, http_status: int) -> None:
    view = HealthView(status, (), {}, 1.0)  # type: ignore[arg-type]

    assert client_of(GatewayDouble(health_view=view)).get("/api/health").status_code == http_status


def test_health_is_never_cached() -> None:
    assert client_of(GatewayDouble()).get("/api/health").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_that_holds_is_a_200(path: str) -> None:
    answer = client_of(GatewayDouble()).get(path)

    assert (answer.status_code, json_of(answer)) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_that_fails_says_why(path: str) -> None:
    gateway = GatewayDouble(probe=Probe(False, ("draining", "no free stream")))
    answer = client_of(gateway).get(path)

    assert answer.status_code == 503
    assert json_of(answer) == {"status": "failing", "reasons": ["draining", "no free stream"]}
