"""Counters in memory, for the sliding windows of `limits`: bounded in number, swept on the way.

Of each key two numbers are kept, those of this period and of the one before. The storage that `limits` brings
along starts a timer thread every few milliseconds; this one needs none.

Runs on:   any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from limits.storage.base import SlidingWindowCounterSupport, Storage

#: Callers that are remembered; beyond, the one that came first is forgotten, and begins anew.
MOST_KEYS = 20_000


@dataclass(slots=True)
class _Count:
    """What was counted in one period, and in the one before."""

    period: int
    current: int = 0
    previous: int = 0


class Counters(Storage, SlidingWindowCounterSupport):
    """A storage of `limits` for one strategy, the sliding window counter."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time, most: int = MOST_KEYS) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._counts: dict[str, _Count] = {}
        self._swept_at = 0.0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._counts)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Counts so much more, unless that were too much."""
        with self._lock:
            now = self._clock()
            count = self._count(key, expiry, now)
            if int(count.previous * _left(now, expiry)) + count.current + amount > limit:
                return False
            count.current += amount
            self._counts[key] = count
            self._sweep(expiry, now)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """The last period's count and the seconds it still matters for, and the same of this period."""
        with self._lock:
            now = self._clock()
            count = self._count(key, expiry, now)
            left = _left(now, expiry) * expiry
            return count.previous, left if count.previous else 0.0, count.current, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forgets a key."""
        with self._lock:
            self._counts.pop(key, None)

    def _count(self, key: str, expiry: int, now: float) -> _Count:
        """The count of a key as of now; not yet kept where it is new."""
        period = int(now // expiry)
        count = self._counts.get(key) or _Count(period)
        if count.period != period:
            count.previous = count.current if count.period == period - 1 else 0
            count.period, count.current = period, 0
        return count

    def _sweep(self, expiry: int, now: float) -> None:
        """Forgets what matters no more, once a period; and whoever came first, when there are too many."""
        if now - self._swept_at >= expiry or now < self._swept_at:
            self._swept_at = now
            last = int(now // expiry) - 1
            self._counts = {key: count for key, count in self._counts.items() if count.period >= last}
        while len(self._counts) > self._most:
            del self._counts[next(iter(self._counts))]

    # -- what a storage must have, and no strategy here asks for

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)


def _left(now: float, expiry: int) -> float:
    """The share of the last period that a window ending now still covers."""
    return 1.0 - (now / expiry) % 1.0
