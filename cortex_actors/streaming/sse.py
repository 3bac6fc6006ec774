"""The WHATWG event stream: bytes in, `ServerSentEvent` values out.

Follows HTML 9.2.6 to the letter where servers and parsers often do not: a BOM at the start, lines ended by
LF, CR or CRLF in any mixture, exactly one space taken after the colon, an id that stays until it is changed
and counts from the blank line on, an unterminated last event thrown away.

There are two short ways, to the same results. A piece from the middle of a line is only kept (`decode`).
Events that are one `data: {...}` line and a blank one, as almost all of a language model's are, are cut out
where they are (`_take_messages`). Everything else goes line by line (`_read`).

Imports:  errors, decoder and lines of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import EventTooLarge
from cortex_actors.streaming.lines import LineBuffer, UniversalNewlines

#: What one event may weigh unless said otherwise, in bytes.
DEFAULT_MAX_EVENT = 16 * 1024 * 1024

#: More digits than any time in milliseconds has; `int()` refuses thousands of them.
_MAX_RETRY_DIGITS = 32

#: Bytes that are taken in before the limit is looked after again, and small pieces are packed together.
_MOST_AT_ONCE = 256 * 1024

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


#: Makes an event of a tuple with all its fields, and costs half of what calling the class does.
_sse = partial(tuple.__new__, ServerSentEvent)


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
        #: What the buffer keeps of an unfinished line.
        self._pieces = self._buffer.pieces
        #: So many bytes more need no care: they can break no limit, and follow no CR.
        self._room = 0
        #: True until the first line has come, which may begin with a BOM.
        self._first_line = True
        #: The last complete line was a blank one, or there was none yet.
        self._between_events = True
        #: The values of the `data` lines of the current event, and their bytes, an LF after each.
        self._data: list[str] = []
        self._data_bytes = 0
        self._event = ""
        #: The id that will count from the next blank line on.
        self._id = last_event_id
        self._event_retry: int | None = None

    def decode(self, data: bytes) -> list[ServerSentEvent]:
        room = self._room - len(data)
        if room <= 0 or _CR in data:
            return super().decode(data)
        self._room = room
        if _LF not in data:
            self._pieces.append(data)
            return []
        if not self._pieces and self._between_events and data[-2:] == b"\n\n" and data[:6] == b"data: ":
            value = data[6:-2]
            if _LF not in value:
                text = value.decode("utf-8", "replace")
                return [_sse(("message", text, self.last_event_id, None))]
        values: list[ServerSentEvent] = []
        self._take(self._buffer.add(data), values)
        return values

    def _feed(self, data: bytes, values: list[ServerSentEvent]) -> None:
        """Takes a piece in with all care; in the end there is room for more, unless it failed."""
        self._room = 0
        lines = self._buffer.add(self._newlines.to_lf(data))
        if self._data_bytes + len(lines) > self._max_event_bytes:  # only then can one of them break the limit
            for line in lines.splitlines(keepends=True):
                self._check_size(len(line))
                self._take(line, values)
        elif lines:
            self._take(lines, values)
        kept = self._buffer.size
        self._check_size(kept)
        if not self._newlines.after_cr:
            self._room = min(self._max_event_bytes - self._data_bytes - kept, _MOST_AT_ONCE)

    def _check_size(self, more: int) -> None:
        if self._data_bytes + more > self._max_event_bytes:
            raise EventTooLarge(self._max_event_bytes)

    def _take(self, lines: bytes, values: list[ServerSentEvent]) -> None:
        """Reads complete lines, the short way as far as it goes."""
        if self._first_line:
            self._first_line = False
            lines = lines.removeprefix(_BOM)
        start = self._take_messages(lines, values) if self._between_events else 0
        if start < len(lines):
            self._read(lines[start:], values)

    def _take_messages(self, lines: bytes, values: list[ServerSentEvent]) -> int:
        """Reads the first events, as long as each is one `data` line; returns where the next one begins."""
        start, last, id = 0, len(lines) - 1, self.last_event_id
        while lines[start : start + 6] == b"data: ":
            end = lines.find(b"\n", start)
            if end == last or lines[end + 1] != _LF:
                break
            values.append(_sse(("message", lines[start + 6 : end].decode("utf-8", "replace"), id, None)))
            start = end + 2
        return start

    def _read(self, lines: bytes, values: list[ServerSentEvent]) -> None:
        """Follows the standard line by line, in Latin-1, where a character is a byte."""
        line = ""
        for line in lines[:-1].decode("latin-1").split("\n"):
            name, _, value = line.partition(": ")
            if name == "data":
                self._data.append(value)
                self._data_bytes += len(value) + 1
            elif not line:
                self._dispatch(values)
            elif name == "event":
                self._event = value
            elif line[0] == ":":
                if self._on_comment is not None:
                    self._on_comment(_utf8(line[1:]))
            else:
                name, _, value = line.partition(":")
                self._field(name, value.removeprefix(" "))
        self._between_events = not line

    def _field(self, name: str, value: str) -> None:
        match name:
            case "data":
                self._data.append(value)
                self._data_bytes += len(value) + 1
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = _utf8(value)
            case "retry" if value.isdecimal() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry = self._event_retry = int(value)

    def _dispatch(self, values: list[ServerSentEvent]) -> None:
        """A blank line: the id counts from now on; without a `data` line there is no event."""
        self.last_event_id = self._id
        if self._data:
            text = _utf8("\n".join(self._data))
            values.append(_sse((_utf8(self._event) or "message", text, self._id, self._event_retry)))
            self._data.clear()
            self._data_bytes = 0
        self._event = ""
        self._event_retry = None


def _utf8(latin: str) -> str:
    """The text whose bytes these are."""
    return latin if latin.isascii() else latin.encode("latin-1").decode("utf-8", "replace")
