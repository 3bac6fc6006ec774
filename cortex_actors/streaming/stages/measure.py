"""Measure: tells somebody how the stream goes, each second and once at its end.

Reports are made on the thread that reads the stream, between two batches: never while another is made, and
never while whoever reads is busy with what it got.

Imports:  meter and pipeline; nothing else.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator

from cortex_actors.streaming.meter import StreamMetrics
from cortex_actors.streaming.pipeline import Batch, Passage, Stage

_log = logging.getLogger(__name__)

Report = Callable[[StreamMetrics], object]

#: Seconds between two reports.
EVERY = 1.0


def measure(report: Report, *, every: float | None = EVERY, name: str = "measure") -> Stage:
    """Reports metrics every so many seconds and once at the end; with None, at the end alone.

    A report that raises is logged, and no other follows: measuring must not break what it measures.
    """

    def run(batches: Iterator[Batch], passage: Passage) -> Iterator[Batch]:
        observer = _Observer(name, report)
        passage.at_end.append(lambda status: observer.tell(passage.meter.snapshot(status)))
        return _reported(batches, passage, observer, math.inf if every is None else every)

    return Stage(name, "measure", run)


def _reported(
    batches: Iterator[Batch], passage: Passage, observer: _Observer, every: float
) -> Iterator[Batch]:
    due = passage.clock() + every
    passage.alarm.by(due)
    for batch in batches:
        now = passage.clock()
        if now >= due:
            observer.tell(passage.meter.snapshot())
            due = now + every
        passage.alarm.by(due)
        yield batch


class _Observer:
    """Somebody who wants to know, until he fails."""

    def __init__(self, stage: str, report: Report) -> None:
        self._stage = stage
        self._report: Report | None = report

    def tell(self, metrics: StreamMetrics) -> None:
        if self._report is None:
            return
        try:
            self._report(metrics)
        except Exception:
            self._report = None
            stream = metrics.stream_id
            _log.exception("the stage %s failed; it is told nothing more of %s", self._stage, stream)
