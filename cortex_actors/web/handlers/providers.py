"""Providers: who may answer, best first, and how each is doing."""

from __future__ import annotations

from cortex_actors.web.payloads import provider_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response


def providers(request: Request) -> Response:
    """GET /api/providers"""
    views = sorted(request.gateway.providers(), key=lambda view: (view.priority, view.name))
    return json_response(
        200,
        {
            "providers": [provider_payload(view) for view in views],
            "total_count": len(views),
            "healthy_count": sum(view.status == "available" for view in views),
            "default_strategy": request.settings.routing.strategy,
        },
    )
