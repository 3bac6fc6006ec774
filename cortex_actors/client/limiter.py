"""Not too often: calls wait for their turn before the server has to say no.

A limit is so many calls in so many seconds. A call books the first moment that keeps it and waits for that
moment; a server that answers 429 moves the whole queue to a later one.

Imports:  errors of this package.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cortex_actors.client.errors import LimitReached


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many calls in any so many seconds."""

    limit: int
    window: float


class Limiter(Protocol):
    """What calls pass on their way; `name` is the manifest's `rate_limit` of the endpoint."""

    def acquire(self, name: str, timeout: float | None = None) -> float:
        """Waits for a turn, and returns the seconds it took; raises LimitReached when it is too long."""
        ...

    def hold(self, name: str, seconds: float) -> None:
        """When the server asked to be left alone for so long."""
        ...


class Queue:
    """The turns under one limit; pure, `now` is an argument.

    >>> queue = Queue(RateLimit(2, 10.0))
    >>> [queue.book(now=100.0, longest=60.0) for _ in range(5)]
    [0.0, 0.0, 10.0, 10.0, 20.0]
    >>> queue.book(now=100.0, longest=5.0) is None
    True
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._turns: deque[float] = deque(maxlen=limit.limit if limit else 0)
        self._held_until = 0.0

    def book(self, now: float, longest: float) -> float | None:
        """The seconds until a turn that is ours now; None, and nothing booked, when it is too long."""
        turn = max(now, self._held_until)
        if self._limit and len(self._turns) == self._limit.limit:
            turn = max(turn, self._turns[0] + self._limit.window)
        if turn - now > longest:
            return None
        self._turns.append(turn)
        return turn - now

    def hold(self, until: float) -> None:
        """No turn before this moment; an earlier one does not shorten it."""
        self._held_until = max(self._held_until, until)


class RateLimiter:
    """The limits of one client, by name; safe to share between threads."""

    def __init__(
        self,
        limits: Mapping[str, RateLimit],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._queues: dict[str, Queue] = {}

    def acquire(self, name: str, timeout: float | None = None) -> float:
        """Waits for a turn, and returns the seconds it took; raises LimitReached when it is too long."""
        longest = float("inf") if timeout is None else timeout
        with self._lock:
            wait = self._queue(name).book(self._clock(), longest)
        if wait is None:
            raise LimitReached(f"the rate limit {name!r} has no turn within {longest:g} s")
        if wait > 0:
            self._sleep(wait)
        return wait

    def hold(self, name: str, seconds: float) -> None:
        """When the server asked to be left alone for so long."""
        with self._lock:
            self._queue(name).hold(self._clock() + seconds)

    def _queue(self, name: str) -> Queue:
        return self._queues.setdefault(name, Queue(self._limits.get(name)))
