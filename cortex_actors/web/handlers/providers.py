"""Providers: who may answer, best first, and how each is doing.

GET /api/providers    `?detailed=true` tells operators of breakers and keys too
"""

from __future__ import annotations

from cortex_actors.web.operator import query
from cortex_actors.web.operator.process import providers_payload
from cortex_actors.web.payloads import provider_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response


def providers(request: Request) -> Response:
    """GET /api/providers"""
    may = request.identity.permission
    listed = (view for view in request.gateway.providers() if may.admits_provider(view.name))
    views = sorted(listed, key=lambda view: (view.priority, view.name))
    return json_response(
        200,
        {
            "providers": providers_payload(request.gateway)
            if query.detailed(request)
            else [provider_payload(view) for view in views],
            "total_count": len(views),
            "healthy_count": sum(view.status == "available" for view in views),
            "default_strategy": request.settings.routing.strategy,
        },
    )
