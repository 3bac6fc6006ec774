"""Requests written by hand, byte for byte, and every answer that comes back on their connection."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, NamedTuple

from tests.live.caller import PATIENCE
from tests.live.daemon import Daemon
from tests.web.keys import ALICE

HOST = b"Host: localhost\r\n"
KEY = b"Authorization: Bearer " + ALICE.encode() + b"\r\n"

#: The connection ends after this one, so that a test need not guess whether more would come.
CLOSE = b"Connection: close\r\n"


class RawAnswer(NamedTuple):
    """One answer as it stood on the wire."""

    status: int
    head: bytes
    body: bytes

    @property
    def json(self) -> Any:
        """Its body as a value."""
        return json.loads(self.body)


def exchange(daemon: Daemon, sent: bytes, *, patience: float = PATIENCE) -> list[RawAnswer]:
    """Every answer until the daemon hangs up."""
    received = b""
    with daemon.connect() as connection:
        connection.sock.settimeout(patience)
        with suppress(ConnectionError):  # it may hang up while we still talk
            connection.sock.sendall(sent)
        with suppress(ConnectionError):
            while piece := connection.sock.recv(65536):
                received += piece
    return list(answers(received))


def answers(received: bytes) -> list[RawAnswer]:
    """The answers in what was received; one that is streamed is the last."""
    found = []
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        assert end, received
        lines = head.lower().split(b"\r\n")
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        streamed = b"transfer-encoding: chunked" in lines  # then it is the last one here
        length = len(rest) if streamed else sum(lengths)
        found.append(RawAnswer(int(head.split(b" ")[1]), head, rest[:length]))
        received = rest[length:]
    return found


def post(body: bytes, headers: bytes = b"", path: bytes = b"/api/chat/complete") -> bytes:
    """A request with a key and a body of announced length, after which the connection ends."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + KEY + CLOSE + headers + length + b"\r\n" + body


def statuses(daemon: Daemon, sent: bytes) -> list[int]:
    """The status of every answer until the daemon hangs up."""
    return [answer.status for answer in exchange(daemon, sent)]
