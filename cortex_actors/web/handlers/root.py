"""The root: what somebody finds who only knows the address."""

from __future__ import annotations

from cortex_actors import __version__
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response

_ENDPOINTS = {
    "POST /api/chat": "streams an answer; Accept: text/plain, text/event-stream or application/x-ndjson",
    "POST /api/chat/complete": "the whole answer as one JSON object",
    "GET /api/providers": "who may answer, and how each is doing",
    "GET /api/health": "status of the gateway and of every provider",
    "GET /api/actors": "the supervision tree: who runs, who was restarted, when and why",
    "GET /livez": "200 unless this process must be restarted",
    "GET /readyz": "200 when it can take requests",
    "GET /metrics": "figures for Prometheus",
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
