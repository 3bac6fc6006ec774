"""Stream formats: bytes in, events out.

    sse          server-sent events, as they are
    ndjson       every line is the data of an event
    json_array   every item of one long array is

Events of the last two have no name and no id. Pure, like the decoders they stand on.

Imports:  event of this package; streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Protocol

from cortex_actors.client.event import Event
from cortex_actors.streaming import (
    JSONArrayDecoder,
    LineBuffer,
    SSEDecoder,
    StreamDecoder,
    StreamFormatError,
    Undecodable,
)

DEFAULT_MAX_EVENT = 16 * 1024 * 1024

#: What a request for a stream asks for.
ASKED_FOR = {"sse": "text/event-stream", "ndjson": "application/x-ndjson", "json_array": "application/json"}

#: What the answer to it may call itself.
CONTENT_TYPES = {
    "sse": frozenset({"text/event-stream"}),
    "ndjson": frozenset(
        {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
    ),
    "json_array": frozenset({"application/json"}),
}


class EventReader(Protocol):
    """Reads the events of one body."""

    @property
    def last_event_id(self) -> str:
        """Where to go on after a break."""
        ...

    @property
    def retry(self) -> int | None:
        """The pause the server asks for before that, in milliseconds."""
        ...

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes; raises StreamFormatError."""
        ...

    def finish(self, *, framed: bool) -> list[Event]:
        """What the end of the body completes; `framed`: HTTP itself says that this is its end."""
        ...


def reader(format: str, last_event_id: str = "", max_event_bytes: int = DEFAULT_MAX_EVENT) -> EventReader:
    """A reader for one of the three formats.

    >>> reader("ndjson").feed(b'{"a": 1}\\n\\n{"a"')
    [Event(event='message', data='{"a": 1}', id='', retry=None)]
    """
    match format:
        case "sse":
            return _SSE(last_event_id, max_event_bytes)
        case "ndjson":
            return _NDJSON(max_event_bytes)
        case "json_array":
            return _JSONArray(max_event_bytes)
    raise ValueError(f"there is no stream format {format!r}")


def decode_stream(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Server-sent events out of chunks cut anywhere, as they become complete.

    >>> [event.data for event in decode_stream([b"data: he", b"llo\\n\\ndata: unfini"])]
    ['hello']
    """
    events = reader("sse")
    for chunk in chunks:
        yield from events.feed(chunk)


def decode_sse_body(body: bytes | str) -> list[Event]:
    """The events of a body that is there as a whole; its last one may lack the blank line.

    >>> [event.data for event in decode_sse_body("data: a\\n\\n: comment\\n\\ndata: b")]
    ['a', 'b']
    """
    events = reader("sse")
    data = body.encode() if isinstance(body, str) else body
    return events.feed(data) + events.finish(framed=True)


class _SSE:
    def __init__(self, last_event_id: str, max_event_bytes: int) -> None:
        self._decoder = SSEDecoder(last_event_id, max_event_bytes)

    @property
    def last_event_id(self) -> str:
        return self._decoder.last_event_id

    @property
    def retry(self) -> int | None:
        return self._decoder.retry

    def feed(self, data: bytes) -> list[Event]:
        return list(map(Event._make, self._decoder.decode(data)))

    def finish(self, *, framed: bool) -> list[Event]:
        """The standard drops an event without its blank line, which may have been cut off. Where HTTP's own
        framing says that nothing was cut, it is whole all the same, and many servers end so."""
        return self.feed(b"\n\n") if framed else []


class _NDJSON(StreamDecoder[Event]):
    last_event_id = ""
    retry = None

    def __init__(self, max_event_bytes: int) -> None:
        super().__init__()
        self._max = max_event_bytes
        self._buffer = LineBuffer()

    def feed(self, data: bytes) -> list[Event]:
        return self.decode(data)

    def finish(self, *, framed: bool) -> list[Event]:
        return self.flush()

    def _feed(self, data: bytes, values: list[Event]) -> None:
        for line in self._buffer.split(data, self._max):
            values += _line(line)

    def _finish(self) -> list[Event]:
        return _line(self._buffer.take())


class _JSONArray:
    last_event_id = ""
    retry = None

    def __init__(self, max_event_bytes: int) -> None:
        self._decoder = JSONArrayDecoder(max_event_bytes)

    def feed(self, data: bytes) -> list[Event]:
        return list(map(_item, self._decoder.decode(data)))

    def finish(self, *, framed: bool) -> list[Event]:
        events = list(map(_item, self._decoder.flush()))
        if not self._decoder.complete:
            raise StreamFormatError("the array ended before it was closed")
        return events


def _line(line: bytes) -> list[Event]:
    text = line.decode("utf-8", "replace").strip(" \t\r")
    return [Event(data=text)] if text else []


def _item(value: object) -> Event:
    return Event(data=value.text if isinstance(value, Undecodable) else json.dumps(value, ensure_ascii=False))
