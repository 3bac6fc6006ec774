"""An application on a real socket, and raw connections to it."""

from __future__ import annotations

import json
import socket
import threading
from types import TracebackType
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server

#: Nothing here takes longer unless it is broken, in seconds.
PATIENCE = 10.0


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        pass


class LiveApp:
    """Serves an application from a thread on 127.0.0.1, for the time of a `with` block."""

    def __init__(self, app: WSGIApplication) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
        self._server.log = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> LiveApp:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.server_close()

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        """A fresh connection."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", self._server.server_port))
        return sock

    def post(self, path: str, body: object, accept: str = "*/*", **how: int | None) -> socket.socket:
        """A connection on which a JSON body was just posted."""
        data = json.dumps(body).encode()
        sock = self.connect(**how)
        about = f"Host: localhost\r\nAccept: {accept}\r\nContent-Length: {len(data)}\r\n\r\n"
        sock.sendall(f"POST {path} HTTP/1.1\r\n{about}".encode() + data)
        return sock


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    """What arrives, up to and with the mark."""
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, f"the connection ended before {mark!r}: {data!r}"
        data += piece
    return data


def read_to_end(sock: socket.socket) -> bytes:
    """What arrives until the other side closes."""
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
