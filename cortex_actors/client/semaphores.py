"""Not too many at once: places for calls, and bytes under way.

Both hand out in the order of asking, and both are freed by `with` whatever happens inside.

Imports:  errors of this package.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cortex_actors.client.errors import LimitReached

#: Bytes that may be under way unless said otherwise.
DEFAULT_BYTES = 5 * 1024 * 1024


class _Line:
    """Callers in the order of their coming; the first goes when it may."""

    def __init__(self) -> None:
        # Reentrant: the collector may end a forgotten stream while this very thread holds it.
        self.changed = threading.Condition(threading.RLock())
        self._waiting: deque[object] = deque()

    def wait(self, may_go: Callable[[], bool], timeout: float | None) -> bool:
        """Waits for the head of the line and for `may_go`; the condition is held before and after."""
        place = object()
        self._waiting.append(place)
        try:
            return self.changed.wait_for(lambda: self._waiting[0] is place and may_go(), timeout)
        finally:
            self._waiting.remove(place)
            self.changed.notify_all()


class CountingSemaphore:
    """So many calls at once.

    >>> places = CountingSemaphore(2)
    >>> with places.place():
    ...     places.available
    1
    >>> places.available
    2
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a semaphore needs a limit of at least 1, not {limit}")
        self.limit = limit
        self._free = limit
        self._line = _Line()

    @property
    def available(self) -> int:
        """Places that are free now."""
        return self._free

    def acquire(self, timeout: float | None = None) -> bool:
        """Takes a place, waiting for it; False when the time is over. A timeout of 0 does not wait."""
        with self._line.changed:
            if not self._line.wait(lambda: self._free > 0, timeout):
                return False
            self._free -= 1
            return True

    def release(self) -> None:
        """Gives a place back."""
        with self._line.changed:
            if self._free == self.limit:
                raise ValueError("a place was given back that nobody had taken")
            self._free += 1
            self._line.changed.notify_all()

    @contextmanager
    def place(self, timeout: float | None = None) -> Iterator[None]:
        """A place for the time of a `with` block; raises LimitReached when none is free in time."""
        if not self.acquire(timeout):
            raise LimitReached(f"none of {self.limit} places became free in time")
        try:
            yield
        finally:
            self.release()


class BytesSemaphore:
    """So many bytes under way at once.

    Whoever finds a budget that is not overdrawn may go, however much it takes: one body larger than the whole
    budget must not wait for ever. The budget is negative then, and the next one waits until it is not.

    >>> budget = BytesSemaphore(100)
    >>> with budget.bytes(250):
    ...     budget.available
    -150
    """

    def __init__(self, budget: int = DEFAULT_BYTES) -> None:
        if budget < 1:
            raise ValueError(f"a semaphore needs a budget of at least 1 byte, not {budget}")
        self.budget = budget
        self._left = budget
        self._line = _Line()

    @property
    def available(self) -> int:
        """What is left of the budget; below zero when one caller took more than there was."""
        return self._left

    def acquire(self, size: int, timeout: float | None = None) -> bool:
        """Takes so many bytes unless the budget is overdrawn; False when the time is over."""
        with self._line.changed:
            if not self._line.wait(lambda: self._left >= 0, timeout):
                return False
            self._left -= size
            return True

    def release(self, size: int) -> None:
        """Gives bytes back."""
        with self._line.changed:
            self._left += size
            self._line.changed.notify_all()

    @contextmanager
    def bytes(self, size: int, timeout: float | None = None) -> Iterator[None]:
        """So many bytes for the time of a `with` block; raises LimitReached when it is too long."""
        if not self.acquire(size, timeout):
            raise LimitReached(f"no part of {self.budget} bytes became free in time")
        try:
            yield
        finally:
            self.release(size)
