"""Request heads in `threads` mode: gathered by the thread that accepts, so that a slow one costs no thread.

    accepted, or kept alive -> waits for its first byte -> waits for the end of its head -> a thread serves it

gthread would give each connection a thread as soon as its first byte is there, and the thread would wait for
the rest of the head for as long as the caller likes: a thousand half-sent heads, and nobody is served. Here
they wait in one place, for a limited time, and when there are too many the one that waits longest has to go.

Runs on:   the worker's main thread alone; nothing here waits.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.workers.gthread import TConn

from cortex_actors.web import malformed

_END = b"\r\n\r\n"

#: Bytes of a head; the parser has finer limits for what is in it.
_LONGEST = 64 * 1024

#: Bytes that are read at once.
_PIECE = 16 * 1024

#: Between two looks at the deadlines, in seconds.
_LOOK = 0.5


class Conn(TConn):
    """A connection, with what has come of its next head."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.head = bytearray()
        #: time.monotonic() at which it has waited long enough.
        self.deadline = 0.0

    def init(self) -> None:
        """When a thread takes over: the parser finds the head as if it came from the socket."""
        super().init()
        assert isinstance(self.parser, RequestParser)
        self.parser.unreader.unread(bytes(self.head))
        self.head.clear()

    def take_read_ahead(self) -> bytes:
        """What came behind the request that has just been served: the beginning of the next one."""
        assert isinstance(self.parser, RequestParser)
        return self.parser.unreader.take_buffered()


class Heads:
    """The connections that owe us a head."""

    def __init__(
        self,
        poller: selectors.BaseSelector,
        serve: Callable[[Conn], object],
        drop: Callable[[Conn], object],
        *,
        most: int,
        idle: Callable[[], float],
        limit: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`idle` seconds may pass before the first byte, `limit` from there to the end of the head."""
        self._poller = poller
        self._serve = serve
        self._drop = drop
        self._most = most
        self._idle = idle
        self._limit = limit
        self._clock = clock
        #: Those that wait, the one that has waited longest first.
        self._waiting: dict[Conn, None] = {}
        self._looked_at = 0.0
        self._last_call: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, conn: Conn, data: bytes = b"") -> None:
        """Waits for the next head of a connection, of which something may have come already."""
        if len(self._waiting) >= self._most:
            self._dismiss(next(iter(self._waiting)))
        conn.deadline = self._by(self._clock() + self._idle())
        conn.sock.setblocking(False)
        self._waiting[conn] = None
        self._poller.register(conn.sock, selectors.EVENT_READ, partial(self._readable, conn))
        if data:
            self._take(conn, data)

    def sweep(self) -> None:
        """Ends the waiting for whoever is late; costs nothing when it is called often."""
        now = self._clock()
        if now < self._looked_at + _LOOK:
            return
        self._looked_at = now
        for conn in [conn for conn in self._waiting if now >= conn.deadline]:
            self._dismiss(conn, HTTPStatus.REQUEST_TIMEOUT if conn.head else None)

    def call_last(self, seconds: float) -> None:
        """Lets nobody wait for longer than this from now on, neither who waits now nor who comes."""
        if self._last_call is None:
            self._last_call = self._clock() + seconds
            for conn in self._waiting:
                conn.deadline = min(conn.deadline, self._last_call)

    def _by(self, deadline: float) -> float:
        return deadline if self._last_call is None else min(deadline, self._last_call)

    def _readable(self, conn: Conn, sock: socket.socket) -> None:
        try:
            data = sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(conn, data)
        else:
            self._dismiss(conn)

    def _take(self, conn: Conn, data: bytes) -> None:
        if not conn.head:
            data = data.lstrip(b"\r\n")  # empty lines before a request mean nothing (RFC 9112, 2.2)
            if not data:
                return
            conn.deadline = self._by(self._clock() + self._limit())
        # The end of the head may begin in what was there before.
        looked_through = max(0, len(conn.head) - len(_END) + 1)
        conn.head += data
        if conn.head.find(_END, looked_through) >= 0:
            self._let_go(conn)
            self._serve(conn)
        elif len(conn.head) > _LONGEST:
            self._dismiss(conn, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _dismiss(self, conn: Conn, status: HTTPStatus | None = None) -> None:
        self._let_go(conn)
        if status is not None:
            with suppress(OSError):  # it does not read either
                conn.sock.send(malformed.response(status))
                conn.sock.shutdown(socket.SHUT_WR)
        self._drop(conn)

    def _let_go(self, conn: Conn) -> None:
        del self._waiting[conn]
        self._poller.unregister(conn.sock)
