"""Chat: the endpoints that answer.

POST /api/chat             the answer while it is being written, in the framing that Accept asks for
POST /api/chat/complete    the whole answer, or an error; never half an answer
"""

from __future__ import annotations

from typing import Any

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.stream import AnswerHead, Completion
from cortex_actors.gateway.resumption import StayingCaller
from cortex_actors.web.framing import Framing, to_json, utf8
from cortex_actors.web.handlers.streams import asking, resumed, stream_headers
from cortex_actors.web.negotiation import choose_framing
from cortex_actors.web.parsing import parse_chat
from cortex_actors.web.payloads import Payload, recoveries_payload, tool_calls_payload, usage_payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import (
    STREAM_HEADERS,
    Header,
    Response,
    StreamBody,
    answer_headers,
    json_response,
    named,
    stream_response,
)
from cortex_actors.web.resume.body import ReaderBody
from cortex_actors.web.resume.drained import DrainedBody
from cortex_actors.web.resume.framing import choose_event_framing
from cortex_actors.web.resume.options import FIELDS, PLAIN, Options, last_event_id, options_of


def chat(request: Request) -> Response:
    """POST /api/chat"""
    after = last_event_id(request)
    if after is not None:
        request.bodies.read(request.environ)  # it was answered when it came first
        return resumed(request, after)
    framing = choose_framing(request.accept)
    body = request.json()
    asked, ignored = parse_chat(body)
    options = options_of(body, request)
    if options is PLAIN:
        stream = request.gateway.open_stream(asked, request.caller)
        request.trace.stream = stream
        return stream_response(stream, framing, request.request_id, _told(ignored, stream.head))
    ignored = tuple(name for name in ignored if name not in FIELDS)
    if options.resumable:
        return _resumable(request, body, asked, ignored, options)
    return _drained(request, framing, asked, ignored, options)


def complete(request: Request) -> Response:
    """POST /api/chat/complete"""
    asked, ignored = parse_chat(request.json())
    completion = request.gateway.complete(asked, request.caller)
    request.trace.end, request.trace.stream_id = completion.end, completion.head.id
    headers = [*answer_headers(completion.head), *_told(ignored, completion.head)]
    return json_response(200, _completion_payload(completion, request.request_id), headers)


def _resumable(
    request: Request, body: dict[str, Any], asked: ChatRequest, ignored: tuple[str, ...], options: Options
) -> Response:
    """An answer to which the caller may come back; without room for it, one that says it is not."""
    framing = choose_event_framing(request.accept)
    opened = request.gateway.resumable.open(
        asked, asking(request), question=utf8(to_json(body)), detach=options.on_disconnect == "detach"
    )
    if opened is None:
        stream = request.gateway.open_stream(asked, request.caller)
        request.trace.stream = stream
        told = [("X-Cortex-Resumable", "false"), *_told(ignored, stream.head)]
        return stream_response(stream, choose_framing(framing.content_type), request.request_id, told)
    request.trace.stream = opened.stream
    headers = [
        ("Content-Type", framing.content_type),
        *STREAM_HEADERS,
        *stream_headers(opened.stream.id),
        *answer_headers(opened.stream.head),
        *_told(ignored, opened.stream.head),
    ]
    return Response(200, ReaderBody(opened.reader, framing, request.caller, request.settings), headers)


def _drained(
    request: Request, framing: Framing, asked: ChatRequest, ignored: tuple[str, ...], options: Options
) -> Response:
    """An answer that is not resumable, by a request that says what its caller's leaving means."""
    if options.on_disconnect == "cancel":
        stream = request.gateway.open_stream(asked, request.caller)
    else:
        stream = request.gateway.open_stream(asked, StayingCaller(request.caller).leave_alone())
    request.trace.stream = stream
    response = stream_response(stream, framing, request.request_id, _told(ignored, stream.head))
    if options.on_disconnect == "drain":
        assert isinstance(response.body, StreamBody)
        response.body = DrainedBody(response.body, stream)
    return response


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
    if seams := recoveries_payload(end.recoveries):
        payload["recoveries"] = seams
    if completion.tool_calls:
        payload["tool_calls"] = tool_calls_payload(completion.tool_calls)
    return payload


def _told(ignored: tuple[str, ...], head: AnswerHead) -> list[Header]:
    """Names the fields that nobody here knows, such as a misspelt one, and those no provider was told."""
    return [*named("X-Cortex-Ignored", ignored), *named("X-Cortex-Dropped", head.dropped)]
