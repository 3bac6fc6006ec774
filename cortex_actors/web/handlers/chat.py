"""Chat: the endpoints that answer.

POST /api/chat             the answer while it is being written, in the framing that Accept asks for
POST /api/chat/complete    the whole answer, or an error; never half an answer
"""

from __future__ import annotations

from cortex_actors.dispatch.stream import AnswerHead, Completion
from cortex_actors.web.negotiation import choose_framing
from cortex_actors.web.parsing import parse_chat
from cortex_actors.web.payloads import Payload, tool_calls_payload, usage_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import (
    Header,
    Response,
    answer_headers,
    json_response,
    named,
    stream_response,
)


def chat(request: Request) -> Response:
    """POST /api/chat"""
    framing = choose_framing(request.accept)
    asked, ignored = parse_chat(request.json())
    stream = request.gateway.open_stream(asked, request.caller)
    request.trace.stream = stream
    return stream_response(stream, framing, request.request_id, _told(ignored, stream.head))


def complete(request: Request) -> Response:
    """POST /api/chat/complete"""
    asked, ignored = parse_chat(request.json())
    completion = request.gateway.complete(asked, request.caller)
    request.trace.end = completion.end
    headers = [*answer_headers(completion.head), *_told(ignored, completion.head)]
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


def _told(ignored: tuple[str, ...], head: AnswerHead) -> list[Header]:
    """Names the fields that nobody here knows, such as a misspelt one, and those no provider was told."""
    return [*named("X-Cortex-Ignored", ignored), *named("X-Cortex-Dropped", head.dropped)]
