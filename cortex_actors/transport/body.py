"""The body of an answer: taken from the feed in what pieces there are, ended only where its framing says so.

    Transfer-Encoding: chunked    ChunkedFraming    until the chunk of size 0 and its trailers
    Content-Length: n             SizedFraming      until n bytes
    neither                       OpenFraming       until the connection closes

Imports:  answer, feed.
Raises:   IncompleteRead where a body breaks off, HTTPException where its framing makes no sense.
Follows:  RFC 9112, sections 6.3 and 7.1.
"""

from __future__ import annotations

import re
from http.client import HTTPException, IncompleteRead
from typing import Protocol

from cortex_actors.transport.answer import FinalAnswer
from cortex_actors.transport.feed import Feed

#: Bytes of a chunk's size with its extensions, or of one trailer; and how many trailers there may be.
_LONGEST_LINE = 16 * 1024
_MOST_TRAILERS = 100

#: RFC 9112, 7.1: hexadecimal digits alone, which `int` does not insist on.
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


class Framing(Protocol):
    """Takes the framing off a body."""

    #: The body is over.
    ended: bool
    #: Bytes came that do not belong to it.
    overrun: bool
    #: What is wrong with the framing behind the content that `strip` returned last.
    failure: HTTPException | None

    def strip(self, data: bytes) -> bytes:
        """What of these bytes is content; may be nothing."""
        ...

    def close(self) -> None:
        """The connection has closed. Raises IncompleteRead unless that may end the body."""
        ...


class SizedFraming:
    """A body of a length that was told before."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = not length
        self.overrun = False
        self.failure: HTTPException | None = None

    def strip(self, data: bytes) -> bytes:
        content = data[: self._left]
        self._left -= len(content)
        self.ended = not self._left
        self.overrun = len(content) < len(data)
        return content

    def close(self) -> None:
        raise IncompleteRead(b"", self._left)


class OpenFraming:
    """A body that ends with its connection."""

    ended = False
    overrun = False
    failure: HTTPException | None = None

    def strip(self, data: bytes) -> bytes:
        return data

    def close(self) -> None:
        self.ended = True


class ChunkedFraming:
    """A body in chunks, each with its size before it."""

    def __init__(self) -> None:
        self.ended = False
        self.overrun = False
        self.failure: HTTPException | None = None
        #: Bytes of the current chunk that are still to come.
        self._left = 0
        #: The line end behind a chunk is still to come.
        self._behind_chunk = False
        self._in_trailers = False
        self._trailers = 0
        #: The beginning of a line whose end is still to come.
        self._line = b""

    def strip(self, data: bytes) -> bytes:
        if self._line:
            data, self._line = self._line + data, b""
        content: list[bytes] = []
        at = 0
        while at < len(data) and not self.ended and not self.failure:
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._keep(data[at:])
                break
            self._read(data[at:end].removesuffix(b"\r"))
            at = end + 1
        self.overrun = self.ended and at < len(data)
        return b"".join(content)

    def close(self) -> None:
        raise IncompleteRead(b"")

    def _keep(self, line: bytes) -> None:
        if len(line) > _LONGEST_LINE:
            self.failure = HTTPException("a line of the chunked framing is too long")
        self._line = line

    def _read(self, line: bytes) -> None:
        if self._behind_chunk:
            if line:
                self.failure = HTTPException("a chunk is longer than its size")
            self._behind_chunk = False
        elif self._in_trailers:
            self._trailers += 1
            if self._trailers > _MOST_TRAILERS:
                self.failure = HTTPException("too many trailers")
            self.ended = not line
        else:
            self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip(b" \t")
        if not _SIZE.fullmatch(size):
            self.failure = HTTPException("a chunk's size is not a number")
            return
        self._left = int(size, 16)
        self._behind_chunk = self._left > 0
        self._in_trailers = not self._left


class Body:
    """Reads the body of an answer whose head http.client has read."""

    def __init__(self, answer: FinalAnswer) -> None:
        self._answer = answer
        assert isinstance(answer.fp, Feed)
        self._feed: Feed = answer.fp
        self._framing = _framing(answer)

    @property
    def reusable(self) -> bool:
        """Whether the next answer on this connection begins where this body ended."""
        return self._framing.ended and not self._framing.overrun and self._answer.keeps_connection

    def read(self) -> bytes:
        """Content that is there, waiting if need be; b"" once the body is over."""
        feed, framing = self._feed, self._framing
        while not framing.ended:
            if framing.failure:
                raise framing.failure
            data = feed.take()
            if not data:
                framing.close()
            elif content := framing.strip(data):
                return content
        return b""


def _framing(answer: FinalAnswer) -> Framing:
    """What the head says. Raises HTTPException where it contradicts itself."""
    coding = answer.headers.get("transfer-encoding", "").strip().lower()
    if coding not in ("", "chunked", "identity"):
        raise HTTPException("the transfer encoding is not chunked")
    told = ",".join(answer.headers.get_all("content-length", ()))
    lengths = {length.strip() for length in told.split(",")}
    if answer.chunked:
        return ChunkedFraming()
    if answer.length is None and not told:
        return OpenFraming()
    if len(lengths) > 1 or answer.length is None:
        raise HTTPException("the length of the body is not a number")
    return SizedFraming(answer.length)
