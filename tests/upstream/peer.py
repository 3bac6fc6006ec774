"""What arrived at the scripted upstream: a request, and the connection it came on."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class PeerGone(Exception):
    """When the caller has hung up, so that the rest of its script is pointless."""


@dataclass(slots=True)
class RecordedRequest:
    """One request as it arrived, and what became of it."""

    method: str
    path: str
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: Which connection, counted from 0 in the order of their acceptance.
    connection: int
    #: time.monotonic() of its arrival.
    arrived: float
    #: Bytes of the answer handed to the kernel so far.
    sent: int = 0
    #: Set when the connection is over: the caller hung up, during the answer or after it, or we reset it.
    closed: threading.Event = field(default_factory=threading.Event)
    #: Set when the script has run to its end.
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)

    @property
    def model(self) -> str | None:
        """The `model` field of a JSON body."""
        with contextlib.suppress(ValueError, AttributeError):
            found: str | None = self.json.get("model")
            return found
        return None


class Peer:
    """One accepted connection, from the upstream's side; it belongs to one thread."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.requests: list[RecordedRequest] = []
        self._unread = b""

    def send(self, data: bytes) -> None:
        """Send all of it, counting."""
        for start in range(0, len(data), 65536):
            piece = data[start : start + 65536]
            self.sock.sendall(piece)
            self.requests[-1].sent += len(piece)

    def wait(self, seconds: float, until: threading.Event | None = None) -> None:
        """Wait while watching the caller; raises PeerGone at once when it hangs up."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not (until and until.is_set()):
            poller = select.poll()
            poller.register(self.sock, select.POLLIN)
            # An event has no descriptor to poll, so a gate is looked at every 10 ms.
            if poller.poll(1000 * (min(left, 0.01) if until else left)):
                self._unread += self._receive()

    def read_request(self) -> RecordedRequest:
        """The next request, whole; raises PeerGone when there is none."""
        head, _, self._unread = self._read_until(lambda data: b"\r\n\r\n" in data).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        length = int(headers.get("content-length", 0))
        data = self._read_until(lambda data: len(data) >= length)
        body, self._unread = data[:length], data[length:]
        request = RecordedRequest(method, path, headers, body, self.number, time.monotonic())
        self.requests.append(request)
        return request

    def drain(self) -> None:
        """Swallow everything until the caller hangs up."""
        while True:
            self._receive()

    def _read_until(self, complete: Callable[[bytes], bool]) -> bytes:
        while not complete(self._unread):
            self._unread += self._receive()
        return self._unread

    def _receive(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise PeerGone
        return data
