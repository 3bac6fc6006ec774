"""The steps of a script: what a scripted upstream can do to one caller."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.upstream.peer import Peer, PeerGone

#: No step waits longer than this, in seconds, whatever a test forgets.
PATIENCE = 30.0


class Step(Protocol):
    """One thing an upstream does to one caller."""

    def run(self, peer: Peer) -> None: ...


@dataclass(frozen=True, slots=True)
class Head:
    """Send the status line and these headers, nothing else."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def run(self, peer: Peer) -> None:
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{k}: {v}" for k, v in self.headers.items()), "", ""]
        peer.send("\r\n".join(lines).encode())


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes as they are."""

    data: bytes

    def run(self, peer: Peer) -> None:
        peer.send(self.data)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Send bytes in chunked framing, as one chunk."""

    data: bytes

    def run(self, peer: Peer) -> None:
        peer.send(b"%x\r\n%b\r\n" % (len(self.data), self.data))


@dataclass(frozen=True, slots=True)
class LastChunk:
    """End a chunked body cleanly."""

    def run(self, peer: Peer) -> None:
        peer.send(b"0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Gate:
    """Wait until the test sets the event (or the caller hangs up)."""

    event: threading.Event

    def run(self, peer: Peer) -> None:
        peer.wait(PATIENCE, until=self.event)


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay silent for so many seconds (or until the caller hangs up)."""

    seconds: float

    def run(self, peer: Peer) -> None:
        peer.wait(min(self.seconds, PATIENCE))


@dataclass(frozen=True, slots=True)
class Hang:
    """Stay silent until the caller hangs up."""

    def run(self, peer: Peer) -> None:
        peer.wait(PATIENCE)


@dataclass(frozen=True, slots=True)
class Fin:
    """Close our side in the middle of whatever was being said; the caller sees an early end."""

    def run(self, peer: Peer) -> None:
        peer.sock.shutdown(socket.SHUT_WR)
        peer.wait(PATIENCE)
        raise PeerGone


@dataclass(frozen=True, slots=True)
class Reset:
    """Send a TCP reset."""

    def run(self, peer: Peer) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise PeerGone
