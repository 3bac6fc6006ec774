"""The calls of the last minute: how many, how many failed, how many had a slow first token.

May import: nothing of the package.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What a window holds."""

    calls: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(slots=True)
class _Bucket:
    number: int
    calls: int = 0
    failures: int = 0
    slow: int = 0


class OutcomeWindow:
    """A rolling window in buckets: bounded whatever the traffic; old calls leave a bucket at a time."""

    def __init__(self, length: float, buckets: int = 12) -> None:
        self._buckets: deque[_Bucket] = deque(maxlen=buckets)
        self._width = length / buckets

    def add(self, now: float, *, calls: int = 1, failed: bool = False, slow: bool = False) -> None:
        """Counts one call, or with `calls=0` the failure of one that is counted already."""
        number = self._number(now)
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(_Bucket(number))
        bucket = self._buckets[-1]
        bucket.calls += calls
        bucket.failures += failed
        bucket.slow += slow

    def counts(self, now: float) -> Counts:
        """The sums over the buckets that are young enough."""
        oldest = self._number(now) - (self._buckets.maxlen or 0) + 1
        live = [bucket for bucket in self._buckets if bucket.number >= oldest]
        return Counts(
            calls=sum(bucket.calls for bucket in live),
            failures=sum(bucket.failures for bucket in live),
            slow=sum(bucket.slow for bucket in live),
        )

    def clear(self) -> None:
        """Forgets everything."""
        self._buckets.clear()

    def _number(self, now: float) -> int:
        return int(now // self._width)
