"""The watch: looks at blocked calls when one of their limits may have passed.

A thread that waits for bytes cannot look at a clock. Most calls need no watch, as their socket has the one
limit they have; those with a total limit, or with two different ones, are looked after by one thread that
all calls share and that ends when it has nothing to do.

Runs on:   watch on any thread; the looks on the watch's own, so they must not block.
Imports:   nothing of the project.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

#: Looks at something; returns when to look again, or None when there is nothing to see any more.
Look = Callable[[float], float | None]

#: Seconds an idle watch waits for more work.
_LINGER = 5.0


class Deadlines:
    """Calls each look at its time, on one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Look]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def watch(self, at: float, look: Look) -> None:
        """Looks at this time, and then whenever the look itself says."""
        with self._changed:
            heapq.heappush(self._due, (at, next(self._numbers), look))
            # Not alive although there is one: this process was forked from the one that started it.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="client-deadlines", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while (look := self._next()) is not None:
            again = look(self._clock())
            if again is not None:
                with self._changed:
                    heapq.heappush(self._due, (again, next(self._numbers), look))

    def _next(self) -> Look | None:
        """The next look that is due, waiting for it; None when none came for a while."""
        with self._changed:
            while True:
                if not self._due and not self._changed.wait_for(lambda: bool(self._due), _LINGER):
                    self._thread = None
                    return None
                wait = self._due[0][0] - self._clock()
                if wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)


#: What all clients of a process share.
shared = Deadlines()
