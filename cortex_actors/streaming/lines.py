"""Bytes cut anywhere into lines: the ground under the event-stream and NDJSON decoders.

Every byte is looked at once and copied a fixed number of times, however long its line and however small the
pieces it arrives in.

Imports:  errors and decoder of this package.
"""

from __future__ import annotations

from collections.abc import Iterator

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import LineTooLarge

#: What one line may weigh unless said otherwise, in bytes.
DEFAULT_MAX_LINE = 16 * 1024 * 1024


class UniversalNewlines:
    """Writes CRLF and CR as LF; a CR counts at once and swallows an LF that begins the next piece.

    >>> newlines = UniversalNewlines()
    >>> newlines.to_lf(b"a\\r\\nb\\r"), newlines.to_lf(b"\\nc")
    (b'a\\nb\\n', b'c')
    """

    def __init__(self) -> None:
        #: The last byte was a CR, so that an LF next would be the rest of it.
        self.after_cr = False

    def to_lf(self, data: bytes) -> bytes:
        """`data` with LF as its only line end."""
        if self.after_cr and data:
            data = data.removeprefix(b"\n")
            self.after_cr = False
        if b"\r" not in data:
            return data
        self.after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class LineBuffer:
    """Keeps the unfinished last line for the next piece; lines end with LF.

    >>> buffer = LineBuffer()
    >>> buffer.add(b"one\\ntw"), buffer.add(b"o\\nthree\\nfo"), buffer.size, buffer.take()
    (b'one\\n', b'two\\nthree\\n', 2, b'fo')
    """

    def __init__(self) -> None:
        #: The unfinished line as it came, always in this one list, which is empty where there is none: a
        #: decoder in a hurry may append what has no line end in it. The first piece may be several, packed.
        self.pieces: list[bytes | bytearray] = []

    @property
    def size(self) -> int:
        """The bytes of the unfinished line."""
        return len(self.pieces[0]) if len(self.pieces) == 1 else sum(map(len, self.pieces))

    def add(self, data: bytes) -> bytes:
        """All lines that are complete now, each with its LF, in one piece."""
        end = data.rfind(b"\n") + 1
        pieces = self.pieces
        if not end:
            self._packed().extend(data)
            return b""
        lines = data[:end]
        if pieces:
            pieces.append(lines)
            lines = b"".join(pieces)
            pieces.clear()
        if end < len(data):
            pieces.append(data[end:])
        return lines

    def split(self, data: bytes, max_line: int) -> Iterator[bytes]:
        """The lines that are complete now, without LF; raises LineTooLarge where one is over `max_line`."""
        for line in self.add(data).split(b"\n")[:-1]:
            if len(line) > max_line:
                raise LineTooLarge(max_line)
            yield line
        if self.size > max_line:
            raise LineTooLarge(max_line)

    def take(self) -> bytes:
        """The unfinished line, which is then forgotten."""
        line = b"".join(self.pieces)
        self.pieces.clear()
        return line

    def _packed(self) -> bytearray:
        """The unfinished line as one piece: each costs memory beside its bytes, often more than those."""
        first = self.pieces[0] if self.pieces else b""
        packed = first if isinstance(first, bytearray) else bytearray(first)
        if len(self.pieces) != 1 or packed is not first:
            packed += b"".join(self.pieces[1:])
            self.pieces[:] = [packed]
        return packed


class LineDecoder(StreamDecoder[str]):
    """Lines of UTF-8 text, ended by LF, CR or CRLF; the last one may lack its end. Bad bytes become U+FFFD.

    >>> decoder = LineDecoder()
    >>> decoder.decode(b"caf\\xc3"), decoder.decode(b"\\xa9\\r"), decoder.decode(b"\\nbar")
    ([], ['café'], [])
    >>> decoder.flush()
    ['bar']
    """

    def __init__(self, max_line: int = DEFAULT_MAX_LINE) -> None:
        super().__init__()
        self._max_line = max_line
        self._newlines = UniversalNewlines()
        self._buffer = LineBuffer()

    def _feed(self, data: bytes, values: list[str]) -> None:
        for line in self._buffer.split(self._newlines.to_lf(data), self._max_line):
            values.append(line.decode("utf-8", "replace"))

    def _finish(self) -> list[str]:
        line = self._buffer.take()
        return [line.decode("utf-8", "replace")] if line else []
