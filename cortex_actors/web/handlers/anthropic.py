"""The Messages API: the endpoints that Anthropic's clients know.

POST /v1/messages                  an answer, whole or while it is being written, as `stream` says
POST /v1/messages/count_tokens     refused: only a provider could count, and no prompt is sent out for that
"""

from __future__ import annotations

from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import InvalidRequest, NotFound
from cortex_actors.web.anthropic.framing import MessagesFraming
from cortex_actors.web.anthropic.names import in_their_words, refusal_in_their_words
from cortex_actors.web.anthropic.parsing import Asked, parse_message
from cortex_actors.web.anthropic.responses import request_id_header
from cortex_actors.web.anthropic.whole import whole_message
from cortex_actors.web.request import Request
from cortex_actors.web.responses import (
    Header,
    Response,
    answer_headers,
    json_response,
    named,
    stream_response,
)


def messages(request: Request) -> Response:
    """POST /v1/messages"""
    asked = parse_message(request.json())
    stream = _opened(request, asked)
    request.trace.stream = stream
    headers = _headers(request, asked, stream)
    if asked.stream:
        return stream_response(stream, MessagesFraming(thinking=asked.thinking), request.request_id, headers)
    try:
        payload = whole_message(stream, thinking=asked.thinking)
    finally:
        stream.close()
    return json_response(200, payload, [*answer_headers(stream.head), *headers])


def count_tokens(request: Request) -> Response:
    """POST /v1/messages/count_tokens"""
    raise NotFound("Tokens are not counted here; the usage of an answer tells them.")


def _opened(request: Request, asked: Asked) -> Stream:
    try:
        return request.gateway.open_stream(asked.request, request.caller)
    except InvalidRequest as error:
        raise refusal_in_their_words(error, asked.origins) from error


def _headers(request: Request, asked: Asked, stream: Stream) -> list[Header]:
    """The id of the request, and what its provider was not told."""
    beta = ("anthropic-beta",) if "HTTP_ANTHROPIC_BETA" in request.environ else ()
    untold = (in_their_words(field, asked.origins) for field in stream.dropped)
    dropped = dict.fromkeys((*beta, *asked.dropped, *untold))
    return [*request_id_header(request.request_id), *named("X-Cortex-Dropped", dropped)]
