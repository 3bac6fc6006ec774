"""Payloads of the OpenAI API: a completion, its usage, a model, an error.

completion   {id, object, created, model, choices: [{index, message, logprobs, finish_reason}], usage}
usage        {prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details?, completion_...?}
error        {error: {message, type, param, code}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortex_actors.chat import FinishReason, Usage
from cortex_actors.dispatch.models import KnownModel
from cortex_actors.dispatch.stream import Completion
from cortex_actors.errors import (
    CortexError,
    InvalidRequest,
    ModelMissing,
    UnknownModel,
    UnknownProvider,
    UpstreamError,
    UpstreamRejected,
)
from cortex_actors.web.payloads import Payload, tool_calls_payload

#: The type of an error by its status. Every other below 500 is the caller's, see `_type` for those above.
_TYPES: Mapping[int, str] = {403: "permission_error", 429: "rate_limit_error"}

#: The field that an error is about, where its class says it.
_PARAMS: Mapping[type[CortexError], str] = {
    UnknownModel: "model",
    ModelMissing: "model",
    UnknownProvider: "provider",
}


def completion_payload(completion: Completion, created: int) -> Payload:
    """A whole answer; `created` is epoch seconds."""
    calls = tool_calls_payload(completion.tool_calls)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": completion.text if completion.text or not calls else None,
        "refusal": None,
    }
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    if calls:
        message["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": message,
        "logprobs": completion.logprobs,
        "finish_reason": finish_reason(completion.end.finish, called_tools=bool(calls)),
    }
    return {
        "id": f"chatcmpl-{completion.head.id}",
        "object": "chat.completion",
        "created": created,
        "model": completion.head.model,
        "choices": [choice],
        "usage": usage_payload(completion.end.usage),
    }


def finish_reason(finish: FinishReason | None, *, called_tools: bool) -> str | None:
    """Why it stopped. Some providers say "stop" where tools were called; clients act on the reason alone."""
    return FinishReason.TOOL_CALLS if called_tools and finish is FinishReason.STOP else finish


def usage_payload(usage: Usage | None) -> Payload | None:
    """Token counts, or None when the provider gave none; never estimated."""
    if usage is None:
        return None
    payload: Payload = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    details = {
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_written_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
    for name, counts in details.items():
        if known := {word: count for word, count in counts.items() if count is not None}:
            payload[name] = known
    return payload


def model_payload(model: KnownModel) -> Payload:
    """A model; when it was made is known to its maker alone, and the shape wants a number."""
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.owner}


def error_payload(error: CortexError) -> Payload:
    """An error. The provider's own code goes along where its refusal does: clients know those words."""
    code = error.code
    if isinstance(error, UpstreamRejected) and error.upstream_code:
        code = error.upstream_code
    param = error.field if isinstance(error, InvalidRequest) else _PARAMS.get(type(error))
    message = error.details or error.title
    return {"error": {"message": message, "type": _type(error), "param": param, "code": code}}


def _type(error: CortexError) -> str:
    status = error.http_status
    if status < 500:
        return _TYPES.get(status, "invalid_request_error")
    return "upstream_error" if isinstance(error, UpstreamError) else "server_error"
