"""Payloads: our values as the plain dictionaries that callers see. The one place where their keys are named.

start      {id, request_id, provider, model}
delta      {text?, reasoning?, tool_calls?, metadata?}
usage      {prompt_tokens, completion_tokens, total_tokens, cached_tokens?, reasoning_tokens?}
recovered  {provider, model, offset, attempt}
end        {finish_reason, end, provider, model, usage, attempts, recoveries?}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cortex_actors.chat import Chunk, Recovered, ToolCall, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import AttemptRecord, ProviderView, RecoveryRecord, StreamEnd

Payload = dict[str, Any]


def delta_payload(chunk: Chunk) -> Payload:
    """A piece of an answer: only what it has."""
    payload: Payload = {}
    if chunk.text:
        payload["text"] = chunk.text
    if chunk.reasoning:
        payload["reasoning"] = chunk.reasoning
    if chunk.tool_calls:
        payload["tool_calls"] = [_tool_call_delta(call) for call in chunk.tool_calls]
    if chunk.metadata:
        payload["metadata"] = dict(chunk.metadata)
    return payload


def usage_payload(usage: Usage | None) -> Payload | None:
    """Token counts, or None when the provider gave none; never estimated."""
    if usage is None:
        return None
    payload = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        payload["cached_tokens"] = usage.cached_tokens
    if usage.reasoning_tokens is not None:
        payload["reasoning_tokens"] = usage.reasoning_tokens
    return payload


def recovered_payload(seam: Recovered) -> Payload:
    """Who goes on from here, and how many characters of text were there by then."""
    return {
        "provider": seam.provider,
        "model": seam.model,
        "offset": seam.offset,
        "attempt": seam.attempt,
    }


def end_payload(end: StreamEnd) -> Payload:
    """How a stream ended, by its name, and what it took to get there."""
    payload: Payload = {
        "finish_reason": end.finish,
        "end": end.name,
        "provider": end.provider,
        "model": end.model,
        "usage": usage_payload(end.usage),
        "attempts": attempts_payload(end.attempts),
    }
    if seams := recoveries_payload(end.recoveries):
        payload["recoveries"] = seams
    return payload


def recoveries_payload(records: Iterable[RecoveryRecord]) -> list[Payload]:
    """The seams of an answer, each as it was announced."""
    return [
        {
            "provider": record.provider,
            "model": record.model,
            "offset": record.offset,
            "attempt": record.attempt,
        }
        for record in records
        if record.result == "joined"
    ]


def attempts_payload(attempts: Iterable[AttemptRecord]) -> list[Payload]:
    """The story of a request, a line an attempt."""
    return [
        {
            "number": attempt.number,
            "provider": attempt.provider,
            "model": attempt.model,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "milliseconds": attempt.milliseconds,
        }
        for attempt in attempts
    ]


def tool_calls_payload(calls: Iterable[ToolCall]) -> list[Payload]:
    """Whole tool calls, in the shape in which they are sent back in the next request."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def provider_payload(view: ProviderView) -> Payload:
    """A provider as its worker last published it."""
    return {
        "name": view.name,
        "type": view.type,
        "status": view.status,
        "priority": view.priority,
        "models": list(view.models) or ["auto"],
        "capabilities": list(view.capabilities),
        "local": view.local,
        "draining": view.draining,
        "breaker": view.breakers.provider.state,
        "in_flight": view.in_flight,
        "max_streams": view.max_streams,
        "requests": view.requests,
        "failures": view.failures,
        "mean_ttft_ms": None if view.mean_ttft is None else round(view.mean_ttft * 1000, 1),
        "last_error": view.last_error,
    }


def _tool_call_delta(call: ToolCallDelta) -> Payload:
    payload: Payload = {"index": call.index}
    if call.id is not None:
        payload["id"] = call.id
    if call.name is not None:
        payload["name"] = call.name
    payload["arguments"] = call.arguments
    return payload
