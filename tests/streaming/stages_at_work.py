"""What the tests of stages share: batches that come at given times, a clock, and a pipeline over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cortex_actors.chat import AnswerEvent, Chunk
from cortex_actors.errors import StageError
from cortex_actors.streaming.meter import Meter
from cortex_actors.streaming.pipeline import Batch, Passage, Pipeline, Stage


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def texts(*said: str) -> tuple[Chunk, ...]:
    """A chunk for each text."""
    return tuple(Chunk(text) for text in said)


@dataclass
class Bench:
    """One stream with its stages. `through` gives every batch that comes out, ticks left out."""

    stages: Sequence[Stage]
    clock: Clock = field(default_factory=Clock)
    received: int = 0

    def __post_init__(self) -> None:
        meter = Meter("stream_1", "mock", clock=self.clock, bytes_received=lambda: self.received)
        self.passage = Passage(meter, clock=self.clock)
        self.pipeline = Pipeline(self.stages, self.passage)

    def through(self, batches: Iterable[Batch]) -> list[Batch]:
        return [batch for batch in self.pipeline.run(iter(batches)) if batch]

    def broken(self, batches: Iterable[Batch]) -> tuple[list[Batch], StageError]:
        """What comes out before the error that ends the stream, and that error."""
        came: list[Batch] = []
        try:
            for batch in self.pipeline.run(iter(batches)):
                came += [batch] if batch else []
        except StageError as error:
            return came, error
        raise AssertionError("no stage ended the stream")

    def at(self, *arrivals: tuple[float, Batch]) -> Iterator[tuple[float, Batch]]:
        """When each batch comes out, for batches that come in at these seconds from the start on.

        As a source does, it gives a tick at every moment that a stage asked for before the next arrival.
        """
        start = self.clock.now
        for batch in self.pipeline.run(self._source(start, arrivals)):
            if batch:
                yield round(self.clock.now - start, 6), batch

    def _source(self, start: float, arrivals: Iterable[tuple[float, Batch]]) -> Iterator[Batch]:
        for moment, batch in arrivals:
            while (wanted := self.passage.alarm.take()) < start + moment:
                assert math.isfinite(wanted)
                self.clock.now = max(self.clock.now, wanted)
                yield ()
            self.clock.now = start + moment
            yield batch


def events(batches: Iterable[Batch]) -> list[AnswerEvent]:
    """The events of all batches."""
    return [event for batch in batches for event in batch]


def text_of(batches: Iterable[Batch]) -> str:
    """The text of all batches."""
    return "".join(event.text for event in events(batches) if isinstance(event, Chunk))
