"""Gaps between the pieces of answers: a histogram without a lock, or a label look-up, for every piece.

    gaps = Gaps()              belongs to one attempt
    gaps.note(0.031)           on its thread: two additions
    histogram.add("groq", gaps)    once, when the attempt is over

Runs on:   `Gaps` on one thread; `GapHistogram` on any, under one short lock.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

#: Upper bounds in seconds: from pieces that come together to a stall.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Gaps:
    """The gaps of one attempt so far."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        #: How many gaps fell under each bound and over the one before; the last are over all.
        self.counts = [0] * (len(BOUNDS) + 1)
        #: All gaps together, in seconds.
        self.total = 0.0

    def note(self, gap: float) -> None:
        """Counts one gap, in seconds."""
        self.counts[bisect_left(BOUNDS, gap)] += 1
        self.total += gap


class GapHistogram(Collector):
    """The gaps of all attempts that are over, by provider."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name = name
        self._documentation = documentation
        self._lock = threading.Lock()
        self._by_provider: dict[str, Gaps] = {}

    def add(self, provider: str, gaps: Gaps) -> None:
        """Adds the gaps of one attempt."""
        with self._lock:
            sums = self._by_provider.setdefault(provider, Gaps())
            sums.total += gaps.total
            for place, count in enumerate(gaps.counts):
                sums.counts[place] += count

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as Prometheus knows it: each bucket holds those below it too."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=["provider"])
        with self._lock:
            sums = {name: (list(gaps.counts), gaps.total) for name, gaps in self._by_provider.items()}
        for provider, (counts, total) in sums.items():
            buckets, below = [], 0
            for bound, count in zip((*BOUNDS, float("inf")), counts, strict=True):
                below += count
                buckets.append((_bound(bound), below))
            family.add_metric([provider], buckets, total)
        yield family


def _bound(seconds: float) -> str:
    return "+Inf" if seconds == float("inf") else str(seconds)
