"""Cohere's v1 chat, for servers that have no other: text up and text down.

The last message of the user stands alone, what came before is `chat_history`, system text is the `preamble`.
`stream-end` repeats the whole answer, which is not read a second time.

Imports:     cohere_stream, conversation, json_body, lenient, adapter (the state); chat, errors.
Imported by: cohere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_actors.chat import AnswerInfo, ChatRequest, Chunk, Message, ResponseFormat
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers import cohere_stream, conversation
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import object_in, text_in

_ROLES: Mapping[str, str] = {"user": "USER", "assistant": "CHATBOT"}


def chat_body(request: ChatRequest, *, model: str) -> dict[str, Any]:
    """The whole body; raises InvalidRequest for what has no place in it."""
    conversation.check(request)
    if request.tools:
        raise _refused("tools")
    turns = [_turn(message, path) for path, message in conversation.turns(request.messages)]
    if not turns or turns[-1]["role"] != "USER":
        raise InvalidRequest("The last message must be the user's.", field="messages")
    return said(
        model=model,
        message=turns[-1]["message"],
        chat_history=tuple(turns[:-1]),
        preamble=conversation.system_text(request.messages) or None,
        stream=True,
        temperature=request.temperature,
        p=request.top_p,
        k=request.top_k,
        max_tokens=request.max_tokens,
        stop_sequences=request.stop,
        seed=request.seed,
        response_format=_response_format(request.response_format),
    )


def events_in(payload: Mapping[str, Any], state: StreamState, *, provider: str) -> Sequence[ParsedEvent]:
    """What one line of a stream means."""
    match text_in(payload, "event_type"):
        case "stream-start":
            return (AnswerInfo(upstream_id=text_in(payload, "generation_id") or None),)
        case "text-generation":
            text = text_in(payload, "text")
            return (Chunk(text),) if text else ()
        case "stream-end":
            usage = object_in(payload, "response", "meta")
            return tuple(cohere_stream.ending(payload, usage, state, provider=provider))
        case _:
            return ()


def _turn(message: Message, path: str) -> dict[str, str]:
    if message.role == "tool":
        raise _refused(f"{path}.role")
    if message.tool_calls:
        raise _refused(f"{path}.tool_calls")
    return {"role": _ROLES[message.role], "message": conversation.only_text(message, path)}


def _refused(field: str) -> InvalidRequest:
    return InvalidRequest("This provider is configured for an API without tools.", field=field)


def _response_format(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    return None if wanted is None else said(type="json_object", schema=wanted.schema)
