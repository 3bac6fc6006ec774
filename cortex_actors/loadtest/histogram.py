"""A histogram of durations whose buckets grow by a fixed factor, so that every percentile is equally exact.

    histogram = Histogram()
    histogram.record(0.012)
    histogram.percentile(0.99)

32 buckets a doubling, as a native histogram of Prometheus with schema 5 has: a percentile is off by 1.1 % at
most, the smallest and the largest value are exact, and a run of any length takes a few hundred numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

_PER_DOUBLING = 32

#: What is shorter counts as this, in seconds: no clock here is finer.
_LEAST = 1e-6


class Histogram:
    """Counts durations in seconds; histograms of several processes can be added up."""

    __slots__ = ("_buckets", "count", "least", "most", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = 0.0

    def record(self, seconds: float) -> None:
        """Counts one duration."""
        value = max(seconds, _LEAST)
        bucket = math.floor(math.log2(value) * _PER_DOUBLING)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def add(self, other: Histogram) -> None:
        """Counts all that another one has counted."""
        for bucket, number in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + number
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    @property
    def mean(self) -> float | None:
        """The mean; None when nothing was counted."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """The duration that this share of all does not exceed; None when nothing was counted.

        >>> histogram = Histogram()
        >>> for milliseconds in range(1, 101):
        ...     histogram.record(milliseconds / 1000)
        >>> round(histogram.percentile(0.5), 3), histogram.percentile(1.0)
        (0.05, 0.1)
        """
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count))
        if rank == self.count:
            return self.most
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed >= rank:
                return self._middle(bucket)
        return self.most

    def buckets(self) -> Iterator[tuple[float, float, int]]:
        """Each bucket with something in it: from, to, how many; shortest first."""
        for bucket in sorted(self._buckets):
            yield _edge(bucket), _edge(bucket + 1), self._buckets[bucket]

    def _middle(self, bucket: int) -> float:
        return min(max(_edge(bucket + 0.5), self.least), self.most)


def _edge(bucket: float) -> float:
    return float(2 ** (bucket / _PER_DOUBLING))
