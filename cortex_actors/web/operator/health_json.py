"""The answers to health questions as `application/health+json`.

The shape is that of draft-inadarei-api-health-check-06: `status` is pass, warn or fail, and `checks` holds a
list of measurements under `component:measurement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cortex_actors import __version__
from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.gateway import HealthView, Probe
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.web.operator.actors import rounded
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

CONTENT_TYPE = "application/health+json"

Verdict = Literal["pass", "warn", "fail"]

_OF_STATUS: dict[str, Verdict] = {
    "healthy": "pass",
    "degraded": "warn",
    "unhealthy": "fail",
    "no_workers": "fail",
    "available": "pass",
    "unknown": "pass",
    "rate_limited": "warn",
    "quota_exceeded": "fail",
    "unavailable": "fail",
}

_OF_BREAKER: dict[BreakerState, Verdict] = {
    BreakerState.CLOSED: "pass",
    BreakerState.HALF_OPEN: "warn",
    BreakerState.OPEN: "fail",
}


def is_wanted(request: Request) -> bool:
    """Whether the caller asks for this shape by name."""
    return CONTENT_TYPE in (request.accept or "").lower()


def probe_response(probe: Probe, description: str) -> Response:
    """A probe's answer."""
    verdict: Verdict = "fail" if not probe.ok else "warn" if probe.notes else "pass"
    output = "; ".join((*probe.reasons, *probe.notes))
    return _response(503 if verdict == "fail" else 200, verdict, description, output, {}, probe.notes)


def health_response(view: HealthView, running: int, limit: int) -> Response:
    """The health of all providers, each with its breaker, its first tokens and its load."""
    now = timestamp()
    checks: dict[str, list[Payload]] = {
        "streams:running": [_check("streams", "system", running, "pass", now, "streams")],
        "uptime": [_check("process", "system", rounded(view.uptime), "pass", now, "s")],
    }
    if running >= limit:
        checks["streams:running"][0] |= {"status": "warn", "output": "no free stream"}
    for provider in view.providers:
        checks |= _checks_of(provider, now)
    return _response(view.http_status, _OF_STATUS[view.status], f"providers: {view.status}", "", checks, ())


def _checks_of(view: ProviderView, now: str) -> dict[str, list[Payload]]:
    breaker = view.breakers.provider.state
    found = {
        f"{view.name}:status": [
            _check(view.name, "component", view.status, _OF_STATUS[view.status], now, None, view.last_error)
        ],
        f"{view.name}:breaker": [_check(view.name, "component", breaker, _OF_BREAKER[breaker], now)],
        f"{view.name}:inFlight": [_check(view.name, "component", view.in_flight, "pass", now, "streams")],
    }
    if view.mean_ttft is not None:
        mean = rounded(view.mean_ttft)
        found[f"{view.name}:timeToFirstToken"] = [_check(view.name, "component", mean, "pass", now, "s")]
    return found


def _check(
    component: str,
    kind: str,
    value: object,
    verdict: Verdict,
    now: str,
    unit: str | None = None,
    output: str | None = None,
) -> Payload:
    check = {
        "componentId": component,
        "componentType": kind,
        "observedValue": value,
        "status": verdict,
        "time": now,
    }
    if unit is not None:
        check["observedUnit"] = unit
    if output is not None and verdict != "pass":
        check["output"] = output
    return check


def _response(
    status: int,
    verdict: Verdict,
    description: str,
    output: str,
    checks: dict[str, list[Payload]],
    notes: Sequence[str],
) -> Response:
    payload: Payload = {
        "status": verdict,
        "version": __version__.partition(".")[0],
        "releaseId": __version__,
        "serviceId": "cortex-actors",
        "description": description,
        "notes": list(notes),
        "checks": checks,
        "links": {"self": "/api/health", "metrics": "/metrics"},
    }
    if output:
        payload["output"] = output
    response = json_response(status, payload)
    response.headers[0] = ("Content-Type", CONTENT_TYPE)
    return response
