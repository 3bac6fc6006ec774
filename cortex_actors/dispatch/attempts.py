"""The attempts of one request, one after another: begun, settled, and kept as its story.

    begin(route)       admission -> exchange -> stream worker -> an Attempt, or why none could be made
    settle(error)      fences it, frees its worker, records it, and tells the provider's books, once

Runs on:   the request's thread alone.
Sends:     AdmitAttempt, FirstToken and Outcome to a provider's worker; Go to a stream worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, RequestLimits
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.channel import Channel, Window
from cortex_actors.dispatch.limits import stream_limits
from cortex_actors.dispatch.messages import Admission, AttemptRecord, FirstToken, NotAdmitted, Outcome, Route
from cortex_actors.dispatch.provider import Provider
from cortex_actors.dispatch.refusals import refusal
from cortex_actors.dispatch.stream_worker import Go, StreamWorker
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.dispatch.witness import UNWITNESSED, Witness
from cortex_actors.errors import (
    AttemptCancelled,
    CortexError,
    GatewayBusy,
    InvalidRequest,
    UpstreamError,
)
from cortex_actors.otp.actor import ActorRef, cast
from cortex_actors.otp.errors import MaxChildren, NotAccepting, StartError
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.providers.reason_text import without
from cortex_actors.providers.speech import speech
from cortex_actors.resilience.key_ring import Key

#: How long usage and the end of the body may take once the provider gave its reason to stop, in seconds.
TAIL = 2.0

#: How long a provider's actors need to be there again when one of them fell, at most, in seconds.
_RECOVERY = 0.1


@dataclass(frozen=True, slots=True)
class NotBegun:
    """No attempt could be made, and nothing was sent; `retry_in` is seconds, None for not in our time."""

    error: CortexError
    retry_in: float | None = None


class Attempts:
    """Makes the attempts of one request."""

    def __init__(
        self,
        switchboard: Switchboard,
        ask: Callable[[Provider, str], ChatRequest | EmbeddingsRequest],
        window_bytes: int,
        dispatcher: ActorRef[Any],
        clock: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> None:
        self._switchboard = switchboard
        #: What to ask a provider, and this model of it.
        self._ask = ask
        self._window_bytes = window_bytes
        self._dispatcher = dispatcher
        self._clock = clock
        self._witness = witness
        #: The attempts that are over.
        self.records: list[AttemptRecord] = []
        #: The running attempt, or the last one.
        self.current: Attempt | None = None

    @property
    def _name(self) -> str:
        """What the dispatcher is called among its siblings: its stream workers are told apart by it."""
        return incarnation_of(self._dispatcher).name.rpartition("/")[2]

    @property
    def running(self) -> Attempt | None:
        """The attempt that has not been settled yet."""
        return self.current if self.current is not None and self.current.running else None

    def begin(
        self, route: Route, tighter: tuple[RequestLimits, ...], *, in_need: bool = False
    ) -> Attempt | NotBegun:
        """Makes an attempt, under its provider's limits or tighter ones; its worker begins at once."""
        try:
            provider = self._switchboard.provider(route.provider)
            admission = self._switchboard.admit(provider, route.model, in_need=in_need)
        except CortexError as error:
            return NotBegun(error)
        if isinstance(admission, NotAdmitted):
            return NotBegun(refusal(admission, provider.name), admission.retry_in)
        provider = admission.provider or provider  # a reload may have come in between
        begun: Attempt | NotBegun | None = None
        try:
            begun = self._start(provider, route, admission, tighter)
        finally:
            if not isinstance(begun, Attempt):
                self._switchboard.tell(provider, Outcome(admission, AttemptCancelled(), None, 0.0))
        if isinstance(begun, Attempt):
            self.current = begun
            self._witness.begun(begun, self.records[-1] if self.records else None)
        return begun

    def tell_first_token(self, attempt: Attempt) -> None:
        """Tells the provider's books that content came, before the answer is over."""
        attempt.first_token_told = True
        self._switchboard.tell(attempt.provider, FirstToken(attempt.admission))

    def settle(self, error: CortexError | None) -> None:
        """Ends the running attempt, if there is one; the error is None for a whole answer."""
        attempt = self.running
        if attempt is None:
            return
        if error is not None or not attempt.worker_done:
            attempt.cancel()
        attempt.running = False
        _hide_key(error, attempt.admission.key)
        now = self._clock()
        self.records.append(attempt.record(error, now))
        self._witness.settled(attempt, self.records[-1])
        self._switchboard.tell(attempt.provider, attempt.outcome(_verdict(error), now))

    def _start(
        self, provider: Provider, route: Route, admission: Admission, tighter: tuple[RequestLimits, ...]
    ) -> Attempt | NotBegun:
        number, window = len(self.records) + 1, Window(self._window_bytes)
        limits = stream_limits(provider.settings.limits, *tighter)
        try:
            request = self._ask(provider, route.model)
            said = speech(provider.adapter, request, model=route.model, key=admission.key.reveal())
        except InvalidRequest as error:
            return NotBegun(error)  # this dialect cannot carry it, another may
        exchange = provider.transport.exchange(
            said.request,
            connect_timeout=limits.connect,
            read_timeout=max(limits.first_token, limits.idle) + TAIL,
        )
        try:
            worker = provider.streams.start_child(
                StreamWorker,
                *(said.reader, exchange, Channel(self._dispatcher, number, window)),
                name=f"{self._name}-{number}",
            )
        except NotAccepting:
            return NotBegun(GatewayBusy(f"{provider.name} is recovering."), _RECOVERY)
        except (MaxChildren, StartError):
            return NotBegun(GatewayBusy(f"{provider.name} has no free stream."))
        cast(worker, Go())
        return Attempt(
            number,
            route,
            provider,
            admission,
            exchange,
            window,
            limits,
            self._clock(),
            model=route.model,
            dropped=said.dropped,
        )


def _hide_key(error: CortexError | None, key: Key) -> None:
    """A provider may quote the key that it was asked with; only here is known what it looks like."""
    text = key.reveal()
    if text and isinstance(error, UpstreamError) and error.details:
        error.details = without(error.details, text)
        error.args = (error.details,)


def _verdict(error: CortexError | None) -> UpstreamError | None:
    """How the provider's books call it: what others ended, and a request that ran out of time, is neutral."""
    if isinstance(error, UpstreamError) and error.code != "total_timeout":
        return error
    return None if error is None else AttemptCancelled()
