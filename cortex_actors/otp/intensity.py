"""Restart intensity: how many restarts in how many seconds a supervisor bears before it gives up itself.

Counts restarts in time, never messages; the clock is the caller's. Pure.
"""

from __future__ import annotations

from collections import deque


class RestartIntensity:
    """A sliding window over the restarts of one supervisor; None for `max_restarts` is unlimited."""

    def __init__(self, max_restarts: int | None, max_seconds: float) -> None:
        self.max_restarts = max_restarts
        self.max_seconds = max_seconds
        self._times: deque[float] = deque()

    def admits(self, now: float) -> bool:
        """Counts one restart, and says whether it is still within bounds."""
        self._times.append(now)
        while self._times and self._times[0] <= now - self.max_seconds:
            self._times.popleft()
        return self.max_restarts is None or len(self._times) <= self.max_restarts

    @property
    def times(self) -> tuple[float, ...]:
        """When the restarts of the window were; some may have grown old since."""
        return tuple(self._times)
