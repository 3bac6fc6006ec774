"""Reads the events of a Cohere v2 stream, and what both versions say the same way: why they stopped, usage.

    message-start, then for each block: content-start, content-delta*, content-end,
    or tool-plan-delta*, then for each call: tool-call-start, tool-call-delta*, tool-call-end,
    then message-end (why it stopped, usage)

Citations, and events that are not known yet, mean nothing here. A tool plan is reasoning: the model tells
itself what to do next.

Imports:     open_calls, failures, lenient, adapter (the state); chat.
Imported by: cohere, cohere_v1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, FinishReason, Usage
from cortex_actors.providers import failures, open_calls
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import as_object, count_in, object_in, text_in

#: `finish_reason` in our words. The API may add reasons; an unknown one still ends an answer as planned.
FINISH: Mapping[str, FinishReason] = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "ERROR_LIMIT": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
    "ERROR_TOXIC": FinishReason.CONTENT_FILTER,
}

#: The reasons that are no end of an answer.
_FAILED = ("ERROR", "TIMEOUT", "USER_CANCEL")


def events_in(payload: Mapping[str, Any], state: StreamState, *, provider: str) -> Sequence[ParsedEvent]:
    """What one event means."""
    kind = text_in(payload, "type")
    if kind == "message-end":
        delta = object_in(payload, "delta")
        return tuple(ending(delta, object_in(delta, "usage"), state, provider=provider))
    read = _READERS.get(kind)
    return () if read is None else read(payload, state)


def ending(
    carrier: Mapping[str, Any], usage: Mapping[str, Any], state: StreamState, *, provider: str
) -> Iterator[ParsedEvent]:
    """The last events of an answer, or its failure; `carrier` has the reason and perhaps an error text."""
    yield from _usage(usage)
    reason, error = text_in(carrier, "finish_reason"), text_in(carrier, "error")
    if error or reason in _FAILED:
        yield failures.from_stream({"message": error, "code": reason.lower()}, provider=provider)
        return
    state.finished = state.ended = True
    yield Finish(FINISH.get(reason, FinishReason.STOP))


def _message_start(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    state.notes["id"] = text_in(payload, "id")
    return (AnswerInfo(upstream_id=text_in(payload, "id") or None),)


def _content(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    content = object_in(payload, "delta", "message", "content")
    text, thinking = text_in(content, "text"), text_in(content, "thinking")
    return (Chunk(text=text, reasoning=thinking),) if text or thinking else ()


def _tool_plan(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    plan = text_in(payload, "delta", "message", "tool_plan")
    return (Chunk(reasoning=plan),) if plan else ()


def _call_start(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    call = _call_in(payload)
    return open_calls.begin(
        state,
        count_in(payload, "index"),
        id=text_in(call, "id"),
        name=text_in(call, "function", "name"),
        arguments=text_in(call, "function", "arguments"),
        answer=state.notes.get("id", ""),
    )


def _call_delta(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    fragment = text_in(_call_in(payload), "function", "arguments")
    return open_calls.write(state, count_in(payload, "index"), fragment)


def _call_end(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    return open_calls.end(state, count_in(payload, "index"))


_READERS: Mapping[str, Callable[[Mapping[str, Any], StreamState], Sequence[AnswerEvent]]] = {
    "message-start": _message_start,
    "content-start": _content,
    "content-delta": _content,
    "tool-plan-delta": _tool_plan,
    "tool-call-start": _call_start,
    "tool-call-delta": _call_delta,
    "tool-call-end": _call_end,
}


def _call_in(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The call of an event: documented as a list, sent as the one object that is meant."""
    calls = object_in(payload, "delta", "message").get("tool_calls")
    return as_object(calls[0] if isinstance(calls, list) and calls else calls)


def _usage(counts: Mapping[str, Any]) -> Iterator[Usage]:
    """Tokens as the model saw them; what is billed is less, and only stands in for them."""
    shown = object_in(counts, "tokens") or object_in(counts, "billed_units")
    prompt, completion = count_in(shown, "input_tokens"), count_in(shown, "output_tokens")
    if prompt is not None or completion is not None:
        yield Usage(prompt or 0, completion or 0, cached_tokens=count_in(counts, "cached_tokens"))
