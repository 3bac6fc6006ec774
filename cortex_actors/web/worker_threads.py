"""The worker of `threads` mode: gthread with a drain before its end, and without threads for half a head.

Runs on:   `handle` on a thread of the pool, everything else on the worker's main thread.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from cortex_actors.web.draining import Draining
from cortex_actors.web.heads import Conn, Heads
from cortex_actors.web.server import Server

#: Bytes of a request nobody wanted that are read away, for two seconds at most: a caller that still sends
#: hears our refusal only when its own bytes find a reader.
_MOST_UNREAD = 64 * 2**20

#: How long a thread waits for the rest of a body that nobody reads, in seconds, before the connection ends.
_UNREAD_PATIENCE = 0.1

#: Threads that see callers off at the same time; past these a caller that owes a body may miss its refusal.
_MOST_FAREWELLS = 4

#: How long idle connections may still be used once the worker is ending, in seconds: a caller may be sending
#: at this very moment. As long as in `gevent` mode.
_LINGER = 2.0


class DrainingThreadWorker(Draining, ThreadWorker):
    """One thread a request, from a pool larger than the number of streams."""

    heads: Heads

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._farewells = threading.BoundedSemaphore(_MOST_FAREWELLS)

    def run(self) -> None:
        """Accepts and hands on, until the end."""
        self.heads = Heads(
            self.poller,
            serve=self.enqueue_req,
            drop=self._drop,
            most=self.max_keepalived,
            idle=lambda: max(self.cfg.keepalive, self._head_timeout()),
            limit=self._head_timeout,
        )
        super().run()

    def accept(self, listener: socket.socket) -> None:
        """Takes a connection in, which is served once its first head is there."""
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self.heads.add(Conn(self.cfg, sock, address, listener.getsockname()))

    def enqueue_req(self, conn: TConn) -> None:
        """Gives a connection whose head is there to a thread."""
        conn.data_ready = True
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Serves a request, and sees the caller off here if the connection ends with it.

        gunicorn would do that on its main thread, which waits up to two seconds for the caller to hang up and
        accepts nobody meanwhile. What is left to it is a socket that nothing can be waited for on.
        """
        keep = super().handle(conn)
        if keep is False:
            with suppress(OSError):  # the caller was faster
                if self._farewells.acquire(blocking=False):
                    try:
                        util.close_graceful(conn.sock.dup(), max_drain=_MOST_UNREAD)
                    finally:
                        self._farewells.release()
                conn.sock.shutdown(socket.SHUT_RDWR)
        return keep

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Whether the connection may serve again.

        gunicorn would wait five seconds on this thread for a body that nobody reads: strangers who announce
        one and send none could hold every thread.
        """
        deadline = time.monotonic() + _UNREAD_PATIENCE
        return keepalive and bool(cast(Any, conn.parser).finish_body(deadline=deadline))

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """When a request has been served: waits for the next head, or says farewell."""
        served = not fs.cancelled() and fs.exception() is None and fs.result()
        if served and isinstance(conn, Conn):
            self.heads.add(conn, conn.take_read_ahead())
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """When the main thread has had its turn: ends the waiting for heads that are late."""
        if not self.alive:
            self.heads.call_last(_LINGER)
        self.heads.sweep()

    def _drop(self, conn: Conn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _head_timeout(self) -> float:
        gateway = cast(Server, self.app).gateway
        assert gateway is not None
        return gateway.settings.server.head_timeout
