"""The root: what somebody finds who only knows the address."""

from __future__ import annotations

from cortex_actors import __version__
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response

_ENDPOINTS = {
    "POST /api/chat": "streams an answer; Accept: text/plain, text/event-stream or application/x-ndjson",
    "GET /api/chat/streams/{id}": "goes on with a resumable stream after Last-Event-ID; DELETE ends it",
    "POST /api/chat/complete": "the whole answer as one JSON object",
    "GET /api/providers": "who may answer, and how each is doing",
    "GET /api/health": "status of the gateway and of every provider",
    "GET /api/actors": "the supervision tree: who runs, who was restarted, when and why",
    "GET /api/actors/{name}": "one actor; ?stack=true tells where it stands",
    "GET /api/streams": "the streams that run: who answers, how far it is, what is slow",
    "GET /api/streams/{id}": "one of them",
    "GET /api/events": "what happened lately; Accept: text/event-stream follows it",
    "GET /api/dashboard/feed": "the same, with the whole state once a second",
    "POST /api/admin/{order}": "orders of an operator, with the admin token; some are a DELETE",
    "GET /startupz": "200 once it has started",
    "GET /livez": "200 unless this process must be restarted",
    "GET /readyz": "200 when it can take requests",
    "GET /metrics": "figures for Prometheus",
    "GET /dashboard": "all of that on one page, live",
    "GET /dev/dashboard": "the same page",
    "GET /docs": "this API, described",
    "GET /openapi.json": "the same for programs",
    "POST /v1/chat/completions": "the OpenAI API: point a client's base URL at /v1",
    "GET /v1/models": "the names that `model` may have",
    "POST /v1/embeddings": "vectors for texts",
    "POST /v1/messages": "the Anthropic API: point a client's base URL at /",
    "POST /v1/messages/count_tokens": "says that tokens are not counted here",
}


def root(request: Request) -> Response:
    """GET /"""
    return json_response(
        200,
        {
            "name": "cortex-actors",
            "version": __version__,
            "about": "A streaming gateway for language models, on supervised actors.",
            "endpoints": _ENDPOINTS,
            "try": {
                "method": "POST",
                "path": "/api/chat",
                "body": {"messages": [{"role": "user", "content": "Hello!"}]},
            },
        },
    )
