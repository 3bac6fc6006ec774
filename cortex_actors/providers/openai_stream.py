"""What a payload of an OpenAI-style stream means, read with all the liberties servers take.

    {"choices": [{"delta": {...}, "finish_reason": null}]}     text, reasoning, tool calls
    {"choices": [{"message": {...}, ...}], "usage": {...}}     a whole answer: the server ignored `stream`
    {"choices": [] or null or absent, "usage": {...}}          token counts
    {"error": ...}, {"object": "error", ...}, {"detail": ...}  a failure, after a status of 200

The order of the events of one payload is always: what the answer is, its text, its counts, its end.

Only the first choice is read. A refusal is text: it is what the model answered. A `finish_reason` that
nobody knows counts as `stop`: the server did say that it is done, and a truncation is something else.

Imports:     chat, errors; failures, lenient and tool_calls of this package.
Imported by: openai_compatible.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cortex_actors.chat import AnswerInfo, Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.errors import UpstreamFailure
from cortex_actors.providers import failures
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import as_object, count_in, list_in, text_in
from cortex_actors.providers.tool_calls import ToolCallLedger

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def is_error(data: Mapping[str, Any]) -> bool:
    """Whether a payload tells of a failure; `"error": null` in a good one does not."""
    if data.get("error") or data.get("object") == "error":
        return True
    return "choices" not in data and "usage" not in data and bool(data.get("detail") or data.get("message"))


def events_in(data: Mapping[str, Any], state: StreamState, *, provider: str) -> list[ParsedEvent]:
    """The events of one payload, in order. This runs once for every token, so it asks before it calls."""
    if is_error(data):
        return [failures.from_stream(data, provider=provider)]
    events: list[ParsedEvent] = []
    if "info" not in state.notes:
        events += _info(data, state)
    choice = _first_choice(data)
    delta = choice.get("delta")
    if delta is None:  # a delta wins: some servers repeat the whole answer in `message` beside it
        delta = choice.get("message")
    if isinstance(delta, dict):
        events += _chunk(delta, choice.get("logprobs"), state)
    usage = usage_in(data["usage"]) if data.get("usage") else None
    if usage is not None:
        events.append(usage)
        state.ended = state.finished and not choice  # the counts come last, unless they come with a choice
    if choice.get("finish_reason"):
        events += _finish(choice["finish_reason"], state, provider)
    return events


def usage_in(counts: Any) -> Usage | None:
    """Token counts, where there are any. Reasoning that a server counts apart is part of the completion."""
    prompt, completion = count_in(counts, "prompt_tokens"), count_in(counts, "completion_tokens")
    if prompt is None and completion is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    reasoning = count_in(counts, "completion_tokens_details", "reasoning_tokens")
    if reasoning and count_in(counts, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=count_in(counts, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=reasoning,
    )


def _info(data: Mapping[str, Any], state: StreamState) -> list[AnswerInfo]:
    info = AnswerInfo(model=text_in(data, "model") or None, upstream_id=text_in(data, "id") or None)
    if info == AnswerInfo():
        return []
    state.notes["info"] = info
    return [info]


def _first_choice(data: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = data.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return {}


def _chunk(delta: Mapping[str, Any], logprobs: Any, state: StreamState) -> list[Chunk]:
    """What the delta adds, or nothing; `logprobs` is null unless the caller asked for them."""
    content = delta.get("content")
    text, thought = (content, "") if isinstance(content, str) else _from_parts(content)
    text = text or text_in(delta, "refusal")
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    reasoning = reasoning if isinstance(reasoning, str) else thought
    calls = tuple(_tool_calls(delta, state)) if "tool_calls" in delta or "function_call" in delta else ()
    likely = {
        kind: tokens for kind, tokens in as_object(logprobs).items() if isinstance(tokens, list) and tokens
    }
    if likely:
        return [Chunk(text, reasoning, calls, likely)]
    return [Chunk(text, reasoning, calls)] if text or reasoning or calls else []


def _from_parts(content: Any) -> tuple[str, str]:
    """The text and the reasoning in content that is a list of parts, or null."""
    parts = [as_object(part) for part in content] if isinstance(content, list) else []
    text = "".join(text_in(part, "text") for part in parts if part.get("type") in ("text", None))
    return text, "".join(_thought(part.get("thinking")) for part in parts if part.get("type") == "thinking")


def _thought(thinking: Any) -> str:
    """Mistral's thinking parts hold text parts again."""
    return thinking if isinstance(thinking, str) else _from_parts(thinking)[0]


def _tool_calls(delta: Mapping[str, Any], state: StreamState) -> Iterator[ToolCallDelta]:
    calls = [as_object(call) for call in list_in(delta, "tool_calls")]
    if isinstance(delta.get("function_call"), dict):
        calls.append({"index": 0, "function": delta["function_call"]})
    for call in calls:
        function = call.get("function")
        if isinstance(function, dict):
            state.saw_tool_calls = True
            yield _ledger(state).fragment(
                index=count_in(call, "index"),
                id=text_in(call, "id") or None,
                name=text_in(function, "name") or None,
                arguments=_arguments(function.get("arguments")),
                answer=str(state.notes.get("info")),
            )


def _ledger(state: StreamState) -> ToolCallLedger:
    ledger: ToolCallLedger = state.notes.setdefault("tool_calls", ToolCallLedger())
    return ledger


def _arguments(arguments: Any) -> str:
    """JSON text; some servers send the value itself."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def _finish(reason: Any, state: StreamState, provider: str) -> list[ParsedEvent]:
    if not isinstance(reason, str) or reason == "null" or state.finished:
        return []
    if reason == "error":
        return [UpstreamFailure("The provider ended its answer with an error.", provider=provider)]
    state.finished = True
    return [Finish(FINISH_REASONS.get(reason, FinishReason.STOP))]
