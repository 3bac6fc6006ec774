"""Metrics: the text that Prometheus scrapes."""

from __future__ import annotations

from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, bytes_response


def metrics(request: Request) -> Response:
    """GET /metrics"""
    body, content_type = request.gateway.metrics_text()
    return bytes_response(200, body, content_type)
