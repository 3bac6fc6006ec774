"""Every path with its methods, as OpenAPI operations. A test compares them with the routes, both ways.

The surface decides what a failure looks like; every operation may fail in the ways its surface tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortex_actors.web.openapi.words import (
    INTEGER,
    STRING,
    Schema,
    record,
    ref,
    said,
    text,
    word,
)

Operation = dict[str, Any]

JSON, SSE, NDJSON, TEXT, HTML = (
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "text/plain",
    "text/html",
)

#: The failures that a caller should have a branch for, by status; every other one has the same shape.
_FAILURES: Mapping[str, str] = {
    "400": "A mistake in the request; it names the field.",
    "401": "No key, or one that nobody here knows.",
    "403": "The key may not do this.",
    "404": "There is no such thing, model or provider.",
    "429": "A limit of this gateway; Retry-After says when to come again.",
    "502": "The provider failed.",
    "503": "Nobody can answer now; Retry-After says when to come again.",
    "504": "The provider was too slow; the code names the limit.",
    "default": "Any other failure.",
}

_ERROR_OF = {"cortex": "Error", "openai": "OpenAIError", "anthropic": "AnthropicError"}

_STREAM_ID = text(pattern=r"^[0-9a-f]{32}$")


def operation(
    summary: str,
    answers: Mapping[str, Mapping[str, Schema | None]],
    *,
    tag: str,
    surface: str = "cortex",
    body: str | None = None,
    body_needed: bool = True,
    parameters: tuple[Schema, ...] = (),
    security: bool = True,
) -> Operation:
    """One operation: `answers` are schemas by content type, by status; None for a body of no JSON."""
    responses: dict[str, Any] = {
        status: {"description": description, "content": _content({JSON: ref(_ERROR_OF[surface])})}
        for status, description in _FAILURES.items()
    }
    for status, kinds in answers.items():
        responses[status] = {"description": summary, **({"content": _content(kinds)} if kinds else {})}
    made: Operation = {"summary": summary, "tags": [tag], "responses": responses}
    if body is not None:
        made["requestBody"] = {"required": body_needed, "content": _content({JSON: ref(body)})}
    if parameters:
        made["parameters"] = list(parameters)
    if not security:
        made["security"] = []
    return made


def in_path(name: str, schema: Schema) -> Schema:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def in_query(name: str, schema: Schema) -> Schema:
    """A parameter behind the question mark."""
    return {"name": name, "in": "query", "required": False, "schema": schema}


def in_header(name: str, schema: Schema) -> Schema:
    """A header that means something here."""
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _content(kinds: Mapping[str, Schema | None]) -> dict[str, Any]:
    return {kind: {"schema": STRING if schema is None else schema} for kind, schema in kinds.items()}


#: One server-sent event, as a decoder gives it.
_EVENT = record({"data": STRING}, event=STRING, id=STRING, retry=INTEGER)

_FLAG = word("true", "false")
_STREAMED: Mapping[str, Schema | None] = {TEXT: None, SSE: _EVENT, NDJSON: None}
_LAST_EVENT = in_header("Last-Event-ID", said(STRING, "The id of the last event that came."))
_ACTOR = in_path("name", said(STRING, "The actor's path in the tree; it may have slashes in it."))
_PROVIDER = in_path("name", said(STRING, "A provider of the settings."))
_STREAM = in_path("id", _STREAM_ID)


def _order(summary: str, *parameters: Schema, body: str | None = None, status: str = "200") -> Operation:
    """An order of an operator; one that a hung actor keeps from being done is under way (202)."""
    answers: dict[str, Mapping[str, Schema | None]] = {
        status: {JSON: ref("Done")},
        "202": {JSON: ref("Done")},
    }
    return operation(summary, answers, tag="admin", parameters=parameters, body=body)


_PROBE = {"200": {JSON: ref("Probe"), "application/health+json": ref("Probe")}}
_PROBE_FAILS = {**_PROBE, "503": _PROBE["200"]}

OPERATIONS: dict[str, dict[str, Operation]] = {
    "/api/chat": {
        "post": operation(
            "Streams an answer in the framing that Accept asks for",
            {"200": _STREAMED},
            tag="chat",
            body="ChatRequest",
            parameters=(in_header("X-Cortex-Resumable", word("true", "false")), _LAST_EVENT),
        )
    },
    "/api/chat/complete": {
        "post": operation(
            "The whole answer, or an error; never half an answer",
            {"200": {JSON: ref("Completion")}},
            tag="chat",
            body="ChatRequest",
        )
    },
    "/api/chat/streams/{id}": {
        "get": operation(
            "Goes on with a resumable stream after Last-Event-ID, or tells it from its start",
            {"200": {SSE: _EVENT}, "204": {}},
            tag="chat",
            parameters=(_STREAM, _LAST_EVENT),
        ),
        "delete": operation(
            "Ends a resumable stream",
            {"204": {}, "200": {JSON: ref("Done")}},
            tag="chat",
            parameters=(_STREAM,),
        ),
    },
    "/v1/chat/completions": {
        "post": operation(
            "A chat completion of the OpenAI API, whole or streamed",
            {"200": {JSON: ref("ChatCompletion"), SSE: _EVENT}},
            tag="openai",
            surface="openai",
            body="CompletionRequest",
        )
    },
    "/v1/embeddings": {
        "post": operation(
            "Vectors for texts",
            {"200": {JSON: ref("Embeddings")}},
            tag="openai",
            surface="openai",
            body="EmbeddingsBody",
        )
    },
    "/v1/models": {
        "get": operation(
            "Every name that `model` may have", {"200": {JSON: ref("Models")}}, tag="openai", surface="openai"
        )
    },
    "/v1/models/{id}": {
        "get": operation(
            "One model; its name may have slashes in it",
            {"200": {JSON: ref("Model")}},
            tag="openai",
            surface="openai",
            parameters=(in_path("id", STRING),),
        )
    },
    "/v1/messages": {
        "post": operation(
            "A message of the Anthropic API, whole or streamed",
            {"200": {JSON: ref("AnthropicMessage"), SSE: _EVENT}},
            tag="anthropic",
            surface="anthropic",
            body="MessagesRequest",
        )
    },
    "/v1/messages/count_tokens": {
        "post": operation(
            "Says that tokens are not counted here",
            {},
            tag="anthropic",
            surface="anthropic",
            body="CountTokensRequest",
        )
    },
    "/api/health": {
        "get": operation(
            "Status of the gateway and of every provider",
            {
                status: {JSON: ref("Health"), "application/health+json": ref("Probe")}
                for status in ("200", "503")
            },
            tag="health",
            parameters=(in_query("detailed", _FLAG),),
        )
    },
    "/api/providers": {
        "get": operation(
            "Who may answer, and how each is doing",
            {"200": {JSON: ref("Providers")}},
            tag="operator",
            parameters=(in_query("detailed", _FLAG),),
        )
    },
    "/api/actors": {
        "get": operation(
            "The supervision tree",
            {"200": {JSON: ref("Actors")}},
            tag="operator",
            parameters=(in_query("temporary", _FLAG),),
        )
    },
    "/api/actors/{name}": {
        "get": operation(
            "One actor; where it stands with `stack=true`",
            {"200": {JSON: ref("OneActor")}},
            tag="operator",
            parameters=(_ACTOR, in_query("stack", _FLAG)),
        )
    },
    "/api/streams": {
        "get": operation(
            "The streams that run, the oldest first",
            {"200": {JSON: ref("Streams")}},
            tag="operator",
            parameters=(in_query("provider", STRING), in_query("slow", _FLAG), in_query("limit", INTEGER)),
        )
    },
    "/api/streams/{id}": {
        "get": operation(
            "One running stream",
            {"200": {JSON: ref("OneStream")}},
            tag="operator",
            parameters=(in_path("id", STRING),),
        )
    },
    "/api/events": {
        "get": operation(
            "What happened lately; as server-sent events it is followed",
            {"200": {JSON: ref("Events"), SSE: _EVENT}},
            tag="operator",
            parameters=(
                in_query("since", INTEGER),
                in_query("kinds", STRING),
                in_query("limit", INTEGER),
                _LAST_EVENT,
            ),
        )
    },
    "/api/dashboard/feed": {
        "get": operation(
            "The whole state once a second, and every event",
            {"200": {SSE: _EVENT}},
            tag="operator",
            parameters=(_LAST_EVENT,),
        )
    },
    "/api/admin/reload": {"post": _order("Applies the changed settings file, or refuses it as a whole")},
    "/api/admin/workers/reload": {"post": _order("The same, under its older name")},
    "/api/admin/workers/{name}": {"delete": _order("Removes a provider, under its older name", _PROVIDER)},
    "/api/admin/actors/{name}/restart": {"post": _order("Restarts an actor", _ACTOR)},
    "/api/admin/actors/{name}/terminate": {"post": _order("Ends an actor for good", _ACTOR)},
    "/api/admin/providers": {"post": _order("Adds a provider", body="ProviderTable", status="201")},
    "/api/admin/providers/{name}": {
        "delete": _order("Removes a provider; its streams may finish", _PROVIDER)
    },
    "/api/admin/providers/{name}/drain": {"post": _order("Gives a provider no new streams", _PROVIDER)},
    "/api/admin/providers/{name}/undrain": {"post": _order("Gives it streams again", _PROVIDER)},
    "/api/admin/providers/{name}/breaker": {
        "post": _order(
            "Forces a breaker open or closed, or leaves it to itself", _PROVIDER, body="BreakerOrder"
        )
    },
    "/api/admin/providers/{name}/unblock": {
        "post": _order("Ends the rest of a key", _PROVIDER, body="UnblockOrder")
    },
    "/api/admin/streams/{id}/cancel": {"post": _order("Ends a stream", in_path("id", STRING))},
    "/api/admin/stacks": {"post": _order("Where every thread stands")},
    "/livez": {
        "get": operation(
            "200 unless this process must be restarted", _PROBE_FAILS, tag="health", security=False
        )
    },
    "/readyz": {
        "get": operation("200 when it can take requests", _PROBE_FAILS, tag="health", security=False)
    },
    "/startupz": {"get": operation("200 once it has started", _PROBE_FAILS, tag="health", security=False)},
    "/metrics": {
        "get": operation(
            "Figures for Prometheus",
            {"200": {TEXT: None, "application/openmetrics-text": None}},
            tag="operator",
        )
    },
    "/dashboard": {"get": operation("The dashboard", {"200": {HTML: None}}, tag="operator", security=False)},
    "/openapi.json": {
        "get": operation("This document", {"200": {JSON: {"type": "object"}}}, tag="about", security=False)
    },
    "/docs": {
        "get": operation("This document for people", {"200": {HTML: None}}, tag="about", security=False)
    },
    "/": {
        "get": operation("What there is", {"200": {JSON: {"type": "object"}}}, tag="about", security=False)
    },
}
