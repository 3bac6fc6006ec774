"""The dispatcher: carries one request from its first route to its one named end.

Runs on:   the request's own thread; its loop turns whenever the response iterator asks for more. Only
           `close` may be called from any.
Receives:  ChunksArrived, AttemptFinished, AttemptFailed from its stream worker; Cancel from anyone.
Sends:     SelectRoutes to the router; what its attempts send.

    open()          routes -> attempts -> the first content in hand, or the error that ends the request
    next_batch()    what arrived since, () when nothing did for a while, None once the stream is over
    close()         the caller is done with us: cancels upstream when the answer is not over

Before the first content an attempt may fail and another begin. After it an answer in plain text that breaks
off is gone on with (`recovery`): attempts are made as in the opening, but for the rest of the answer, and of
that only what is new is passed on. Every way out passes `_conclude`, which names the end, counts it, logs it
and frees the attempt, once.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from random import Random
from typing import TypeVar

from cortex_actors.chat import AnswerEvent, ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.account import Account
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
from cortex_actors.dispatch.opening import Opening, Way
from cortex_actors.dispatch.recovery import Recovery
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.dispatch.witness import UNWITNESSED, Witness
from cortex_actors.errors import (
    AttemptCancelled,
    ContinuationMismatch,
    CortexError,
    InternalError,
    StageError,
    TruncatedStream,
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
    """One request: its routes, its attempts, its limits, its end.

    `delivered` takes a stream over that somebody else led: it is all the text of the answer that the caller
    has, "" when there was none yet. The first attempt is then asked for the rest; a `Recovered` event, with
    the length of that text, comes before the first of what is new, and the end is `recovered`. An answer that
    is more than plain text cannot be taken over: `open` raises TruncatedStream.
    """

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
        witness: Witness = UNWITNESSED,
        delivered: str | None = None,
    ) -> None:
        self._settings = settings
        super().__init__()
        self._on_end = on_end
        self._caller = caller
        self._clock = clock
        self.started = self._last_batch = clock()
        self._recovery = Recovery(settings.recovery, request, delivered)
        self._attempts = Attempts(
            switchboard, self._recovery.request_for, settings.server.window_bytes, self.ref, clock, witness
        )
        self._inbox = Inbox(self, caller, settings.server.caller_check, self.started, clock)
        self._opening = Opening(
            switchboard,
            settings,
            request,
            caller.permission,
            self._attempts,
            self._inbox,
            self._recovery,
            self._tick_at,
            clock,
            random or Random(),
        )
        #: The attempts that are made now, if there is no content to pass on.
        self._way: Way | None = None
        #: What they have brought and nobody has taken yet.
        self._in_hand: Events = ()
        self._account = Account(self._attempts, self._recovery, self.started, clock)
        #: By when whoever reads wants to hear something, if only a sign of life.
        self._wanted_by = math.inf
        self._at_work = threading.Lock()
        self.end: StreamEnd | None = None

    def create_mailbox(self) -> Mailbox:
        """With room for all that a window admits: credit makes a worker wait, and no message is refused."""
        return Mailbox(DEFAULT_BOUND + self._settings.server.window_bytes // EVENT_OVERHEAD)

    @property
    def first_content(self) -> float | None:
        """When the answer began, on its clock; None before that."""
        return self._account.first_content

    @property
    def last_batch(self) -> float:
        """When its caller asked for more the last time, on its clock."""
        return self._last_batch

    @property
    def recoveries(self) -> int:
        """How often the answer was gone on with after it had broken off."""
        return self._recovery.joined

    @property
    def overhead(self) -> float:
        """The time before the attempt that the answer began with, in seconds."""
        return self._account.overhead

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

    def next_batch(self, by: float = math.inf) -> Events | None:
        """What arrived since the last batch; () is a sign of life; None: the stream is over, see `end`.

        The sign of life comes `by` that moment, if that is earlier than a heartbeat.
        """
        if self.end is not None:
            return None
        self._wanted_by = by
        batch = self._turn(self._stream_on)
        self._last_batch = self._clock()
        return batch

    def fail(self, error: StageError) -> None:
        """Ends a stream of which a stage lets nothing more through, also when the provider has said all."""
        with self._at_work:
            self._conclude(end_name(error), error)

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
                told = self._recovery.told(over)
                self._conclude(told.name, told.error)
            except BaseException as bug:
                self._conclude(EndName.UPSTREAM_ERROR, InternalError(), crashed(bug, step.__name__))
                if not isinstance(bug, Exception):
                    raise
                _log.exception("%s crashed", self.name, extra={"request_id": self._caller.request_id})
        return None

    # -- the steps

    def _begin(self) -> None:
        if self._recovery.going_on and not self._recovery.possible:
            broken = TruncatedStream("The answer broke off, and is of a kind that cannot be gone on with.")
            raise Over(EndName.TRUNCATED, broken)
        self._way = self._opening.reach_content()
        while not self._reach_content():
            pass
        self._account.answered()

    def _reach_content(self) -> bool:
        """Goes on with the attempts under way; False when the caller is due a sign of life first."""
        if self._way is not None:
            try:
                next(self._way)
            except StopIteration as reached:
                self._way, self._in_hand = None, reached.value
        return self._way is None

    def _tick_at(self) -> float:
        """When the caller is due a sign of life: never, as long as he has not even a status."""
        if self._account.first_attempt is None:
            return math.inf
        return min(self._last_batch + self._settings.server.heartbeat, self._wanted_by)

    def _stream_on(self) -> Events:
        while self._reach_content():
            attempt = self._attempts.current
            assert attempt is not None
            if self._in_hand:
                events, self._in_hand = self._in_hand, ()
            else:
                idle = attempt.limits.idle
                until = attempt.last_progress + (TAIL if attempt.whole else idle)
                message = self._inbox.next(attempt, until, self._tick_at())
                if message is TICK:
                    break
                if not isinstance(message, ChunksArrived):
                    if attempt.whole or isinstance(message, AttemptFinished):
                        raise Over(EndName.COMPLETE)
                    silence = UpstreamTimeout("idle", idle, provider=attempt.provider.name)
                    self._break_off(attempt, message.error if isinstance(message, AttemptFailed) else silence)
                    continue
                events = self._receive(attempt, message)
            if attempt.goes_on:
                events = self._join(attempt, events)
            if self._recovery.keeping:
                self._recovery.keep(events)
            if events:
                return events
            if self._clock() >= self._tick_at():
                break  # what is said again is not passed on, however long it takes
        return ()

    def _receive(self, attempt: Attempt, message: ChunksArrived) -> Events:
        events, size = self._inbox.gather(attempt, message)
        attempt.window.take(size)
        now = self._clock()
        attempt.note(events, now)
        if not attempt.first_token_told and now - attempt.started > _LONG_ANSWER:
            self._attempts.tell_first_token(attempt)
        return events

    def _join(self, attempt: Attempt, events: Events) -> Events:
        """What of a continuation is new; one that does not fit is a failed attempt."""
        joined = self._recovery.join(attempt, events)
        if not isinstance(joined, ContinuationMismatch):
            return joined
        attempt.finish = None
        self._break_off(attempt, joined)
        return ()

    def _break_off(self, attempt: Attempt, error: CortexError) -> None:
        """The answer ends too early: begins attempts at the rest. Raises Over when there is no way on."""
        recovery = self._recovery
        going_on, progressed = recovery.may_go_on(attempt), recovery.progressed
        otherwise = recovery.asks_otherwise(error)
        self._attempts.settle(error)
        recovery.broke_off(attempt, error)
        if not going_on or recovery.exhausted:
            raise Over(end_name(error), error)
        self._way = self._opening.go_on(attempt, error, progressed=progressed, otherwise=otherwise)

    # -- the end

    def _conclude(self, name: EndName, error: CortexError | None, reason: ExitReason = NORMAL) -> None:
        """Names the end of the stream, once; settles the books and frees everything."""
        if self.end is not None:
            return
        attempt = self._attempts.running
        if attempt is not None and attempt.whole and error is not None and not isinstance(error, StageError):
            # Whatever goes wrong once the provider gave its reason to stop takes nothing from the answer.
            name, error = EndName.COMPLETE, None
        self._way = None
        try:
            self._attempts.settle(None if name is EndName.COMPLETE else error or AttemptCancelled())
            self._inbox.clear()
            if name is EndName.COMPLETE and self._recovery.joined:
                name = EndName.RECOVERED
            self.end = self._account.end(name, error, attempt)
            self._on_end(self.end)
        finally:
            self.finish(reason)
