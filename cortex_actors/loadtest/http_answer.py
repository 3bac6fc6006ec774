"""The bytes of one HTTP/1.1 answer, fed as they arrive: head, then body by length, by chunks or to the end.

Follows RFC 9112 where a gateway may be wrong: a chunk size that is none and bytes after the end are told as
`BrokenAnswer`, not passed over. Trailers are read and dropped.
"""

from __future__ import annotations

import re
from enum import Enum, auto

#: Bytes of a head, and of one line of a chunked body.
_LONGEST_HEAD = 64 * 1024
_LONGEST_LINE = 4096

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: |$)")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;|$)")


class BrokenAnswer(Exception):
    """When bytes are not the HTTP they should be; says what they are instead."""


class _Part(Enum):
    """What comes next."""

    HEAD = auto()
    COUNTED = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    UNTIL_CLOSE = auto()
    NOTHING = auto()


class HTTPAnswer:
    """One answer under way."""

    __slots__ = ("_left", "_part", "_unread", "headers", "keep_alive", "status")

    def __init__(self) -> None:
        #: None until the head is there.
        self.status: int | None = None
        #: Names in lower case.
        self.headers: dict[str, str] = {}
        self.keep_alive = False
        self._part = _Part.HEAD
        self._left = 0
        self._unread = b""

    @property
    def complete(self) -> bool:
        """Whether its own framing says that it is over."""
        return self._part is _Part.NOTHING

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the end of the body, so that a cut cannot be told from it."""
        return self._part is _Part.UNTIL_CLOSE

    def feed(self, data: bytes) -> bytes:
        """Takes in what arrived and gives what it holds of the body. Raises BrokenAnswer."""
        self._unread += data
        if self._part is _Part.HEAD and not self._read_head():
            return b""
        body = self._read_body()
        if self._part is _Part.NOTHING and self._unread:
            raise BrokenAnswer("bytes after the end of the answer")
        return body

    def _read_head(self) -> bool:
        while True:
            head, blank, rest = self._unread.partition(b"\r\n\r\n")
            if not blank:
                if len(head) > _LONGEST_HEAD:
                    raise BrokenAnswer("a head without an end")
                return False
            first, *lines = head.split(b"\r\n")
            status = _STATUS.match(first)
            if status is None:
                raise BrokenAnswer("no HTTP status line")
            self._unread = rest
            if not status[2].startswith(b"1"):
                break
        self.status = int(status[2])
        for line in lines:
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.keep_alive = status[1] == b"1" and self.headers.get("connection", "").lower() != "close"
        self._part = self._framing(self.status)
        return True

    def _framing(self, status: int) -> _Part:
        if status in (204, 304):
            return _Part.NOTHING
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return _Part.CHUNK_SIZE
        length = self.headers.get("content-length")
        if length is None:
            self.keep_alive = False
            return _Part.UNTIL_CLOSE
        if not length.isascii() or not length.isdigit():
            raise BrokenAnswer("a Content-Length that is no number")
        self._left = int(length)
        return _Part.COUNTED if self._left else _Part.NOTHING

    def _read_body(self) -> bytes:
        if self._part is _Part.UNTIL_CLOSE:
            body, self._unread = self._unread, b""
            return body
        if self._part is _Part.COUNTED:
            body, self._unread = self._unread[: self._left], self._unread[self._left :]
            self._left -= len(body)
            if not self._left:
                self._part = _Part.NOTHING
            return body
        return b"".join(self._chunks())

    def _chunks(self) -> list[bytes]:
        found: list[bytes] = []
        unread, at = self._unread, 0
        while self._part is not _Part.NOTHING:
            if self._part is _Part.CHUNK:
                piece = unread[at : at + self._left]
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._part = _Part.CHUNK_END
                continue
            end = unread.find(b"\r\n", at)
            if end < 0 or end - at > _LONGEST_LINE:
                if len(unread) - at > _LONGEST_LINE:
                    raise BrokenAnswer("a chunk without a size")
                break
            self._read_line(unread[at:end])
            at = end + 2
        self._unread = unread[at:]
        return found

    def _read_line(self, line: bytes) -> None:
        """One line between chunks: the size of the next, the blank end of the last, or a trailer."""
        if self._part is _Part.CHUNK_SIZE:
            size = _SIZE.match(line)
            if size is None:
                raise BrokenAnswer("a chunk without a size")
            self._left = int(size[1], 16)
            self._part = _Part.CHUNK if self._left else _Part.TRAILER
        elif self._part is _Part.CHUNK_END:
            if line:
                raise BrokenAnswer("a chunk that is longer than its size")
            self._part = _Part.CHUNK_SIZE
        elif not line:
            self._part = _Part.NOTHING
