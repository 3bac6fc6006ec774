"""Health: three questions with three answers, none of which asks an actor or a provider.

GET /api/health    can it answer chats?     every provider's status; 503 when none is usable
GET /readyz        should it get traffic?   503 while it starts, drains or has no way to answer
GET /livez         must it be restarted?    503 only for what a restart cures, never a provider's outage
"""

from __future__ import annotations

from collections import Counter
from typing import get_args

from cortex_actors import __version__
from cortex_actors.gateway import Probe
from cortex_actors.resilience.provider_status import ProviderStatus
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

_STATUSES: tuple[str, ...] = get_args(ProviderStatus)


def health(request: Request) -> Response:
    """GET /api/health"""
    view = request.gateway.health()
    counts: Counter[str] = Counter(provider.status for provider in view.providers)
    return json_response(
        view.http_status,
        {
            "status": view.status,
            "timestamp": timestamp(),
            "workers": {provider.name: provider.status for provider in view.providers},
            "since": {name: timestamp(seconds) for name, seconds in view.since.items()},
            "summary": {"total": len(view.providers)} | {status: counts[status] for status in _STATUSES},
            "uptime": round(view.uptime, 3),
            "version": __version__,
        },
    )


def readyz(request: Request) -> Response:
    """GET /readyz"""
    return _probed(request.gateway.ready())


def livez(request: Request) -> Response:
    """GET /livez"""
    return _probed(request.gateway.live())


def _probed(probe: Probe) -> Response:
    if probe.ok:
        return json_response(200, {"status": "ok"})
    return json_response(503, {"status": "failing", "reasons": list(probe.reasons)})
