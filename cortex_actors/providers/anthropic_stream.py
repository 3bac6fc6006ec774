"""Reads the events of an Anthropic stream.

    message_start, then for each block: content_block_start, content_block_delta*, content_block_stop,
    then message_delta (why it stopped, final usage), message_stop

Pings, citations, the provider's own tools, and events that are not known yet mean nothing here.
The answer is whole at `message_stop` and not before: a reason to stop is held back until then.

Imports:     open_calls, lenient, adapter (the state); chat.
Imported by: anthropic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, FinishReason, ThoughtSeal, Usage
from cortex_actors.providers import open_calls
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.lenient import count_in, object_in, text_in

#: `stop_reason` in our words. The API may add reasons; an unknown one still ends an answer as planned.
FINISH: Mapping[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "pause_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}


def events_in(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    """What one event means; an `error` is not ours to read."""
    read = _READERS.get(text_in(payload, "type"))
    return () if read is None else read(payload, state)


def _message_start(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    message = object_in(payload, "message")
    model, upstream_id = text_in(message, "model"), text_in(message, "id")
    state.notes["id"] = upstream_id
    return (AnswerInfo(model or None, upstream_id or None), *_usage(message, state))


def _block_start(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    block = object_in(payload, "content_block")
    if text_in(block, "type") == "tool_use":
        return open_calls.begin(
            state,
            count_in(payload, "index"),
            id=text_in(block, "id"),
            name=text_in(block, "name"),
            arguments=_whole_input(block),
            answer=state.notes.get("id", ""),
        )
    encrypted = text_in(block, "data") if text_in(block, "type") == "redacted_thinking" else ""
    return (ThoughtSeal(encrypted=encrypted),) if encrypted else _said(block)


def _block_delta(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    delta = object_in(payload, "delta")
    fragment = text_in(delta, "partial_json")
    if fragment:
        return open_calls.write(state, count_in(payload, "index"), fragment)
    signature = text_in(delta, "signature")
    return (ThoughtSeal(signature),) if signature else _said(delta)


def _block_stop(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    return open_calls.end(state, count_in(payload, "index"))


def _message_delta(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    state.notes["stop_reason"] = text_in(payload, "delta", "stop_reason")
    state.notes["stop_sequence"] = text_in(payload, "delta", "stop_sequence") or None
    return _usage(payload, state)


def _message_stop(payload: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    state.finished = state.ended = True
    reason = FINISH.get(state.notes.get("stop_reason", ""), FinishReason.STOP)
    return (Finish(reason, state.notes.get("stop_sequence")),)


_READERS: Mapping[str, Callable[[Mapping[str, Any], StreamState], Sequence[AnswerEvent]]] = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "content_block_stop": _block_stop,
    "message_delta": _message_delta,
    "message_stop": _message_stop,
}


def _said(block: Mapping[str, Any]) -> Sequence[AnswerEvent]:
    """What a block or a part of it says: its text, or its thinking."""
    text, thinking = text_in(block, "text"), text_in(block, "thinking")
    return (Chunk(text=text, reasoning=thinking),) if text or thinking else ()


def _whole_input(block: Mapping[str, Any]) -> str:
    """Arguments that come with the opening of a call; the API itself sends `{}` there and writes later."""
    arguments = object_in(block, "input")
    return json.dumps(arguments) if arguments else ""


def _usage(carrier: Mapping[str, Any], state: StreamState) -> Sequence[AnswerEvent]:
    """The usage so far. The counts are cumulative, and those that did not change may be left out."""
    reported = object_in(carrier, "usage")
    if not reported:
        return ()
    known: dict[str, Any] = state.notes.setdefault("usage", {})
    known.update({name: value for name, value in reported.items() if value is not None})
    read_from_cache = count_in(known, "cache_read_input_tokens")
    written_to_cache = count_in(known, "cache_creation_input_tokens")
    return (
        Usage(
            prompt_tokens=(count_in(known, "input_tokens") or 0)
            + (read_from_cache or 0)
            + (written_to_cache or 0),
            completion_tokens=count_in(known, "output_tokens") or 0,
            cached_tokens=read_from_cache,
            reasoning_tokens=count_in(known, "output_tokens_details", "thinking_tokens"),
            cache_written_tokens=written_to_cache,
        ),
    )
