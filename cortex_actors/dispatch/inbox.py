"""A dispatcher's inbox: the next message of the attempt that runs, and everything that can end a wait for it.

    next(attempt, deadline)    that message; None at the deadline, TICK when it is time for a sign of life
    gather(attempt, first)     the events of one message and of those that are there already: one write

Runs on:   the request's thread, which it blocks.
Raises:    Over, when the wait was the last one: the total limit passed, somebody sent Cancel, the caller
           left, or the dispatcher itself was stopped or killed.

What an attempt that is over still says is dropped here: its number is not the running one's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cortex_actors.chat import AnswerEvent
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.ends import Over, ended_from_outside
from cortex_actors.dispatch.messages import (
    AttemptFailed,
    AttemptFinished,
    Caller,
    Cancel,
    ChunksArrived,
    EndName,
)
from cortex_actors.errors import UpstreamTimeout
from cortex_actors.otp.actor import HostedActor

#: The answer of `next` when it is time for a sign of life.
TICK = object()

_OF_AN_ATTEMPT = (ChunksArrived, AttemptFinished, AttemptFailed)


class Inbox:
    """What one dispatcher hears."""

    def __init__(
        self,
        dispatcher: HostedActor,
        caller: Caller,
        caller_check: float,
        started: float,
        clock: Callable[[], float],
    ) -> None:
        self._dispatcher = dispatcher
        self._caller = caller
        self._caller_check = caller_check
        self._started = started
        self._clock = clock
        self._put_back: object | None = None
        #: Seconds for the whole request while no attempt runs; one that runs brings its provider's.
        self.total = math.inf

    def next(self, attempt: Attempt | None, deadline: float, tick_at: float = math.inf) -> object | None:
        """Waits. Between slices it looks at the caller, who may have left without a word."""
        total = self.total if attempt is None else attempt.limits.total
        until = min(deadline, tick_at, self._started + total)
        while True:
            now = self._clock()
            if now >= self._started + total:
                raise Over(EndName.TOTAL_TIMEOUT, UpstreamTimeout("total", total))
            message = self._message(min(self._caller_check, max(0.0, until - now)))
            if isinstance(message, Cancel):
                raise Over(message.end, message.error, from_outside=True)
            if isinstance(message, _OF_AN_ATTEMPT):
                if attempt is not None and message.attempt == attempt.number:
                    attempt.worker_done = not isinstance(message, ChunksArrived)
                    return message
            elif self._dispatcher.exit_reason is not None:
                raise ended_from_outside(self._dispatcher.exit_reason)
            elif self._caller.gone():
                raise Over(EndName.CLIENT_GONE, from_outside=True)
            elif self._clock() >= deadline:
                return None
            elif self._clock() >= tick_at:
                return TICK

    def put_back(self, message: object) -> None:
        """Gives a message back, to be the next one."""
        self._put_back = message

    def gather(self, attempt: Attempt, first: ChunksArrived) -> tuple[tuple[AnswerEvent, ...], int]:
        """Events, and what they weigh in the window.

        Never more than a window holds, however fast the provider is: what it adds meanwhile waits.
        """
        events, size = list(first.events), first.size
        while size < attempt.window.limit and self._dispatcher.mailbox.depth:
            behind = self._dispatcher.receive(0.0)
            if not isinstance(behind, ChunksArrived) or behind.attempt != attempt.number:
                self._put_back = behind
                break
            events += behind.events
            size += behind.size
        return tuple(events), size

    def clear(self) -> None:
        """Reads away what nobody wants any more, so that it does not count as lost letters."""
        while self._dispatcher.mailbox.depth:
            self._dispatcher.receive(0.0)

    def _message(self, timeout: float) -> object | None:
        message, self._put_back = self._put_back, None
        return self._dispatcher.receive(timeout) if message is None else message
