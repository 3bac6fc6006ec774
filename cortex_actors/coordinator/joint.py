"""The joint: the attempts of one stream as one answer, in which everything is said once.

The first attempt passes as it is. Of a further one the text passes its seam; its thoughts are about going on,
and are left out where somebody had words or thoughts before.

Runs on:   the thread of whoever takes the answer.

Imports:   chat, streaming (the seam).
"""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from cortex_actors.chat import AnswerEvent, Chunk, Finish
from cortex_actors.streaming.recovery import Seam, State


class Joint:
    """What was said so far, and what of the next event is new."""

    def __init__(self) -> None:
        self._said = StringIO()
        self._seam: Seam | None = None
        self._keeps_thoughts = True
        self._thought = False
        #: Whether the answer has calls in it, which nobody else can go on with.
        self.called_tools = False

    @property
    def said(self) -> str:
        """All the text that went on."""
        return self._said.getvalue()

    @property
    def diverged(self) -> bool:
        """Whether the running attempt tells something else than was told before."""
        return self._seam is not None and self._seam.state is State.DIVERGED

    def begin(self, seam: Seam) -> None:
        """A further attempt begins."""
        self._seam = seam
        self._keeps_thoughts = not self._thought and not self._said.tell()

    def add(self, event: AnswerEvent) -> tuple[AnswerEvent, ...]:
        """What of an event is new. A reason to stop brings along what its attempt had left to say."""
        if isinstance(event, Finish):
            rest = self.rest()
            return rest if self.diverged else (*rest, event)
        return self._new_in(event) if isinstance(event, Chunk) else (event,)

    def rest(self) -> tuple[Chunk, ...]:
        """What was held back until the attempt was over."""
        rest = "" if self._seam is None else self._seam.finish()
        self._said.write(rest)
        return (Chunk(rest),) if rest else ()

    def _new_in(self, chunk: Chunk) -> tuple[Chunk, ...]:
        if self._seam is not None:
            reasoning = chunk.reasoning if self._keeps_thoughts else ""
            chunk = replace(chunk, text=self._seam.feed(chunk.text), reasoning=reasoning)
            if not (chunk.text or chunk.reasoning or chunk.tool_calls):
                return ()
        self._said.write(chunk.text)
        self._thought = self._thought or bool(chunk.reasoning)
        self.called_tools = self.called_tools or bool(chunk.tool_calls)
        return (chunk,)
