"""Health: four questions with four answers, none of which asks an actor or a provider.

GET /api/health    can it answer chats?     every provider's status; 503 when none is usable
GET /readyz        should it get traffic?   503 while it drains or has no free stream. That no provider is
                   usable is a warning: all instances share the providers, and would all be out at once
GET /livez         must it be restarted?    503 only for what a restart cures, never a provider's outage
GET /startupz      has it started?          it does not listen before it has

`?detailed=true` tells operators more of /api/health. `Accept: application/health+json` gives that shape.
"""

from __future__ import annotations

from collections import Counter
from typing import get_args

from cortex_actors import __version__
from cortex_actors.errors import Forbidden
from cortex_actors.gateway import HealthView, Probe
from cortex_actors.resilience.provider_status import ProviderStatus
from cortex_actors.web.operator import health_json, query
from cortex_actors.web.operator.process import actors_summary, process_payload, providers_payload
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

_STATUSES: tuple[str, ...] = get_args(ProviderStatus)


def health(request: Request) -> Response:
    """GET /api/health"""
    gateway = request.gateway
    view = gateway.health()
    if health_json.is_wanted(request):
        return health_json.health_response(view, len(gateway.running), request.settings.server.max_streams)
    payload = _payload(view)
    if query.detailed(request):
        if not request.identity.operator:
            raise Forbidden("Details need the key of an operator, or the admin token.")
        payload |= _details(request)
    return json_response(view.http_status, payload)


def readyz(request: Request) -> Response:
    """GET /readyz"""
    return _probed(request, request.gateway.ready(), "whether it should get traffic")


def livez(request: Request) -> Response:
    """GET /livez"""
    return _probed(request, request.gateway.live(), "whether this process should go on")


def startupz(request: Request) -> Response:
    """GET /startupz"""
    return _probed(request, Probe(True), "whether it has started")


def _payload(view: HealthView) -> Payload:
    counts: Counter[str] = Counter(provider.status for provider in view.providers)
    return {
        "status": view.status,
        "timestamp": timestamp(),
        "workers": {provider.name: provider.status for provider in view.providers},
        "since": {name: timestamp(seconds) for name, seconds in view.since.items()},
        "summary": {"total": len(view.providers)} | {status: counts[status] for status in _STATUSES},
        "uptime": round(view.uptime, 3),
        "version": __version__,
    }


def _details(request: Request) -> Payload:
    gateway = request.gateway
    live, ready, process = gateway.live(), gateway.ready(), gateway.process()
    return {
        "process": process_payload(process),
        "live": {"ok": live.ok, "reasons": list(live.reasons)},
        "ready": {"ok": ready.ok, "reasons": list(ready.reasons), "warnings": list(ready.notes)},
        "providers": providers_payload(gateway),
        "streams": {"running": len(gateway.running), "max": request.settings.server.max_streams},
        "actors": actors_summary(gateway.tree(temporary=False)) | {"restarts": process.restarts},
    }


def _probed(request: Request, probe: Probe, question: str) -> Response:
    if health_json.is_wanted(request):
        return health_json.probe_response(probe, question)
    payload: Payload = {"status": "failing" if not probe.ok else "warn" if probe.notes else "ok"}
    if probe.reasons:
        payload["reasons"] = list(probe.reasons)
    if probe.notes:
        payload["warnings"] = list(probe.notes)
    return json_response(200 if probe.ok else 503, payload)
