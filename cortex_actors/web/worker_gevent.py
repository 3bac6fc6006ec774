"""The worker of `gevent` mode: gunicorn's gevent worker, with a drain before its end."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.ggevent import GeventWorker

from cortex_actors.web.draining import Draining

#: How long idle connections may still be used once the worker is ending, in seconds: a caller may be sending
#: at this very moment. As long as in `threads` mode.
_LINGER = 2.0


class DrainingGeventWorker(Draining, GeventWorker):
    """One greenlet a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: set[socket.socket] = set()

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serves a connection, request after request, and knows meanwhile that it is open."""
        self._clients.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._clients.discard(client)

    def hang_up(self) -> None:
        """Ends the waiting for next requests; gunicorn would wait for callers to leave by themselves.

        Through a duplicate, by design: on the socket itself gevent would make of it an error, and not an end.
        """
        time.sleep(_LINGER)
        for client in tuple(self._clients):
            with suppress(OSError), client.dup() as same:  # closed meanwhile
                same.shutdown(socket.SHUT_RD)
