"""The dispatcher: carries one request from its first route to its one named end.

Runs on:   the request's own thread; its loop turns whenever the response iterator asks for more.
Receives:  ChunksArrived, AttemptFinished, AttemptFailed from its stream worker; Cancel from anyone.
Sends:     SelectRoutes to the router; AdmitAttempt, FirstToken and Outcome to a provider's worker;
           Go to a stream worker.

    open()          routes -> attempts -> the first content in hand, or the error that ends the request
    next_batch()    what arrived since, () when nothing did for a while, None once the stream is over
    close()         the caller is done with us: cancels upstream when the answer is not over

Before the first content an attempt may fail and another begin; after it there is no way back. Every way out
passes `_conclude`, which names the end, counts it, logs it and frees the attempt, once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from random import Random

from cortex_actors.chat import AnswerEvent, ChatRequest, FinishReason, RequestLimits
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.channel import Channel, Window
from cortex_actors.dispatch.ends import end_name
from cortex_actors.dispatch.limits import StreamLimits, stream_limits
from cortex_actors.dispatch.messages import (
    Admission,
    AttemptFailed,
    AttemptFinished,
    AttemptRecord,
    Caller,
    Cancel,
    ChunksArrived,
    EndName,
    FirstToken,
    NotAdmitted,
    Outcome,
    Route,
    Routes,
    SelectRoutes,
    StreamEnd,
)
from cortex_actors.dispatch.plan import AttemptPlan, GiveUp, Step
from cortex_actors.dispatch.provider import Provider
from cortex_actors.dispatch.refusals import refusal
from cortex_actors.dispatch.stream_worker import Go, StreamWorker
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    GatewayBusy,
    GatewayDraining,
    InternalError,
    InvalidRequest,
    MalformedStream,
    NoWorkersAvailable,
    UpstreamError,
    UpstreamTimeout,
)
from cortex_actors.otp.actor import HostedActor, cast
from cortex_actors.otp.errors import MaxChildren, NotAccepting
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.settings import Settings

Events = tuple[AnswerEvent, ...]

#: How long usage and the end of the body may take once the provider gave its reason to stop, in seconds.
_TAIL = 2.0

#: An answer that runs for longer tells its provider's books that it has begun, in seconds. A short one saves
#: the message: its outcome says the same a moment later.
_LONG_ANSWER = 1.0

_TICK = object()
_OF_AN_ATTEMPT = (ChunksArrived, AttemptFinished, AttemptFailed)


class _Over(Exception):
    """Unwinds to `_conclude`: the request is over, under this name."""

    def __init__(self, name: EndName, error: CortexError | None) -> None:
        super().__init__(name)
        self.name = name
        self.error = error


def _ended_from_outside(reason: ExitReason) -> _Over:
    """The end of a stream whose dispatcher was stopped or killed by somebody else."""
    if reason.kind is ExitKind.SHUTDOWN:
        return _Over(EndName.SHUTDOWN, GatewayDraining("The gateway shut down before the answer was over."))
    return _Over(
        EndName.UPSTREAM_ERROR, InternalError("The part of the gateway that led this stream failed.")
    )


class Dispatcher(HostedActor):
    """One request: its routes, its attempts, its limits, its end."""

    def __init__(
        self,
        switchboard: Switchboard,
        settings: Settings,
        request: ChatRequest,
        caller: Caller,
        on_end: Callable[[StreamEnd], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        self._switchboard = switchboard
        self._settings = settings
        self._request = request
        self._caller = caller
        self._on_end = on_end
        self._clock = clock
        self._random = random or Random()
        self._tighter: tuple[RequestLimits, ...] = (request.limits,)
        self._held: list[AnswerEvent] = []
        self._set_aside: object | None = None
        self._attempt: Attempt | None = None
        self.started = self._last_batch = clock()
        self.attempts: list[AttemptRecord] = []
        self.end: StreamEnd | None = None

    @property
    def attempt(self) -> Attempt | None:
        """The running attempt, or the last one."""
        return self._attempt

    # -- what the request's thread asks for

    def open(self) -> None:
        """Goes on until the first content is in hand. Raises the CortexError that ends the request."""
        try:
            self._reach_content(self._routes())
        except _Over as over:
            end = self._conclude(over.name, over.error)
            raise end.error or AttemptCancelled("The caller left.") from over

    def next_batch(self) -> Events | None:
        """What arrived since the last batch; () is a sign of life; None: the stream is over, see `end`."""
        if self.end is not None:
            return None
        try:
            batch = self._stream_on()
        except _Over as over:
            self._conclude(over.name, over.error)
            return None
        self._last_batch = self._clock()
        return batch

    def close(self) -> None:
        """Ends a stream whose caller takes no more; nothing happens to one that is over already."""
        stalled = self._clock() - self._last_batch >= self._settings.server.write_timeout
        self._conclude(EndName.SLOW_CLIENT if stalled else EndName.CLIENT_GONE, None)

    # -- before the first content: routes and attempts

    def _routes(self) -> Routes:
        asked = SelectRoutes(self._request.model, self._request.provider, self._request.fallbacks)
        try:
            routes = self._switchboard.select(asked)
        except CortexError as error:
            raise _Over(EndName.SHED, error) from error
        self._tighter = (routes.limits, self._request.limits)
        return routes

    def _reach_content(self, routes: Routes) -> None:
        plan = AttemptPlan(routes.routes, self._settings.retry, self._random, routes.larger)
        step: Step | None = plan.first()
        while step is not None:
            if isinstance(step, GiveUp):
                raise _Over(end_name(step.error), step.error)
            if step.pause:
                self._next(self._clock() + step.pause)
            step = self._try(step.route, plan)

    def _try(self, route: Route, plan: AttemptPlan) -> Step | None:
        """One attempt up to its first content; None when that is in hand, else what to do next."""
        provider = self._switchboard.provider(route.provider)
        try:
            admission = self._switchboard.admit(provider, route.model)
        except NoWorkersAvailable as error:
            return plan.not_admitted(route, error, None)
        if isinstance(admission, NotAdmitted):
            return plan.not_admitted(route, refusal(admission, provider.name), admission.retry_in)
        attempt = self._begin(provider, route, admission)
        if isinstance(attempt, CortexError):
            self._switchboard.tell(provider, Outcome(admission, AttemptCancelled(), None, 0.0))
            return plan.not_admitted(route, attempt, None)
        failure = self._await_content(attempt)
        if failure is None:
            return None
        self._settle(attempt, failure)
        return plan.failed(route, admission, failure)

    def _begin(self, provider: Provider, route: Route, admission: Admission) -> Attempt | CortexError:
        """Starts an attempt; an error as a value says why none could be started."""
        number, limits = len(self.attempts) + 1, self._limits_at(provider)
        window = Window(self._settings.server.window_bytes)
        try:
            exchange = provider.transport.exchange(
                provider.adapter.build_request(self._request, model=route.model, key=admission.key.reveal()),
                connect_timeout=limits.connect,
                read_timeout=max(limits.first_token, limits.idle) + _TAIL,
            )
            worker = provider.streams.start_child(
                StreamWorker, provider.adapter, exchange, Channel(self.actor_ref, number, window)
            )
        except InvalidRequest as error:
            return error
        except (MaxChildren, NotAccepting):
            return GatewayBusy(f"{provider.name} has no free stream.")
        self._attempt = attempt = Attempt(
            number, route, provider, admission, exchange, window, self._clock(), model=route.model
        )
        cast(worker, Go())
        return attempt

    def _await_content(self, attempt: Attempt) -> CortexError | None:
        """Holds what arrives until there is content; the error, when the attempt ends before that."""
        limits = self._limits_at(attempt.provider)
        self._held.clear()
        while True:
            message = self._next(attempt.started + limits.first_token)
            if isinstance(message, ChunksArrived):
                self._held.extend(message.events)
                attempt.window.take(message.size)
                if attempt.note(message.events, self._clock()):
                    if attempt.admission.permit.is_probe:
                        self._tell_first_token(attempt)
                    return None
            elif isinstance(message, AttemptFailed):
                return message.error
            elif isinstance(message, AttemptFinished):
                if attempt.finish is not FinishReason.CONTENT_FILTER:
                    return MalformedStream("The provider ended its answer without saying anything.")
                self._set_aside = message
                return None  # a model's refusal is an answer, and nobody else is asked
            else:
                return UpstreamTimeout("first_token", limits.first_token, provider=attempt.provider.name)

    def _tell_first_token(self, attempt: Attempt) -> None:
        attempt.first_token_told = True
        self._switchboard.tell(attempt.provider, FirstToken(attempt.admission))

    # -- after it: one stream, no way back

    def _stream_on(self) -> Events:
        attempt = self._attempt
        assert attempt is not None
        if self._held:
            batch, self._held = tuple(self._held), []
            return batch
        patience = _TAIL if attempt.finish else self._limits_at(attempt.provider).idle
        message = self._next(
            attempt.last_content + patience, self._last_batch + self._settings.server.heartbeat
        )
        if isinstance(message, ChunksArrived):
            return self._gather(attempt, message)
        if message is _TICK:
            return ()
        if not attempt.finish:
            if isinstance(message, AttemptFailed):
                raise _Over(end_name(message.error), message.error)
            if message is None:
                silence = UpstreamTimeout("idle", patience, provider=attempt.provider.name)
                raise _Over(EndName.IDLE_TIMEOUT, silence)
        raise _Over(EndName.COMPLETE, None)

    def _gather(self, attempt: Attempt, message: ChunksArrived) -> Events:
        """This message's events and those of every one behind it that is there already: one write."""
        events = message.events
        attempt.window.take(message.size)
        while self.mailbox.depth and self._set_aside is None:
            behind = self.receive(0.0)
            if isinstance(behind, ChunksArrived) and behind.attempt == attempt.number:
                events += behind.events
                attempt.window.take(behind.size)
            else:
                self._set_aside = behind
        now = self._clock()
        attempt.note(events, now)
        if not attempt.first_token_told and now - attempt.started > _LONG_ANSWER:
            self._tell_first_token(attempt)
        return events

    # -- waiting

    def _next(self, deadline: float, tick_at: float = math.inf) -> object | None:
        """The next message of the running attempt; None at the deadline, `_TICK` when it is time for one.

        Between slices it looks at the caller, who may have left without a word.
        """
        total = stream_limits(self._settings.limits, *self._tighter).total
        until = min(deadline, tick_at, self.started + total)
        while True:
            now = self._clock()
            if now >= self.started + total:
                raise _Over(EndName.TOTAL_TIMEOUT, UpstreamTimeout("total", total))
            message = self._message(min(self._settings.server.caller_check, max(0.0, until - now)))
            if isinstance(message, Cancel):
                raise _Over(message.end, message.error)
            if isinstance(message, _OF_AN_ATTEMPT):
                if self._attempt is not None and message.attempt == self._attempt.number:
                    self._attempt.worker_done = not isinstance(message, ChunksArrived)
                    return message
            elif self.exit_reason is not None:
                raise _ended_from_outside(self.exit_reason)
            elif self._caller.gone():
                raise _Over(EndName.CLIENT_GONE, None)
            elif self._clock() >= deadline:
                return None
            elif self._clock() >= tick_at:
                return _TICK

    def _message(self, timeout: float) -> object | None:
        message, self._set_aside = self._set_aside, None
        return self.receive(timeout) if message is None else message

    # -- the end

    def _conclude(self, name: EndName, error: CortexError | None) -> StreamEnd:
        """Names the end of the stream, once; settles the books and frees everything."""
        if self.end is not None:
            return self.end
        attempt = self._attempt
        if attempt is not None and attempt.running:
            self._settle(attempt, None if name is EndName.COMPLETE else error or AttemptCancelled())
        if error is not None:
            error.attempts = tuple(self.attempts)
        self.end = StreamEnd(
            name=name,
            error=error,
            finish=attempt.finish if attempt and error is None else None,
            usage=attempt.usage if attempt else None,
            provider=attempt.provider.name if attempt else None,
            model=attempt.model if attempt else None,
            attempts=tuple(self.attempts),
            ttft=attempt.first_content - self.started if attempt and attempt.first_content else None,
            duration=self._clock() - self.started,
        )
        self._on_end(self.end)
        self.finish()
        return self.end

    def _settle(self, attempt: Attempt, error: CortexError | None) -> None:
        """Ends an attempt: frees its worker unless that is done, records it, tells the provider's books."""
        if error is not None or not attempt.worker_done:
            attempt.cancel()
        attempt.running = False
        now = self._clock()
        self.attempts.append(attempt.record(error, now))
        blamed = error if isinstance(error, UpstreamError) and error.code != "total_timeout" else None
        verdict = None if error is None else blamed or AttemptCancelled()
        self._switchboard.tell(attempt.provider, attempt.outcome(verdict, now))

    def _limits_at(self, provider: Provider) -> StreamLimits:
        return stream_limits(provider.settings.limits, *self._tighter)
