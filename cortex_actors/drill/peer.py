"""One caller of the wall: its connection, its requests, and whether it is still there.

Runs on:   one thread a connection.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

#: Bytes of a head and of a body; what is larger is no chat request.
_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 32 * 1024 * 1024

#: Bytes handed to the kernel at once, so that the count of what was sent is never far off.
_PIECE = 64 * 1024

#: Bytes the kernel may keep for a caller that does not read; low, so that its buffers hide little of a stall.
_SEND_BUFFER = 64 * 1024


class CallerLeft(Exception):
    """When the caller hung up, so that the rest of its answer is pointless."""


class HungUp(Exception):
    """When the wall ended the connection itself, as its behaviour asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whole; the names of its headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Peer:
    """One accepted connection; it belongs to one thread."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._sock = sock
        self._unread = b""
        #: Bytes of the answer that the kernel took.
        self.sent = 0

    def read_request(self) -> Request:
        """The next request. Raises CallerLeft when there is none, or none that can be read."""
        self.sent = 0
        while b"\r\n\r\n" not in self._unread:
            self._receive(_LONGEST_HEAD)
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, target = first.partition(" ")
        path, _, query = target.partition(" ")[0].partition("?")
        fields = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LONGEST_BODY:
            raise CallerLeft
        while len(self._unread) < int(length):
            self._receive(_LONGEST_BODY)
        body, self._unread = self._unread[: int(length)], self._unread[int(length) :]
        return Request(method, path, query, headers, body)

    def send(self, data: bytes) -> None:
        """Sends all of it, however long the caller takes. Raises CallerLeft."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            try:
                self._sock.sendall(piece)
            except OSError as error:
                raise CallerLeft from error
            self.sent += len(piece)

    def pause(self, seconds: float) -> None:
        """Says nothing for a while. Raises CallerLeft as soon as the caller hangs up."""
        deadline = time.monotonic() + seconds
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            if poller.poll(1000 * left):
                self._receive(_LONGEST_BODY)

    def hang_up(self) -> NoReturn:
        """Ends the connection as a server does that is done. Raises HungUp, always."""
        raise HungUp

    def reset(self) -> NoReturn:
        """Ends the connection with a TCP reset. Raises HungUp, always."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise HungUp

    def close(self) -> None:
        """Frees the socket."""
        self._sock.close()

    def _receive(self, most: int) -> None:
        try:
            data = self._sock.recv(_PIECE)
        except OSError as error:
            raise CallerLeft from error
        if not data or len(self._unread) > most:
            raise CallerLeft
        self._unread += data
