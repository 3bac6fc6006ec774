"""Framings of records: the same events as in `web.framing`, each with its id.

    SSE       id: <stream>:<number>                 and `retry` at the beginning of every response
    NDJSON    {"type":"delta","event_id":"<stream>:<number>",...}

Signs of life have no id: they are no events.
"""

from __future__ import annotations

from typing import Protocol

from cortex_actors.errors import NotAcceptable
from cortex_actors.journal.event_id import event_id
from cortex_actors.journal.records import Record
from cortex_actors.web.framing import NDJSON, SSE
from cortex_actors.web.negotiation import choose_framing


class EventFraming(Protocol):
    """One way to write records down."""

    @property
    def content_type(self) -> str: ...

    def opening(self, retry: float) -> bytes:
        """What a response begins with; `retry` is seconds."""
        ...

    def event(self, stream: str, record: Record) -> bytes: ...

    def tick(self) -> bytes: ...


class SSEEvents:
    """Server-sent events (WHATWG HTML, 9.2)."""

    content_type = SSE.content_type

    def opening(self, retry: float) -> bytes:
        return b"retry: %d\n" % round(retry * 1000)

    def event(self, stream: str, record: Record) -> bytes:
        kind, _, payload = record.line.partition(b" ")
        place = event_id(stream, record.number, record.epoch).encode()
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (place, kind, payload)

    def tick(self) -> bytes:
        return SSE.tick()


class NDJSONEvents:
    """One JSON object a line."""

    content_type = NDJSON.content_type

    def opening(self, retry: float) -> bytes:
        return b""

    def event(self, stream: str, record: Record) -> bytes:
        kind, _, payload = record.line.partition(b" ")
        place = event_id(stream, record.number, record.epoch).encode()
        return b'{"type":"%b","event_id":"%b",%b\n' % (kind, place, payload[1:])

    def tick(self) -> bytes:
        return b""


def choose_event_framing(accept: str | None) -> EventFraming:
    """SSE, unless the caller wants NDJSON; raises NotAcceptable for plain text, which has no ids."""
    chosen = choose_framing(accept)
    if chosen is NDJSON:
        return NDJSONEvents()
    if chosen is not SSE and accept is not None and "text/plain" in accept.lower():
        raise NotAcceptable("A resumable stream is text/event-stream or application/x-ndjson.")
    return SSEEvents()
