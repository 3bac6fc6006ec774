"""A joint: one continuation on its way to the caller, who has the beginning of the answer already.

    text             through the seam: only what is new
    reasoning        only where there was neither text nor reasoning before: it is told once
    tool calls       as they are; they end what may still be a repetition
    token counts     with those of the attempts before, once the continuation has joined
    `Recovered`      before the first of all that

Runs on:   the request's own thread, as a part of its dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cortex_actors.chat import AnswerEvent, Chunk, Finish, Recovered, ThoughtSeal, Usage
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.errors import ContinuationMismatch
from cortex_actors.streaming.recovery import Continuation, Manner, Seam, State

Events = tuple[AnswerEvent, ...]


class Joint:
    """One continuation."""

    def __init__(
        self, asked: Continuation, offset: int, *, thought: bool, total: Callable[[Usage], Usage]
    ) -> None:
        self.manner: Manner = asked.manner
        self._seam = Seam(asked)
        #: How much text the caller has, and whether anything at all.
        self._offset = offset
        self._fresh = not offset and not thought
        self._total = total
        #: It has given something new.
        self.announced = False

    def pass_on(self, attempt: Attempt, events: Events) -> Events | ContinuationMismatch:
        """What of these events the caller is to have; or that they belong to another answer."""
        new: list[AnswerEvent] = []
        for event in events:
            found = tuple(self._new(event))
            if self._seam.state is State.DIVERGED:
                said = "The provider told another answer."
                return ContinuationMismatch(said, provider=attempt.provider.name)
            if found and not self.announced:
                self.announced = True
                new.append(Recovered(attempt.provider.name, attempt.model, self._offset, attempt.number))
            new += found
        return tuple(new)

    def _new(self, event: AnswerEvent) -> Iterator[AnswerEvent]:
        match event:
            case Chunk():
                text = self._seam.feed(event.text)
                if event.tool_calls or event.logprobs:
                    text += self._seam.finish()
                reasoning = event.reasoning if self._fresh else ""
                if text or reasoning or event.tool_calls:
                    yield replace(event, text=text, reasoning=reasoning)
            case Finish():
                if rest := self._seam.finish():
                    yield Chunk(rest)
                yield event
            case ThoughtSeal():
                if self._fresh:
                    yield event
            case Usage():
                if self.announced:
                    yield self._total(event)
            case _:
                if self.announced:
                    yield event
