"""The feed: what a connection brings, by the line for an answer's head, and all that is there for its body.

Stands where http.client expects the file of its socket. That file hands a body on chunk by chunk, at some 30
microseconds each; a feed hands over whatever one `recv` brought, so that chunks which are there together stay
together on their whole way to the caller.

Runs on:   the exchange's thread, which it blocks.
"""

from __future__ import annotations

import socket

#: Bytes that one `recv` may bring.
_RECV = 64 * 1024


class Feed:
    """The bytes of one answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._kept = b""

    def readline(self, limit: int) -> bytes:
        """The next line with its end, or `limit` bytes of it, or what is left when there is no more."""
        while (end := self._kept.find(b"\n", 0, limit)) < 0 and len(self._kept) < limit:
            more = self._sock.recv(_RECV)
            if not more:
                break
            self._kept += more
        size = end + 1 if end >= 0 else min(limit, len(self._kept))
        line, self._kept = self._kept[:size], self._kept[size:]
        return line

    def take(self) -> bytes:
        """What is there, waiting if need be; b"" when the other side has closed."""
        if self._kept:
            kept, self._kept = self._kept, b""
            return kept
        return self._sock.recv(_RECV)

    def flush(self) -> None:
        """Part of a file's protocol; there is nothing to write."""

    def close(self) -> None:
        """Part of a file's protocol; the socket is its wire's to close."""


class FeedSource:
    """Gives http.client a feed where it asks its socket for a file."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> Feed:
        """The feed of this socket; `mode` is always "rb"."""
        return Feed(self._sock)
