"""The pipeline: the stages that every batch of an answer passes on its way out, as one visible list.

    source -> measure -> transform -> validate -> buffer -> whoever writes

A batch is a tuple of events that are written together. An empty one is a tick: nothing came, time passed.
A stage takes an iterator of batches and gives one; it holds what it likes within its bounds, and gives it
all back when its source ends or another stage stops the stream. The functions of users see chunks alone:
reasons to stop, token counts and pieces of tool calls pass them by, in their places.

Nothing here waits. A stage that must act although nothing comes says by when (`Alarm.by`), and the source
answers with a tick. Where no stage is configured there is no pipeline, and nothing of this is run.

Runs on:   the thread that reads the stream.

Imports:   meter of this package; chat.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from cortex_actors.chat import AnswerEvent
from cortex_actors.streaming.meter import Meter, StreamState

Batch = tuple[AnswerEvent, ...]
Kind = Literal["measure", "transform", "validate", "buffer"]

#: The order in which stages are passed; those of one kind stand as they were given.
ORDER: tuple[Kind, ...] = get_args(Kind)


class Alarm:
    """By when the source must give a sign, if only an empty one; in the seconds of the stream's clock."""

    def __init__(self) -> None:
        self._earliest = math.inf

    def by(self, moment: float) -> None:
        """Asks for a sign; a stage asks again each time before it wants the next batch."""
        self._earliest = min(self._earliest, moment)

    def take(self) -> float:
        """The earliest moment that was asked for, infinite where none was; it is forgotten with that."""
        earliest, self._earliest = self._earliest, math.inf
        return earliest


@dataclass(slots=True)
class Passage:
    """What the stages share about the one stream that they work on."""

    meter: Meter
    clock: Callable[[], float] = time.monotonic
    alarm: Alarm = field(default_factory=Alarm)
    #: What is to be told how the stream ended, once.
    at_end: list[Callable[[StreamState], None]] = field(default_factory=list)
    #: How many pieces each stage refused without ending the stream.
    rejections: dict[str, int] = field(default_factory=dict)

    def note_rejection(self, stage: str) -> None:
        """Remembers that a stage took something out, since a hole should not go unnoticed."""
        self.meter.rejected += 1
        self.rejections[stage] = self.rejections.get(stage, 0) + 1


Run = Callable[[Iterator[Batch], Passage], Iterator[Batch]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One station of the pipeline. It is no state of any stream: `run` begins anew with each."""

    name: str
    kind: Kind
    run: Run


class Pipeline:
    """The stages of one stream.

    >>> from cortex_actors.chat import Chunk
    >>> from cortex_actors.streaming.stages import buffer, transform
    >>> louder = transform(lambda chunk: Chunk(chunk.text.upper()))
    >>> pipeline = Pipeline([buffer(2), louder], Passage(Meter("stream_1", "mock")))
    >>> [stage.kind for stage in pipeline.stages]
    ['transform', 'buffer']
    >>> source = iter([(Chunk("Ho"),), (Chunk("la"),), (Chunk("!"),)])
    >>> [chunk.text for batch in pipeline.run(source) for chunk in batch]
    ['HOLA', '!']
    """

    def __init__(self, stages: Iterable[Stage], passage: Passage) -> None:
        self.stages = tuple(sorted(stages, key=lambda stage: ORDER.index(stage.kind)))
        self.passage = passage
        self._told = False

    def run(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches behind the last stage. Raises the StageError of a stage that ends the stream."""
        batches = self.passage.meter.count(batches)
        for stage in self.stages:
            batches = stage.run(batches, self.passage)
        return batches

    def finish(self, status: StreamState) -> None:
        """Tells the stages that want to know how the stream ended; the first call alone counts."""
        if not self._told:
            self._told = True
            for tell in self.passage.at_end:
                tell(status)
