"""Deny patterns: texts that must not go out, also where the provider cuts them into pieces.

Unlike other validations this one sees across chunks. What may be the beginning of a match waits (`patterns`
says how much), in its own chunk and in its place among the others; everything before it goes on at once.
The text of the answer and the reasoning are looked at apart: where one ends and the other begins, and
before a call, a seal or the reason to stop, nothing waits any more. Arguments of calls are not looked at.

Imports:  patterns and validate of this package; pipeline; chat, errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from cortex_actors.chat import AnswerEvent, Chunk, Finish, ThoughtSeal
from cortex_actors.errors import ContentRejected, StageError
from cortex_actors.streaming.pipeline import Batch, Passage, Stage
from cortex_actors.streaming.stages.patterns import Patterns
from cortex_actors.streaming.stages.validate import Policy

#: Characters that are held back for a regular expression unless told otherwise, and the most one can tell.
HOLD = 64
MOST_HOLD = 4096

_Strand = Literal["text", "reasoning"]


def deny_patterns(
    *,
    patterns: Sequence[str],
    ignore_case: bool = False,
    hold: int = HOLD,
    name: str = "deny_patterns",
    policy: Policy = "stop",
    replacement: str = "",
) -> Stage:
    """Refuses what matches one of the regular expressions; a dropped or replaced match takes nothing else.

    Raises ValueError for a pattern that cannot be used, none at all, or a `hold` out of bounds.
    """
    if not patterns:
        raise ValueError("patterns must name one at least")
    if not 1 <= hold <= MOST_HOLD:
        raise ValueError(f"hold must be between 1 and {MOST_HOLD}")
    compiled = Patterns(patterns, ignore_case=ignore_case, hold=hold)

    def run(batches: Iterator[Batch], passage: Passage) -> Iterator[Batch]:
        screen = _Screen(compiled, name, policy, replacement, passage)
        try:
            for batch in batches:
                for event in batch:
                    screen.add(event)
                screen.settle(final=False)
                yield screen.cleared()
            screen.settle(final=True)
        except StageError:
            yield screen.rest()
            raise
        yield screen.cleared()

    return Stage(name, "validate", run)


@dataclass(slots=True)
class _Screen:
    """The text of one stream that has not been let go."""

    patterns: Patterns
    name: str
    policy: Policy
    replacement: str
    passage: Passage
    #: Events that wait, in their order, and those that were let go.
    queue: list[AnswerEvent] = field(default_factory=list)
    out: list[AnswerEvent] = field(default_factory=list)
    #: Which text is looked at now, what of it waits, how much of that is clean, and what came before it.
    strand: _Strand = "text"
    pending: str = ""
    clean: int = 0
    before: str = ""
    stopped: bool = False

    def add(self, event: AnswerEvent) -> None:
        """Takes an event in."""
        if not isinstance(event, Chunk):
            if isinstance(event, Finish | ThoughtSeal):
                self.settle(final=True)
            self.queue.append(event)
            return
        for part in _parts(event):
            if part.text or part.reasoning:
                self._switch_to("text" if part.text else "reasoning")
                self.pending += part.text or part.reasoning
            elif part.tool_calls:
                self.settle(final=True)
            self.queue.append(part)

    def settle(self, *, final: bool) -> None:
        """Lets go what is clean. Raises ContentRejected where the policy is to stop."""
        while True:
            start = len(self.before)
            look = self.patterns.look(self.before + self.pending, start + self.clean, final=final)
            if look.hit is None:
                self._release(self._up_to_a_whole_chunk(look.safe - start))
                break
            begin, end = look.hit[0] - start, look.hit[1] - start
            if self.policy == "stop":
                self._release(begin)
                self.stopped = True
                raise ContentRejected(self.name, "it holds what must not be said.")
            self._rewrite(begin, end, self.replacement if self.policy == "replace" else "")
        if final:
            self.before = ""

    def cleared(self) -> Batch:
        """What has been let go since the last time."""
        out, self.out = self.out, []
        return tuple(out)

    def rest(self) -> Batch:
        """All that may go out when another stage, or this one, has ended the stream."""
        if not self.stopped:
            with suppress(ContentRejected):  # there is an error to be told already
                self.settle(final=True)
        return self.cleared()

    def _switch_to(self, wanted: _Strand) -> None:
        if self.strand != wanted:
            self.settle(final=True)
            self.strand = wanted

    def _up_to_a_whole_chunk(self, size: int) -> int:
        """A chunk that tells of its tokens is not cut for the sake of waiting: it waits as a whole."""
        position = 0
        for event in self.queue:
            end = position + len(self._text_of(event))
            if position < size < end:
                return position if isinstance(event, Chunk) and event.logprobs else size
            position = end
        return size

    def _release(self, size: int) -> None:
        """Lets so many characters go, with the events among them."""
        self.before = (self.before + self.pending[:size])[-self.patterns.context :]
        self.pending = self.pending[size:]
        self.clean = max(0, self.clean - size)
        waiting: list[AnswerEvent] = []
        for event in self.queue:
            text = self._text_of(event)
            if waiting or (text and not size):
                waiting.append(event)
            elif isinstance(event, Chunk) and len(text) > size:
                self.out.append(self._saying(event, text[:size]))
                waiting.append(self._saying(event, text[size:]))
            else:
                self.out.append(event)
                size -= len(text)
        self.queue = waiting

    def _rewrite(self, begin: int, end: int, text: str) -> None:
        """Puts a text where a match was, into the first of the chunks that had a part of it."""
        self.passage.note_rejection(self.name)
        position = 0
        for number, event in enumerate(self.queue):
            said = self._text_of(event)
            first, last = max(begin, position), min(end, position + len(said))
            if isinstance(event, Chunk) and first < last:
                put = text if first == begin else ""
                kept = said[: first - position] + put + said[last - position :]
                self.queue[number] = self._saying(event, kept)
            position += len(said)
        self.queue = [event for event in self.queue if not isinstance(event, Chunk) or _says_something(event)]
        self.pending = self.pending[:begin] + text + self.pending[end:]
        # Where something was taken out, what stood around it may make another match.
        self.clean = begin + len(text) if text else 0

    def _text_of(self, event: AnswerEvent) -> str:
        if not isinstance(event, Chunk):
            return ""
        return event.text if self.strand == "text" else event.reasoning

    def _saying(self, chunk: Chunk, text: str) -> Chunk:
        """The chunk with a part of its text; what it told of its tokens is true no more."""
        if self.strand == "text":
            return replace(chunk, text=text, logprobs=None)
        return replace(chunk, reasoning=text, logprobs=None)


def _says_something(chunk: Chunk) -> bool:
    return bool(chunk.text or chunk.reasoning or chunk.tool_calls)


def _parts(chunk: Chunk) -> tuple[Chunk, ...]:
    """The chunk as chunks of one thing each: reasoning, text, calls."""
    parts = (
        Chunk(reasoning=chunk.reasoning, metadata=chunk.metadata),
        Chunk(text=chunk.text, logprobs=chunk.logprobs, metadata=chunk.metadata),
        Chunk(tool_calls=chunk.tool_calls, metadata=chunk.metadata),
    )
    several = tuple(part for part in parts if _says_something(part))
    return several if len(several) > 1 else (chunk,)
