"""The caller, as far as a socket can tell: whether it left, and how long it may keep us waiting.

A WSGI server notices a caller that left only when it writes, so through the silence before a first token it
notices nothing. The look costs about a microsecond, never waits (also under gevent, also with a full send
buffer), and is not fooled by bytes the caller sent ahead.

    TCP             the state of the connection, from the kernel: anything but ESTABLISHED is gone
    unix socket     a write of no bytes: EPIPE once the other side is closed

A caller that closes only its sending half counts as gone on TCP, by design: no HTTP client does that and
then reads on, and a client that died looks just the same.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from wsgiref.types import WSGIEnvironment

from cortex_actors.dispatch.permission import Permission
from cortex_actors.web.identity import identity_of

#: Where servers leave the socket of a request.
_PLACES = ("gunicorn.socket", "werkzeug.socket")

#: TCP_ESTABLISHED of linux/tcp_states.h, the first byte of TCP_INFO.
_ESTABLISHED = 1


def client_socket(environ: WSGIEnvironment) -> socket.socket | None:
    """The socket a request came through; None where the server does not show it."""
    for place in _PLACES:
        if (sock := environ.get(place)) is not None:
            return sock  # type: ignore[no-any-return]  # an environ holds anything
    return None


class SocketCaller:
    """The `Caller` of `dispatch.messages`, seen through its socket."""

    __slots__ = ("_look", "_sock", "name", "permission", "request_id", "traceparent")

    def __init__(self, environ: WSGIEnvironment, request_id: str) -> None:
        self.request_id = request_id
        identity = identity_of(environ)
        #: The name of its key; None for a caller without one.
        self.name = None if identity.kind == "anonymous" else identity.name
        self.permission: Permission = identity.permission
        self.traceparent: str | None = environ.get("HTTP_TRACEPARENT")
        self._sock = client_socket(environ)
        self._look = _LOOKS.get(self._sock.family) if self._sock else None

    def gone(self) -> bool:
        """Whether the caller has left; False where there is no way to know."""
        if self._look is None or self._sock is None:
            return False
        try:
            return self._look(self._sock)
        except OSError:
            return True


def limit_waiting(sock: socket.socket, seconds: float) -> Callable[[], None]:
    """Lets no read or write on the socket wait longer than this; returns what lifts the limit again.

    `sendall` counts the whole of one write, so a reader that trickles is dropped like one that stalls.
    """
    before = sock.gettimeout()
    sock.settimeout(seconds)

    def lift() -> None:
        with suppress(OSError):  # closed meanwhile
            sock.settimeout(before)

    return lift


def _left_tcp(sock: socket.socket) -> bool:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


def _left_unix(sock: socket.socket) -> bool:
    os.write(sock.fileno(), b"")  # past the socket object, whose own methods wait for room in the buffer
    return False


_LOOKS: dict[int, Callable[[socket.socket], bool]] = {
    socket.AF_INET: _left_tcp,
    socket.AF_INET6: _left_tcp,
    socket.AF_UNIX: _left_unix,
}
