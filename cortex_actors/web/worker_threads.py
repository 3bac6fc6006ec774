"""The worker of `threads` mode: gunicorn's gthread, with a drain before its end."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from cortex_actors.web.server import Draining

#: Bytes of a request nobody wanted that are read away, for two seconds at most: a caller that still sends
#: hears our refusal only when its own bytes find a reader.
_MOST_UNREAD = 64 * 2**20


class DrainingThreadWorker(Draining, ThreadWorker):
    """One thread a request, from a pool larger than the number of streams."""

    def handle(self, conn: TConn) -> Any:
        """Serves a request, and sees the caller off here if the connection ends with it.

        gunicorn would do that on its main thread, which waits up to two seconds for the caller to hang up and
        accepts nobody meanwhile. What is left to it is a socket that nothing can be waited for on.
        """
        keep = super().handle(conn)
        if keep is False:
            with suppress(OSError):  # the caller was faster
                util.close_graceful(conn.sock.dup(), max_drain=_MOST_UNREAD)
                conn.sock.shutdown(socket.SHUT_RDWR)
        return keep
