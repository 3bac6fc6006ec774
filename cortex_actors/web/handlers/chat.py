"""Chat: the endpoints that answer.

POST /api/chat             the answer while it is being written, in the framing that Accept asks for
POST /api/chat/complete    the whole answer, or an error; never half an answer
"""

from __future__ import annotations

from urllib.parse import quote

from cortex_actors.dispatch.stream import Completion
from cortex_actors.web.negotiation import choose_framing
from cortex_actors.web.parsing import parse_chat
from cortex_actors.web.payloads import Payload, tool_calls_payload, usage_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Header, Response, answer_headers, json_response, stream_response

#: So many ignored fields are named, and each to this length: their names are the caller's.
_MOST_NAMED = 16
_LONGEST_NAME = 40


def chat(request: Request) -> Response:
    """POST /api/chat"""
    framing = choose_framing(request.accept)
    asked, ignored = parse_chat(request.json())
    stream = request.gateway.open_stream(asked, request.caller)
    request.trace.stream = stream
    return stream_response(stream, framing, request.request_id, _told(ignored))


def complete(request: Request) -> Response:
    """POST /api/chat/complete"""
    asked, ignored = parse_chat(request.json())
    completion = request.gateway.complete(asked, request.caller)
    end = completion.end
    request.trace.end = end
    headers = [*answer_headers(end.provider, end.model, len(end.attempts)), *_told(ignored)]
    return json_response(200, _completion_payload(completion, request.request_id), headers)


def _completion_payload(completion: Completion, request_id: str) -> Payload:
    end = completion.end
    payload: Payload = {
        "response": completion.text,
        "provider": end.provider,
        "model": end.model,
        "usage": usage_payload(end.usage),
        "finish_reason": end.finish,
        "request_id": request_id,
    }
    if completion.reasoning:
        payload["reasoning"] = completion.reasoning
    if completion.tool_calls:
        payload["tool_calls"] = tool_calls_payload(completion.tool_calls)
    return payload


def _told(ignored: tuple[str, ...]) -> list[Header]:
    """Names the fields that had no effect, so that a misspelt one is found."""
    if not ignored:
        return []
    names = (quote(name[:_LONGEST_NAME], errors="replace") for name in ignored[:_MOST_NAMED])
    return [("X-Cortex-Ignored", ", ".join(names))]
