"""The WHATWG event stream: bytes in, `ServerSentEvent` values out.

Follows HTML 9.2.6 to the letter where servers and parsers often do not: a BOM at the start, lines ended by
LF, CR or CRLF in any mixture, exactly one space taken after the colon, an id that stays until it is changed
and counts from the blank line on, an unterminated last event thrown away.

Almost all events of a language model are one `data: {...}` line and a blank one, and arrive whole. Those take
a short way through `_whole_events`; everything else goes line by line, to the same result.

Imports:  errors, decoder and lines of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import EventTooLarge
from cortex_actors.streaming.lines import LineBuffer, UniversalNewlines

#: What one event may weigh unless said otherwise, in bytes.
DEFAULT_MAX_EVENT = 16 * 1024 * 1024

#: More digits than any time in milliseconds has; `int()` refuses thousands of them.
_MAX_RETRY_DIGITS = 32

_LF, _CR = b"\n\r"
_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One dispatched event. `id` is the last event id at that moment, `retry` what this event set, in ms.

    A tuple and not a dataclass by design: making one costs half as much, and there is one for every token.

    >>> ServerSentEvent(data="hello")
    ServerSentEvent(event='message', data='hello', id='', retry=None)
    """

    event: str = "message"
    data: str = ""
    id: str = ""
    retry: int | None = None


class SSEDecoder(StreamDecoder[ServerSentEvent]):
    """Reads one event stream.

    `last_event_id` and `retry` (milliseconds) are what a reconnecting client needs; pass the id on to the
    decoder of the next connection. `on_comment` is called with the text of each comment, in order: this is
    how servers say that they are still there.

    >>> decoder = SSEDecoder(on_comment=print)
    >>> decoder.decode(b"retry: 3000\\nid: 7\\ndata: hel")
    []
    >>> decoder.decode(b"lo\\n\\n: still here\\n")
     still here
    [ServerSentEvent(event='message', data='hello', id='7', retry=3000)]
    >>> decoder.last_event_id, decoder.retry
    ('7', 3000)
    """

    def __init__(
        self,
        last_event_id: str = "",
        max_event_bytes: int = DEFAULT_MAX_EVENT,
        *,
        on_comment: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._max_event_bytes = max_event_bytes
        self._on_comment = on_comment
        self._newlines = UniversalNewlines()
        self._buffer = LineBuffer()
        #: True until the first line has come, which may begin with a BOM.
        self._first_line = True
        #: The last complete line was a blank one.
        self._between_events = False
        #: Between events, and no unfinished line is kept: the next byte begins an event.
        self._at_rest = False
        #: The `data` lines of the current event, each with its LF.
        self._data = bytearray()
        self._event = ""
        #: The id that will count from the next blank line on.
        self._id = last_event_id
        self._event_retry: int | None = None

    def decode(self, data: bytes) -> list[ServerSentEvent]:
        if self._newlines.after_cr or _CR in data:
            data = self._newlines.to_lf(data)
        if self._at_rest and data[-2:] == b"\n\n" and len(data) <= self._max_event_bytes:
            value = data[6:-2]
            if data[:6] == b"data: " and _LF not in value:
                text = value.decode("utf-8", "replace")
                return [ServerSentEvent("message", text, self.last_event_id, None)]
            return self._whole_events(data)
        return super().decode(data)

    def _feed(self, data: bytes, values: list[ServerSentEvent]) -> None:
        self._at_rest = False
        lines = self._buffer.add(data)
        if len(self._data) + len(lines) > self._max_event_bytes:  # only then can one of them break the limit
            for line in lines.splitlines(keepends=True):
                self._check_size(line)
                self._read(line, values)
        elif self._between_events and lines[-2:] == b"\n\n":
            values += self._whole_events(lines)
        elif lines:
            self._read(lines, values)
        self._check_size(self._buffer.unfinished)
        self._at_rest = self._between_events and not self._buffer.unfinished

    def _check_size(self, line: bytes | bytearray) -> None:
        if len(self._data) + len(line) > self._max_event_bytes:
            raise EventTooLarge(self._max_event_bytes)

    def _whole_events(self, lines: bytes) -> list[ServerSentEvent]:
        """The events of `lines`, which begin with an event and end with a blank line."""
        if lines[:6] == b"data: ":
            texts = lines[6:-2].decode("utf-8", "replace").split("\n\ndata: ")
            if lines.count(b"\n") == 2 * len(texts):  # so none of the texts has a line end in it
                return [ServerSentEvent("message", text, self.last_event_id, None) for text in texts]
        values: list[ServerSentEvent] = []
        self._read(lines, values)
        return values

    def _read(self, lines: bytes, values: list[ServerSentEvent]) -> None:
        """Follows the standard line by line; the spellings that servers use most are looked for first."""
        if self._first_line:
            self._first_line = False
            lines = lines.removeprefix(_BOM)
        line = b""
        for line in lines.splitlines(keepends=True):
            if line[:6] == b"data: ":
                self._data += line[6:]
            elif line == b"\n":
                self._dispatch(values)
            elif line[:7] == b"event: ":
                self._event = line[7:-1].decode("utf-8", "replace")
            elif line[:1] == b":":
                if self._on_comment is not None:
                    self._on_comment(line[1:-1].decode("utf-8", "replace"))
            else:
                name, _, value = line[:-1].partition(b":")
                self._field(name, value.removeprefix(b" "))
        self._between_events = line == b"\n"

    def _field(self, name: bytes, value: bytes) -> None:
        match name:
            case b"data":
                self._data += value + b"\n"
            case b"event":
                self._event = value.decode("utf-8", "replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry = self._event_retry = int(value)

    def _dispatch(self, values: list[ServerSentEvent]) -> None:
        """A blank line: the id counts from now on; without a `data` line there is no event."""
        self.last_event_id = self._id
        if self._data:
            text = self._data[:-1].decode("utf-8", "replace")
            values.append(ServerSentEvent(self._event or "message", text, self._id, self._event_retry))
            self._data.clear()
        self._event = ""
        self._event_retry = None
