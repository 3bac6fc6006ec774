"""Resumable streams: the endpoints for coming back.

GET    /api/chat/streams/{id}    goes on after Last-Event-ID, or from the start; 204 when nothing is left
DELETE /api/chat/streams/{id}    ends it, for all its readers
POST   /api/chat                 with Last-Event-ID: the same as GET, for clients that repeat their request
"""

from __future__ import annotations

from cortex_actors.errors import InvalidRequest, NotFound
from cortex_actors.gateway.resumption import Asking
from cortex_actors.journal.event_id import EventId, is_stream_id
from cortex_actors.web.request import Request
from cortex_actors.web.responses import STREAM_HEADERS, Header, Response
from cortex_actors.web.resume.body import ReaderBody
from cortex_actors.web.resume.framing import choose_event_framing
from cortex_actors.web.resume.options import last_event_id
from cortex_actors.web.resume.records import JournalScript

#: Where single streams are.
STREAMS = "/api/chat/streams/"


def replay(request: Request) -> Response:
    """GET /api/chat/streams/{id}"""
    stream = _stream_of(request)
    after = last_event_id(request) or EventId(stream, 0)
    if after.stream != stream:
        raise InvalidRequest("Must be the id of an event of this stream.", field="Last-Event-ID")
    return resumed(request, after)


def cancel(request: Request) -> Response:
    """DELETE /api/chat/streams/{id}"""
    request.gateway.resumable.cancel(_stream_of(request), request.identity.fingerprint)
    return Response(204, [])


def resumed(request: Request, after: EventId) -> Response:
    """A stream from the event after this one; nobody is asked upstream."""
    framing = choose_event_framing(request.accept)
    reader = request.gateway.resumable.resume(after, asking(request))
    headers = stream_headers(after.stream)
    if reader.has_all:
        reader.leave()
        return Response(204, [], headers)
    headers = [("Content-Type", framing.content_type), *STREAM_HEADERS, *headers]
    if request.method == "HEAD":
        reader.leave()
        return Response(200, [], headers)
    return Response(200, ReaderBody(reader, framing, request.caller, request.settings), headers)


def asking(request: Request) -> Asking:
    """Who asks, for the gateway."""
    return Asking(request.caller, request.identity.fingerprint, JournalScript(request.request_id))


def stream_headers(stream: str) -> list[Header]:
    """What tells a caller that it may come back, and where to."""
    return [("X-Cortex-Resumable", "true"), ("X-Cortex-Stream", stream)]


def _stream_of(request: Request) -> str:
    stream = request.path.removeprefix(STREAMS)
    if not is_stream_id(stream):
        raise NotFound("There is no such stream.")
    return stream
