"""Figures that somebody keeps anyway: read when they are scraped, from something published.

A reader is called on the thread of whoever scrapes. It must ask no actor, and must not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

#: The label values of a series, and its value.
Reading = tuple[Sequence[str], float]
Read = Callable[[], Iterable[Reading]]


class ScrapedGauge(Collector):
    """A gauge whose series are whatever its reader gives."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], read: Read) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Reads it."""
        family = self._family()
        for values, value in self._read():
            family.add_metric(values, value)
        yield family

    def _family(self) -> GaugeMetricFamily | CounterMetricFamily:
        return GaugeMetricFamily(self._name, self._documentation, labels=self._labels)


class ScrapedCounter(ScrapedGauge):
    """The same for a figure that only grows."""

    def _family(self) -> GaugeMetricFamily | CounterMetricFamily:
        return CounterMetricFamily(self._name, self._documentation, labels=self._labels)
