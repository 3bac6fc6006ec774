"""Buffer: several chunks go out as one, so that who takes them is called less often.

Held is never more than the chunks that were asked for, nor more than `MOST_HELD` characters, nor longer than
the interval. All of it goes out when the answer says why it stops, when its source ends however it ends, and
before another stage's error is told.

Imports:  pipeline; chat, errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from cortex_actors.chat import AnswerEvent, Chunk, Finish
from cortex_actors.errors import StageError
from cortex_actors.streaming.pipeline import Batch, Passage, Stage

#: Characters that are held at most, however many chunks were asked for.
MOST_HELD = 64 * 1024


def buffer(chunks: int, interval: float | None = None, *, name: str = "buffer") -> Stage:
    """Lets chunks out so many at a time, or once the first of them has waited for `interval` seconds.

    Those that are plain text, or plain reasoning, are joined. Raises ValueError for less than one chunk.
    """
    if chunks < 1 or (interval is not None and interval <= 0):
        raise ValueError("a buffer holds one chunk at least, and its interval is above 0")

    def run(batches: Iterator[Batch], passage: Passage) -> Iterator[Batch]:
        held = _Held(chunks, math.inf if interval is None else interval)
        try:
            for batch in batches:
                now = passage.clock()
                out = [passed for event in batch for passed in held.pass_on(event, now)]
                if held.due <= now:
                    out += held.take()
                passage.alarm.by(held.due)
                yield tuple(out)
        except StageError:
            yield held.take()
            raise
        yield held.take()

    return Stage(name, "buffer", run)


@dataclass(slots=True)
class _Held:
    """What waits, in its order."""

    most: int
    interval: float
    events: list[AnswerEvent] = field(default_factory=list)
    chunks: int = 0
    size: int = 0
    #: When the first of them has waited long enough.
    due: float = math.inf

    def pass_on(self, event: AnswerEvent, now: float) -> Batch:
        """Takes an event in, and gives out what must wait no longer."""
        if not self.events and not isinstance(event, Chunk):
            return (event,)
        self.events.append(event)
        if isinstance(event, Chunk):
            self.chunks += 1
            self.size += len(event.text) + len(event.reasoning)
            self.due = min(self.due, now + self.interval)
        full = self.chunks >= self.most or self.size >= MOST_HELD
        return self.take() if full or isinstance(event, Finish) else ()

    def take(self) -> Batch:
        """All that waits."""
        taken, self.events = self.events, []
        self.chunks = self.size = 0
        self.due = math.inf
        return tuple(_joined(taken))


def _joined(events: list[AnswerEvent]) -> Iterator[AnswerEvent]:
    """The same events with neighbours of one strand made one."""
    for strand, group in groupby(events, key=_strand):
        if strand == "text":
            yield Chunk(text="".join(event.text for event in group if isinstance(event, Chunk)))
        elif strand == "reasoning":
            yield Chunk(reasoning="".join(event.reasoning for event in group if isinstance(event, Chunk)))
        else:
            yield from group


def _strand(event: AnswerEvent) -> Literal["text", "reasoning"] | None:
    """What a chunk is nothing else than; None for one that cannot be joined."""
    if not isinstance(event, Chunk) or event.tool_calls or event.logprobs or event.metadata:
        return None
    if event.text:
        return None if event.reasoning else "text"
    return "reasoning" if event.reasoning else None
