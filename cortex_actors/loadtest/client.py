"""One caller: a connection that is kept alive, one request at a time on it, each answer read to its end.

It never blocks and has no thread: its runner calls `ready` when its socket is, and `expire` when time is up.

    resting -> connecting -> sending -> reading -> resting
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol

from cortex_actors.loadtest.exchange import Exchange
from cortex_actors.loadtest.http_answer import BrokenAnswer
from cortex_actors.loadtest.judgement import End
from cortex_actors.loadtest.scenario import Manners
from cortex_actors.loadtest.tally import Outcome
from cortex_actors.loadtest.target import Target
from cortex_actors.streaming import StreamFormatError

#: Bytes read at once, by a reader in a hurry.
_READ = 64 * 1024

#: A slow reader takes a little, then waits so long, in seconds; the kernel keeps little more for it.
_SLOW_PAUSE = 0.1
_SLOW_BUFFER = 4096


class Loop(Protocol):
    """What a caller asks of its runner."""

    def watch(self, client: Client, sock: socket.socket, events: int) -> None:
        """Calls `ready` when one of these events is there; 0 for none for now."""
        ...

    def forget(self, sock: socket.socket) -> None:
        """Watches the socket no more."""
        ...

    def resume(self, client: Client, after: float) -> None:
        """Calls `resume` when so many seconds have passed."""
        ...

    def over(self, client: Client, outcome: Outcome) -> None:
        """Takes the outcome, and the client as free."""
        ...


class _Step(Enum):
    RESTING = auto()
    CONNECTING = auto()
    SENDING = auto()
    READING = auto()


class Client:
    """A caller; `ask` it when it is free."""

    def __init__(self, target: Target, loop: Loop, clock: Callable[[], float], slow_rate: int) -> None:
        self._target = target
        self._loop = loop
        self._clock = clock
        self._slow_bytes = max(1, round(slow_rate * _SLOW_PAUSE))
        self._sock: socket.socket | None = None
        self._step = _Step.RESTING
        #: Counts requests, so that a timer can tell whether it is still meant.
        self.asked = 0

    @property
    def free(self) -> bool:
        """Whether it can be asked."""
        return self._step is _Step.RESTING

    # -- what its runner calls

    def ask(self, exchange: Exchange) -> None:
        """Begins a request, on the connection of the last one if that may be."""
        self.asked += 1
        self._exchange = exchange
        self._is_slow = exchange.request.manners is Manners.SLOW
        if self._is_slow:
            self._drop()  # a small receive buffer must be there before the connection is
        self._reused = self._sock is not None
        if self._reused:
            self._send()
        else:
            self._connect()

    def ready(self, events: int) -> None:
        """Its socket can be written to or read from."""
        match self._step:
            case _Step.READING:
                self._read()
            case _Step.SENDING if events & EVENT_READ:
                self._read()  # an early answer, such as a refusal before the whole request was taken
            case _Step.SENDING:
                self._send()
            case _Step.CONNECTING:
                self._connected()
            case _Step.RESTING:
                self._drop()  # closed as idle, or more than was asked for: of no use to the next request

    def resume(self) -> None:
        """A slow reader's pause is over."""
        if self._step is _Step.READING and self._sock is not None:
            self._loop.watch(self, self._sock, EVENT_READ)

    def expire(self) -> None:
        """Its answer took too long."""
        self._end(End.NOT_CONNECTED if self._step is _Step.CONNECTING else End.HANG, "timeout")

    def close(self) -> None:
        """Frees its socket."""
        self._drop()

    # -- connecting and sending

    def _connect(self) -> None:
        sock = socket.socket(self._target.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._is_slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER)
        self._sock = sock
        self._step = _Step.CONNECTING
        result = sock.connect_ex((self._target.address, self._target.port))
        if result in (0, errno.EINPROGRESS):
            self._loop.watch(self, sock, EVENT_WRITE)
        else:
            self._end(End.NOT_CONNECTED, os.strerror(result).lower())

    def _connected(self) -> None:
        assert self._sock is not None
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._end(End.NOT_CONNECTED, os.strerror(error).lower())
        else:
            self._send()

    def _send(self) -> None:
        assert self._sock is not None
        self._step = _Step.SENDING
        unsent = self._exchange.unsent
        try:
            while unsent:
                sent = self._sock.send(unsent[0])
                if sent < len(unsent[0]):
                    unsent[0] = unsent[0][sent:]
                else:
                    unsent.popleft()
        except BlockingIOError:
            self._loop.watch(self, self._sock, EVENT_READ | EVENT_WRITE)
            return
        except OSError:
            self._hung_up()
            return
        self._step = _Step.READING
        if self._exchange.is_to_be_left:
            self._leave()
        else:
            self._loop.watch(self, self._sock, EVENT_READ)

    # -- reading

    def _read(self) -> None:
        assert self._sock is not None
        try:
            data = self._sock.recv(self._slow_bytes if self._is_slow else _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hung_up()
            return
        exchange = self._exchange
        try:
            exchange.feed(data, self._clock())
        except (BrokenAnswer, StreamFormatError) as error:
            self._finish(exchange.ended(End.CUT, self._clock(), lie=str(error)), reusable=False)
            return
        if exchange.answer.complete:
            self._finish(exchange.completed(self._clock()), reusable=exchange.can_be_followed)
        elif exchange.is_to_be_left:
            self._leave()
        elif self._is_slow:
            self._loop.watch(self, self._sock, 0)
            self._loop.resume(self, _SLOW_PAUSE)

    def _hung_up(self) -> None:
        """The connection is gone."""
        if self._exchange.answer.ends_with_connection:
            self._finish(self._exchange.completed(self._clock()), reusable=False)
        elif self._exchange.has_begun_to_answer:
            self._end(End.CUT)
        elif self._reused:
            # Closed as idle just when we asked: any client asks again, once, on a new connection.
            self._reused = False
            self._drop()
            self._exchange.begin()
            self._connect()
        else:
            self._end(End.NO_ANSWER)

    def _leave(self) -> None:
        assert self._sock is not None
        if self._exchange.request.leave_with_reset:
            with suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end(End.LEFT)

    # -- ending

    def _end(self, end: End, code: str = "") -> None:
        self._finish(self._exchange.ended(end, self._clock(), code), reusable=False)

    def _finish(self, outcome: Outcome, *, reusable: bool) -> None:
        if not reusable or self._is_slow:
            self._drop()
        self._step = _Step.RESTING
        self._loop.over(self, outcome)

    def _drop(self) -> None:
        if self._sock is not None:
            self._loop.forget(self._sock)
            self._sock.close()
            self._sock = None
