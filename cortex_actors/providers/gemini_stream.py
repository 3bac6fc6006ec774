"""Reads the parts of a Gemini answer; each is a whole GenerateContentResponse.

    {"candidates": [{"content": {"parts": [...]}, "finishReason": "STOP"}], "usageMetadata": {...}}
    {"promptFeedback": {"blockReason": "SAFETY"}}                            no candidate, and none to come

Token counts are of the answer so far; the last ones count. A function call comes whole, and ends with STOP
like any other answer.

Imports:     adapter (the state), lenient, tool_calls; chat, errors.
Imported by: gemini.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cortex_actors.chat import AnswerInfo, Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.errors import UpstreamFailure
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import as_object, count_in, list_in, object_in, text_in
from cortex_actors.providers.tool_calls import invented_id

#: `finishReason` in our words; every other reason, known or new, is the provider's failure to answer.
FINISH: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
}

_NO_REASON = ("", "FINISH_REASON_UNSPECIFIED")


def events_in(payload: Mapping[str, Any], state: StreamState, *, provider: str) -> Iterator[ParsedEvent]:
    """The events of one payload, in order: what the answer is, its text, its counts."""
    candidate = as_object(next(iter(list_in(payload, "candidates")), None))
    yield from _info(payload, state)
    yield from _chunk(candidate, state)
    yield from _usage(payload, state)
    yield from _reason(payload, candidate, state, provider)


def end(state: StreamState) -> Sequence[ParsedEvent]:
    """What the end of the body adds: the reason that was given before it."""
    reason = state.notes.get("finish")
    if reason is None:
        return ()
    calls_tools = state.saw_tool_calls and reason is FinishReason.STOP
    return (Finish(FinishReason.TOOL_CALLS if calls_tools else reason),)


def _info(payload: Mapping[str, Any], state: StreamState) -> Iterator[AnswerInfo]:
    model, response_id = text_in(payload, "modelVersion"), text_in(payload, "responseId")
    if (model or response_id) and "id" not in state.notes:
        state.notes["id"] = response_id
        yield AnswerInfo(model or None, response_id or None)


def _chunk(candidate: Mapping[str, Any], state: StreamState) -> Iterator[Chunk]:
    parts = [as_object(part) for part in list_in(candidate, "content", "parts")]
    text = "".join(text_in(part, "text") for part in parts if part.get("thought") is not True)
    thoughts = "".join(text_in(part, "text") for part in parts if part.get("thought") is True)
    calls = tuple(_tool_call(call, state) for part in parts if (call := object_in(part, "functionCall")))
    if text or thoughts or calls:
        yield Chunk(text, thoughts, calls)


def _tool_call(call: Mapping[str, Any], state: StreamState) -> ToolCallDelta:
    """A call as one fragment; its id differs from those of other turns, and is the same on every reading."""
    state.saw_tool_calls = True
    index = state.notes["calls"] = state.notes.get("calls", -1) + 1
    name, arguments = text_in(call, "name"), json.dumps(object_in(call, "args"), ensure_ascii=False)
    answer = f"{state.notes.get('id', '')}/{name}/{arguments}"
    return ToolCallDelta(index, text_in(call, "id") or invented_id(answer, index), name, arguments)


def _usage(payload: Mapping[str, Any], state: StreamState) -> Iterator[Usage]:
    """The counts so far, when they changed. Thoughts are counted apart, and are part of what was written."""
    counts = object_in(payload, "usageMetadata")
    thoughts = count_in(counts, "thoughtsTokenCount")
    usage = Usage(
        prompt_tokens=(count_in(counts, "promptTokenCount") or 0)
        + (count_in(counts, "toolUsePromptTokenCount") or 0),
        completion_tokens=(count_in(counts, "candidatesTokenCount") or 0) + (thoughts or 0),
        cached_tokens=count_in(counts, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )
    if counts and usage != state.notes.get("usage"):
        state.notes["usage"] = usage
        yield usage


def _reason(
    payload: Mapping[str, Any], candidate: Mapping[str, Any], state: StreamState, provider: str
) -> Iterator[UpstreamFailure]:
    reason = text_in(candidate, "finishReason")
    if not candidate and text_in(payload, "promptFeedback", "blockReason"):
        reason = "SAFETY"
    if reason in FINISH:
        state.notes["finish"] = FINISH[reason]
        state.finished = True
    elif reason not in _NO_REASON:
        yield UpstreamFailure(
            "The provider gave up its answer.", provider=provider, upstream_code=reason.lower()[:64]
        )
