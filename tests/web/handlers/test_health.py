"""GET /api/health, /livez, /readyz, /startupz."""

from __future__ import annotations

import pytest

from cortex_actors.gateway import HealthView, Probe
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import STREAM, GatewayDouble, Running, provider_view
from tests.web.keys import ALICE, OPERATOR, bearer, with_keys


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


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
def test_a_probe_that_holds_is_a_200(path: str) -> None:
    answer = client_of(GatewayDouble()).get(path)

    assert (answer.status_code, json_of(answer)) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_that_fails_says_why(path: str) -> None:
    gateway = GatewayDouble(probe=Probe(False, ("draining", "no free stream")))
    answer = client_of(gateway).get(path)

    assert answer.status_code == 503
    assert json_of(answer) == {"status": "failing", "reasons": ["draining", "no free stream"]}


def test_what_an_operator_should_know_is_a_warning_and_no_failure() -> None:
    gateway = GatewayDouble(probe=Probe(True, (), ("no usable provider",)))
    answer = client_of(gateway).get("/readyz")

    assert answer.status_code == 200
    assert json_of(answer) == {"status": "warn", "warnings": ["no usable provider"]}


def test_details_tell_of_the_process_its_probes_and_each_provider() -> None:
    view = HealthView("healthy", (provider_view("groq"),), {"groq": 0.0}, 12.5)
    gateway = GatewayDouble(
        health_view=view,
        views=view.providers,
        probe=Probe(True, (), ("no usable provider",)),
        running=Running((STREAM,)),
    )
    told = json_of(client_of(gateway).get("/api/health?detailed=true"))

    assert told["status"] == "healthy"
    assert (told["process"]["version"], told["process"]["mode"]) == (told["version"], "threads")
    assert (told["process"]["beat_age"], told["process"]["draining"]) == (0.25, False)
    assert told["process"]["resident_bytes"] > 1_000_000
    assert told["live"] == {"ok": True, "reasons": []}
    assert told["ready"] == {"ok": True, "reasons": [], "warnings": ["no usable provider"]}
    assert told["streams"] == {"running": 1, "max": 1000}
    assert (told["actors"]["total"], told["actors"]["running"], told["actors"]["restarts"]) == (1, 1, 2)
    assert (told["providers"][0]["name"], told["providers"][0]["since"]) == (
        "groq",
        "1970-01-01T00:00:00.000Z",
    )


def test_details_are_for_operators() -> None:
    locked = client_of(GatewayDouble(), with_keys())

    for path in ("/api/health?detailed=true", "/api/providers?detailed=true"):
        assert locked.get(path, headers=bearer(ALICE)).status_code == 403
        assert locked.get(path, headers=bearer(OPERATOR)).status_code == 200


HEALTH_JSON = {"Accept": "application/health+json"}


@pytest.mark.parametrize(
    ("probe", "status", "verdict", "output"),
    [
        (Probe(True), 200, "pass", None),
        (Probe(True, (), ("no usable provider",)), 200, "warn", "no usable provider"),
        (Probe(False, ("draining",), ("x",)), 503, "fail", "draining; x"),
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_can_answer_as_health_json(
    path: str, probe: Probe, status: int, verdict: str, output: str | None
) -> None:
    answer = client_of(GatewayDouble(probe=probe)).get(path, headers=HEALTH_JSON)
    told = json_of(answer)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/health+json")
    assert (told["status"], told.get("output"), told["serviceId"]) == (verdict, output, "cortex-actors")


def test_health_can_answer_as_health_json_with_a_check_for_each_measurement() -> None:
    views = (
        provider_view("groq"),
        provider_view("gemini", status="unavailable", last_error="Upstream error"),
    )
    gateway = GatewayDouble(health_view=HealthView("degraded", views, {}, 12.5))
    told = json_of(client_of(gateway).get("/api/health", headers=HEALTH_JSON))

    assert told["status"] == "warn"
    (groq,) = told["checks"]["groq:timeToFirstToken"]
    assert (groq["observedValue"], groq["observedUnit"], groq["status"]) == (0.25, "s", "pass")
    (gemini,) = told["checks"]["gemini:status"]
    assert (gemini["componentId"], gemini["status"], gemini["output"]) == ("gemini", "fail", "Upstream error")
    assert told["checks"]["groq:breaker"][0]["observedValue"] == "closed"
    assert told["checks"]["streams:running"][0]["observedValue"] == 0
