"""The OpenAI API: the endpoints that its clients know.

POST /v1/chat/completions    an answer, whole or while it is being written, as `stream` says
GET  /v1/models              every name that a request may ask for, best known first
GET  /v1/models/{id}         one of them; also `provider/model`, which the list does not repeat
POST /v1/embeddings          vectors for texts
"""

from __future__ import annotations

import time

from cortex_actors.web.openai.embeddings import embeddings_payload, parse_embeddings
from cortex_actors.web.openai.framing import CompletionFraming
from cortex_actors.web.openai.parsing import parse_completion
from cortex_actors.web.openai.payloads import completion_payload, model_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, answer_headers, json_response, named, stream_response

#: Where single models are.
MODELS = "/v1/models/"


def chat_completions(request: Request) -> Response:
    """POST /v1/chat/completions"""
    asked = parse_completion(request.json())
    if asked.stream:
        stream = request.gateway.open_stream(asked.request, request.caller)
        request.trace.stream = stream
        dropped = named("X-Cortex-Dropped", (*asked.dropped, *stream.dropped))
        framing = CompletionFraming(include_usage=asked.include_usage)
        return stream_response(stream, framing, request.request_id, dropped)
    completion = request.gateway.complete(asked.request, request.caller)
    request.trace.end, request.trace.stream_id = completion.end, completion.head.id
    dropped = named("X-Cortex-Dropped", (*asked.dropped, *completion.head.dropped))
    payload = completion_payload(completion, int(time.time()))
    return json_response(200, payload, [*answer_headers(completion.head), *dropped])


def models(request: Request) -> Response:
    """GET /v1/models"""
    listed = [model_payload(model) for model in request.gateway.models(request.identity.permission)]
    return json_response(200, {"object": "list", "data": listed})


def model(request: Request) -> Response:
    """GET /v1/models/{id}; an id may have slashes in it."""
    name = request.path.removeprefix(MODELS)
    return json_response(200, model_payload(request.gateway.model(name, request.identity.permission)))


def embeddings(request: Request) -> Response:
    """POST /v1/embeddings"""
    asked = parse_embeddings(request.json())
    made = request.gateway.embed(asked, request.caller)
    request.trace.end, request.trace.stream_id = made.end, made.head.id
    dropped = named("X-Cortex-Dropped", made.head.dropped)
    return json_response(200, embeddings_payload(made, asked), [*answer_headers(made.head), *dropped])
