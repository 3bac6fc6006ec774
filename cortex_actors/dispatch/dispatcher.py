"""The dispatcher: carries one request from its first route to its one named end.

Runs on:   the request's own thread; its loop turns whenever the response iterator asks for more. Only
           `close` may be called from any.
Receives:  ChunksArrived, AttemptFinished, AttemptFailed from its stream worker; Cancel from anyone.
Sends:     SelectRoutes to the router; what its attempts send.

    open()          routes -> attempts -> the first content in hand, or the error that ends the request
    next_batch()    what arrived since, () when nothing did for a while, None once the stream is over
    close()         the caller is done with us: cancels upstream when the answer is not over

Before the first content an attempt may fail and another begin; after it there is no way back. Every way out
passes `_conclude`, which names the end, counts it, logs it and frees the attempt, once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from random import Random
from typing import TypeVar

from cortex_actors.chat import AnswerEvent, ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.attempts import TAIL, Attempts
from cortex_actors.dispatch.channel import EVENT_OVERHEAD
from cortex_actors.dispatch.ends import Over, end_name
from cortex_actors.dispatch.inbox import TICK, Inbox
from cortex_actors.dispatch.messages import (
    AttemptFailed,
    AttemptFinished,
    AttemptRecord,
    Caller,
    Cancel,
    ChunksArrived,
    EndName,
    StreamEnd,
)
from cortex_actors.dispatch.opening import Opening
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    InternalError,
    UpstreamTimeout,
)
from cortex_actors.otp.actor import HostedActor, cast
from cortex_actors.otp.mailbox import DEFAULT_BOUND, Mailbox
from cortex_actors.otp.reasons import NORMAL, ExitReason, crashed
from cortex_actors.settings import Settings

_log = logging.getLogger(__name__)

Events = tuple[AnswerEvent, ...]
T = TypeVar("T")

#: An answer that runs for longer tells its provider's books that it has begun, in seconds. A short one saves
#: the message: its outcome says the same a moment later.
_LONG_ANSWER = 1.0


class Dispatcher(HostedActor):
    """One request: its routes, its attempts, its limits, its end."""

    def __init__(
        self,
        switchboard: Switchboard,
        settings: Settings,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        on_end: Callable[[StreamEnd], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self._settings = settings
        super().__init__()
        self._on_end = on_end
        self._clock = clock
        self.started = self._last_batch = clock()
        self._attempts = Attempts(switchboard, request, settings.server.window_bytes, self.ref, clock)
        self._inbox = Inbox(self, caller, settings.server.caller_check, self.started, clock)
        self._opening = Opening(
            switchboard, settings, request, self._attempts, self._inbox, clock, random or Random()
        )
        #: What the opening has brought and nobody has taken yet.
        self._in_hand: Events = ()
        self._at_work = threading.Lock()
        self.end: StreamEnd | None = None

    def create_mailbox(self) -> Mailbox:
        """With room for all that a window admits: credit makes a worker wait, and no message is refused."""
        return Mailbox(DEFAULT_BOUND + self._settings.server.window_bytes // EVENT_OVERHEAD)

    @property
    def attempt(self) -> Attempt | None:
        """The running attempt, or the last one."""
        return self._attempts.current

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """The attempts that are over."""
        return tuple(self._attempts.records)

    # -- what the request's thread asks for

    def open(self) -> None:
        """Goes on until the first content is in hand. Raises the CortexError that ends the request."""
        self._turn(self._begin)
        if self.end is not None:
            raise self.end.error or AttemptCancelled("The caller left.")

    def next_batch(self) -> Events | None:
        """What arrived since the last batch; () is a sign of life; None: the stream is over, see `end`."""
        if self.end is not None:
            return None
        batch = self._turn(self._stream_on)
        self._last_batch = self._clock()
        return batch

    def close(self) -> None:
        """Ends a stream whose caller takes no more, from any thread; one that is over stays as it ended."""
        stalled = self._clock() - self._last_batch >= self._settings.server.write_timeout
        name = EndName.SLOW_CLIENT if stalled else EndName.CLIENT_GONE
        if not self._at_work.acquire(blocking=False):
            cast(self.ref, Cancel(name))  # the request's thread is inside, and will hear of it
            return
        try:
            self._conclude(name, None)
        finally:
            self._at_work.release()

    def _turn(self, step: Callable[[], T]) -> T | None:
        """Takes a step; when it turns out to be the last one, the request is concluded, whatever ended it."""
        with self._at_work:
            try:
                return step()
            except Over as over:
                self._conclude(over.name, over.error)
            except BaseException as bug:
                self._conclude(EndName.UPSTREAM_ERROR, InternalError(), crashed(bug, step.__name__))
                if not isinstance(bug, Exception):
                    raise
                _log.exception("%s crashed", self.name)
        return None

    # -- the steps

    def _begin(self) -> None:
        self._in_hand = self._opening.reach_content()

    def _stream_on(self) -> Events:
        attempt = self._attempts.current
        assert attempt is not None
        if self._in_hand:
            batch, self._in_hand = self._in_hand, ()
            return batch
        idle = attempt.limits.idle
        message = self._inbox.next(
            attempt,
            attempt.last_progress + (TAIL if attempt.whole else idle),
            self._last_batch + self._settings.server.heartbeat,
        )
        if isinstance(message, ChunksArrived):
            return self._pass_on(attempt, message)
        if message is TICK:
            return ()
        if attempt.whole or isinstance(message, AttemptFinished):
            raise Over(EndName.COMPLETE)
        if isinstance(message, AttemptFailed):
            raise Over(end_name(message.error), message.error)
        raise Over(EndName.IDLE_TIMEOUT, UpstreamTimeout("idle", idle, provider=attempt.provider.name))

    def _pass_on(self, attempt: Attempt, message: ChunksArrived) -> Events:
        events, size = self._inbox.gather(attempt, message)
        attempt.window.take(size)
        now = self._clock()
        attempt.note(events, now)
        if not attempt.first_token_told and now - attempt.started > _LONG_ANSWER:
            self._attempts.tell_first_token(attempt)
        return events

    # -- the end

    def _conclude(self, name: EndName, error: CortexError | None, reason: ExitReason = NORMAL) -> None:
        """Names the end of the stream, once; settles the books and frees everything."""
        if self.end is not None:
            return
        attempt = self._attempts.running
        if attempt is not None and attempt.whole and error is not None:
            # Whatever goes wrong once the provider gave its reason to stop takes nothing from the answer.
            name, error = EndName.COMPLETE, None
        try:
            self._attempts.settle(None if name is EndName.COMPLETE else error or AttemptCancelled())
            self._inbox.clear()
            self.end = self._account(name, error)
            self._on_end(self.end)
        finally:
            self.finish(reason)

    def _account(self, name: EndName, error: CortexError | None) -> StreamEnd:
        attempt = self._attempts.current
        first_content = attempt.first_content if attempt else None
        if error is not None:
            error.attempts = self.attempts
        return StreamEnd(
            name=name,
            error=error,
            finish=attempt.finish if attempt and error is None else None,
            usage=attempt.usage if attempt else None,
            provider=attempt.provider.name if attempt else None,
            model=attempt.model if attempt else None,
            attempts=self.attempts,
            ttft=None if first_content is None else first_content - self.started,
            duration=self._clock() - self.started,
        )
