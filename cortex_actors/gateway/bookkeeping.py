"""The books of requests: every stream is counted once and logged once, under the name of its end.

    book = bookkeeper.open(stream_id, request, caller)
    Dispatcher(..., book.ended, witness=book)

Runs on:   the request's own thread: at each attempt, and at the end of its stream.

Metrics count it, rates and events show it to who looks now, a tracer, if there is one, sends it elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, Usage
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.messages import AttemptRecord, Caller, EndName, RecoveryRecord, StreamEnd
from cortex_actors.errors import ClientError, CortexError, GatewayDraining, InternalError
from cortex_actors.events import EventKind, EventRing
from cortex_actors.gateway.rates import RateMeter
from cortex_actors.gateway.request_trace import RequestTrace
from cortex_actors.metrics import Metrics
from cortex_actors.tracing import Tracer

_log = logging.getLogger(__name__)

#: What went well has its line in the access log already.
_QUIET = (EndName.COMPLETE, EndName.RECOVERED, EndName.CLIENT_GONE)


class Bookkeeper:
    """Keeps the books of all requests."""

    def __init__(
        self,
        metrics: Metrics,
        events: EventRing,
        rates: RateMeter,
        tracer: Tracer | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.metrics = metrics
        self.events = events
        self.rates = rates
        self.tracer = tracer
        self.wall_clock = wall_clock

    def open(
        self,
        stream_id: str,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        forget: Callable[[str], object] = lambda stream_id: None,
    ) -> RequestBook:
        """The book of one request; `forget` is told its id when everything is written down."""
        return RequestBook(self, stream_id, request, caller, forget)

    def refused(self, error: CortexError) -> CortexError:
        """Counts a request that no dispatcher was started for."""
        name = EndName.SHUTDOWN if isinstance(error, GatewayDraining) else EndName.SHED
        self.metrics.stream_ended(None, name, 0.0, None)
        self.rates.enter(name, failed=True)
        self.note_refusal(error)
        return error

    def note_refusal(self, error: CortexError) -> None:
        """Notes that nobody was asked, and why."""
        self.metrics.refused(error.code)
        self.events.often(
            EventKind.REFUSED,
            f"a request was refused: {error.title}",
            subject=error.code,
            level="info" if isinstance(error, ClientError) else "warning",
            code=error.code,
        )


class RequestBook:
    """The book of one request: its `Witness`, and who hears of its end."""

    __slots__ = ("_books", "_caller", "_forget", "_opened", "_overhead", "_trace", "stream_id")

    def __init__(
        self,
        books: Bookkeeper,
        stream_id: str,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        forget: Callable[[str], object],
    ) -> None:
        self.stream_id = stream_id
        self._books = books
        self._caller = caller
        self._forget = forget
        self._opened = books.clock()
        #: Seconds until the first attempt began; None before that.
        self._overhead: float | None = None
        traced = books.tracer is not None
        self._trace = RequestTrace(stream_id, request, caller, books.wall_clock) if traced else None

    def begun(self, attempt: Attempt, after: AttemptRecord | None) -> None:
        """Counts what another attempt means: once more, or somebody else."""
        if self._trace is not None:
            self._trace.begun()
        if after is None:
            self._overhead = max(0.0, attempt.started - self._opened)
            return
        if (after.provider, after.model) == (attempt.provider.name, attempt.route.model):
            self._books.metrics.retried(after.provider)
            self._note(EventKind.RETRY, f"{after.provider} is asked again after {after.outcome}", after)
            return
        self._books.metrics.failed_over(after.provider)
        self._note(
            EventKind.FAILOVER,
            f"{attempt.provider.name} is asked after {after.provider}: {after.outcome}",
            after,
            to=attempt.provider.name,
        )

    def settled(self, attempt: Attempt, record: AttemptRecord) -> None:
        """Counts an attempt."""
        self._books.metrics.attempt_ended(record.provider, record.outcome, attempt.gaps)
        if self._trace is not None:
            self._trace.settled(attempt, record)

    def ended(self, end: StreamEnd) -> None:
        """Counts and logs the stream."""
        books, usage = self._books, end.usage
        books.metrics.stream_ended(
            end.provider, end.name, end.duration, end.ttft, self._overhead, _tokens(usage)
        )
        books.rates.enter(
            end.name,
            failed=_is_failure(end),
            ttft=end.ttft,
            tokens=usage.completion_tokens if usage is not None else 0,
        )
        for recovery in end.recoveries:
            books.metrics.recovered(recovery.provider, recovery.result)
            self._note_recovery(recovery)
        self._log(end)
        if not end.attempts and end.error is not None:
            books.note_refusal(end.error)
        elif _is_failure(end):
            self._note_failure(end)
        if books.tracer is not None and self._trace is not None:
            books.tracer.request_ended(self._trace.told(end))
        self._forget(self.stream_id)

    # -- inside

    def _log(self, end: StreamEnd) -> None:
        _log.log(
            _level(end),
            "stream ended as %s after %.0f ms: %s",
            end.name,
            end.duration * 1000,
            _story(end.attempts) or "nothing was tried",
            extra=self._ids,
        )

    @property
    def _ids(self) -> dict[str, str]:
        return {"stream_id": self.stream_id, "request_id": self._caller.request_id}

    def _note(self, kind: EventKind, text: str, after: AttemptRecord, **fields: str) -> None:
        """Notes an attempt that another one made necessary."""
        self._books.events.often(
            kind,
            text,
            subject=after.provider,
            level="warning",
            model=after.model,
            outcome=after.outcome,
            status=after.status,
            **fields,
            **self._ids,
        )

    def _note_recovery(self, recovery: RecoveryRecord) -> None:
        """Notes an attempt to go on with an answer that had broken off."""
        self._books.events.often(
            EventKind.RECOVERY,
            f"{recovery.provider} was asked for the rest of an answer: {recovery.result}",
            subject=f"{recovery.provider} {recovery.result}",
            level="info" if recovery.result == "joined" else "warning",
            model=recovery.model,
            attempt=recovery.attempt,
            offset=recovery.offset,
            **self._ids,
        )

    def _note_failure(self, end: StreamEnd) -> None:
        self._books.events.often(
            EventKind.STREAM_FAILED,
            f"a stream of {end.provider} ended as {end.name}",
            subject=f"{end.provider} {end.name}",
            level="warning",
            provider=end.provider,
            end=end.name,
            code=end.error.code if end.error is not None else None,
            attempts=len(end.attempts),
            **self._ids,
        )


def _is_failure(end: StreamEnd) -> bool:
    """Whether somebody should have done better; a caller that left, or asked for nonsense, did it himself."""
    return end.name not in _QUIET and not isinstance(end.error, ClientError)


def _level(end: StreamEnd) -> int:
    """By whose fault it ended: nobody's, the caller's, a provider's, ours."""
    if end.name in _QUIET:
        return logging.DEBUG
    if isinstance(end.error, InternalError):
        return logging.ERROR
    of_caller = end.name is EndName.SLOW_CLIENT or isinstance(end.error, ClientError)
    return logging.INFO if of_caller else logging.WARNING


def _tokens(usage: Usage | None) -> dict[str, int]:
    """Token counts by kind, those that the provider gave."""
    if usage is None:
        return {}
    told = {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": usage.cached_tokens,
        "reasoning": usage.reasoning_tokens,
    }
    return {kind: number for kind, number in told.items() if number}


def _story(attempts: tuple[AttemptRecord, ...]) -> str:
    """What was tried, in order: `groq-primary 503 upstream_failure 12 ms, then ...`."""
    return ", then ".join(
        f"{attempt.provider} {attempt.status or ''} {attempt.outcome} {attempt.milliseconds} ms".replace(
            "  ", " "
        )
        for attempt in attempts
    )
