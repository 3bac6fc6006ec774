"""Deadlines for reading: a body that dribbles is cut off, however steadily it dribbles.

A socket timeout starts anew with every byte, and a server that assembles a body gives nobody a turn until it
is whole. So one thread for the whole process looks at all bodies being read, once a second, and ends the
reading side of those that are late: the reader wakes, with an early end of the body or (under gevent) with an
OSError, and can still answer.

Runs on:   a thread of its own, started with the first body (so never before a fork).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """One body being read; `passed` once its time is up."""

    __slots__ = ("at", "passed", "sock")

    def __init__(self, sock: socket.socket | None, at: float) -> None:
        self.sock = sock
        self.at = at
        self.passed = False


class ReadDeadlines:
    """Every body that is being read now, and the thread that watches them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, look_every: float = 1.0) -> None:
        self._clock = clock
        self._look_every = look_every
        self._pending: set[Deadline] = set()
        self._busy = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self, sock: socket.socket | None, seconds: float) -> Iterator[Deadline]:
        """Ends the socket's reading side when the block takes longer than this."""
        deadline = Deadline(sock, self._clock() + seconds)
        if sock is None:
            yield deadline
            return
        self._pending.add(deadline)
        self._wake()
        try:
            yield deadline
        finally:
            self._pending.discard(deadline)

    def sweep(self) -> None:
        """Ends the reading of every body that is late."""
        now = self._clock()
        for deadline in tuple(self._pending):
            if now >= deadline.at and deadline.sock is not None:
                deadline.passed = True
                self._pending.discard(deadline)
                with suppress(OSError):  # closed meanwhile
                    deadline.sock.shutdown(socket.SHUT_RD)

    def _wake(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="read-deadlines", daemon=True)
                    self._thread.start()
        if not self._busy.is_set():
            self._busy.set()

    def _run(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(self._look_every)  # first of all, so that a body that is there costs no wake-up
            self.sweep()
            if not self._pending:
                self._busy.clear()
            if self._pending:  # somebody came in between, and saw no need to wake us
                self._busy.set()
