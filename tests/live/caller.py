"""A caller: one connection to the daemon, what is asked on it, and the answer as it arrives."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from types import TracebackType
from typing import Any

#: Nothing here takes longer unless it is broken, in seconds.
PATIENCE = 20.0


class Answer:
    """One response. It is `whole` when its framing said so, cut when the connection ended before that."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        #: Each piece with the time.monotonic() of its arrival.
        self.arrivals: list[tuple[float, bytes]] = []
        #: None while it is under way.
        self.whole: bool | None = None
        self._response = response

    @property
    def body(self) -> bytes:
        """What has been read so far."""
        return b"".join(piece for _, piece in self.arrivals)

    @property
    def text(self) -> str:
        """The same as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The same as a JSON value."""
        return json.loads(self.body)

    def read_until(self, mark: str) -> Answer:
        """Reads on until the body holds the mark."""
        while mark.encode() not in self.body:
            assert self.read_piece(), f"the body ended before {mark!r}: {self.body!r}"
        return self

    def read(self) -> Answer:
        """Reads to the end, however it ends."""
        while self.read_piece():
            pass
        return self

    def close(self) -> None:
        """Lets go of the body; the connection itself stays open."""
        self._response.close()

    def read_piece(self) -> bool:
        """Waits for more of the body; False at its end, however it ends."""
        if self.whole is not None:
            return False
        try:
            piece = self._response.read1(65536)
        except (IncompleteRead, ConnectionError):
            self.whole = False
            return False
        if piece:
            self.arrivals.append((time.monotonic(), piece))
            return True
        self.close()  # frees the connection for the next request
        length = self.headers.get("Content-Length")
        self.whole = length is None or len(self.body) == int(length) or not self.body
        return False


class Connection:
    """One connection to the daemon, kept alive as long as the daemon keeps it."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self._http = HTTPConnection("127.0.0.1", port)
        self._http.auto_open = 0  # a connection that was closed is not replaced behind our back
        self._http.sock = self.sock
        self._answer: Answer | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        pieces: Iterable[bytes] | None = None,
    ) -> None:
        """Sends a request: a JSON body, or `pieces` of bytes in chunked framing, or none."""
        if pieces is not None:
            self._http.request(method, path, pieces, dict(headers or {}), encode_chunked=True)
            return
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self._http.request(method, path, data, dict(headers or {}))

    def answer(self) -> Answer:
        """The head of the answer; its body is still to be read."""
        self._answer = Answer(self._http.getresponse())
        return self._answer

    def leave(self, *, reset: bool = False) -> None:
        """Closes the connection, with a TCP reset if so wished."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self._answer is not None:
            self._answer.close()
        self._http.close()
        self.sock.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
