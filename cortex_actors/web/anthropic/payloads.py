"""Payloads of the Messages API: a message, its usage, its reason to stop, an error.

message    {id, type, role, model, content, stop_reason, stop_sequence, usage}
error      {type: "error", error: {type, message, details}, request_id}
"""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.chat import Finish, FinishReason, Usage
from cortex_actors.errors import CortexError, InvalidRequest, QuotaExhausted
from cortex_actors.web.payloads import Payload

_STOP_REASONS: Mapping[FinishReason, str] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}

#: The type of an error by its status. Every other below 500 is the caller's, every other above is ours.
_ERROR_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def message_payload(stream_id: str, model: str, usage: Usage | None) -> Payload:
    """A message of which nothing has been said yet."""
    return {
        "id": f"msg_{stream_id}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_payload(usage),
    }


def stop_payload(finish: Finish, *, called_tools: bool) -> Payload:
    """Why it stopped. Some providers say "stop" where tools were called; clients act on the reason alone."""
    if finish.stop_sequence is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": finish.stop_sequence}
    called = called_tools and finish.reason is FinishReason.STOP
    return {
        "stop_reason": _STOP_REASONS[FinishReason.TOOL_CALLS if called else finish.reason],
        "stop_sequence": None,
    }


def usage_payload(usage: Usage | None) -> Payload:
    """Token counts; zeros where the provider gives none, as clients insist on numbers."""
    usage = usage or Usage()
    read, written = usage.cached_tokens, usage.cache_written_tokens
    payload: Payload = {
        "input_tokens": max(0, usage.prompt_tokens - (read or 0) - (written or 0)),
        "output_tokens": usage.completion_tokens,
    }
    if read is not None:
        payload["cache_read_input_tokens"] = read
    if written is not None:
        payload["cache_creation_input_tokens"] = written
    if usage.reasoning_tokens is not None:
        payload["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return payload


def error_payload(error: CortexError, request_id: str) -> Payload:
    """An error as clients of Anthropic read it; `details.error_code` is our own word for it."""
    about: Payload = {"error_code": error.code}
    message = error.details or error.title
    if isinstance(error, InvalidRequest) and error.field:
        about["field"] = error.field
        message = message if error.field in message else f"{error.field}: {message}"
    return {
        "type": "error",
        "error": {"type": _error_type(error), "message": message, "details": about},
        "request_id": request_id,
    }


def _error_type(error: CortexError) -> str:
    if isinstance(error, QuotaExhausted):
        return "api_error"  # waiting does not help, which `overloaded_error` would promise
    status = error.http_status
    return _ERROR_TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")
