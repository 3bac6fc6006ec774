"""Numbers of this process that no single actor owns: dead letters, stray messages, abandoned threads.

Runs on:   any thread; every change takes one short lock, all of them are rare.
Imports nothing of the project. Read by metrics and health.
"""

from __future__ import annotations

import threading


class Counters:
    """Counts what went astray in this process; `abandoned_now` goes down when a thread wakes and leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.dead_letters = 0
        self.unexpected = 0
        self.abandoned_now = 0
        self.abandoned_total = 0

    def dead_letter(self, number: int = 1) -> None:
        """Counts messages nobody was there to take."""
        with self._lock:
            self.dead_letters += number

    def unexpected_message(self) -> None:
        """Counts a message its receiver had no use for."""
        with self._lock:
            self.unexpected += 1

    def abandoned(self) -> None:
        """Counts an incarnation that was left behind with a thread inside."""
        with self._lock:
            self.abandoned_now += 1
            self.abandoned_total += 1

    def reaped(self) -> None:
        """Counts an abandoned thread that woke up and left."""
        with self._lock:
            self.abandoned_now -= 1


#: The counters of this process.
COUNTERS = Counters()
