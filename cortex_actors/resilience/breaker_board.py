"""A provider's breakers: one for the provider as a whole, one for each model it was asked for.

A failed connection says something about the provider, so it counts in both; everything else that goes wrong
is held against the model alone, and shows at the same time that the provider can be reached. An attempt needs
the consent of both breakers, and is the probe of each that is half open.

May import: breaker_states, circuit_breaker, policy, errors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from random import Random
from types import MappingProxyType

from cortex_actors.errors import (
    AttemptCancelled,
    FailureClass,
    UpstreamConnectError,
    UpstreamError,
    UpstreamTimeout,
)
from cortex_actors.resilience.breaker_states import (
    BreakerState,
    BreakerView,
    Mode,
    Ticket,
    Transition,
    reachable,
)
from cortex_actors.resilience.circuit_breaker import BreakerLimits, CircuitBreaker, Verdict
from cortex_actors.resilience.policy import RULES


@dataclass(frozen=True, slots=True)
class Permit:
    """An admitted attempt; comes back with its outcome."""

    model: str
    ticket: Ticket
    provider_ticket: Ticket

    @property
    def is_probe(self) -> bool:
        """Whether a half-open breaker waits for this attempt."""
        return self.ticket.is_probe or self.provider_ticket.is_probe

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The moves that admitting it caused."""
        return _moves(self.provider_ticket.transition, self.ticket.transition)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No attempt now; None means not before an operator says so."""

    retry_at: float | None


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """How an attempt went, as far as breakers care."""

    #: None for a whole answer.
    failure_class: FailureClass | None = None
    #: Seconds until the first content came; None if none came.
    first_token: float | None = None
    #: Whether a failed attempt got as far as a connection; None when it does not tell.
    reached: bool | None = None
    #: The model rests until then. Not set while another key may be tried: then only the key rests.
    rate_limited_until: float | None = None

    @classmethod
    def of(
        cls,
        error: UpstreamError | None,
        *,
        first_token: float | None = None,
        rate_limited_until: float | None = None,
    ) -> AttemptOutcome:
        """The outcome of an attempt that ended with this error, or well."""
        if error is None:
            return cls(first_token=first_token)
        return cls(error.failure_class, first_token, _reached(error), rate_limited_until)


def _reached(error: UpstreamError) -> bool | None:
    match error:
        case AttemptCancelled():
            return None
        case UpstreamConnectError() | UpstreamTimeout(limit="connect"):
            return False
        case _:
            return True


@dataclass(frozen=True, slots=True)
class BoardView:
    """All breakers of one provider at one moment; models that were never asked for are not listed."""

    provider: BreakerView
    models: Mapping[str, BreakerView]

    def admits(self, model: str, now: float) -> bool:
        """Whether an attempt on this model would pass, as far as this view knows."""
        view = self.models.get(model)
        return self.provider.admits(now) and (view is None or view.admits(now))


class BreakerBoard:
    """The breakers of one provider; owned by its worker."""

    def __init__(
        self, provider: str, limits: BreakerLimits, random: Random, *, max_models: int = 256
    ) -> None:
        self._provider = CircuitBreaker(provider, _of_provider(limits), random)
        #: Least recently used first.
        self._models: OrderedDict[str, CircuitBreaker] = OrderedDict()
        self._limits = limits
        self._random = random
        self._max_models = max_models

    def admits(self, model: str, now: float) -> bool:
        """Whether `admit` would say yes; asking changes nothing."""
        breaker = self._models.get(model)
        return self._provider.admits(now) and (breaker is None or breaker.admits(now))

    def retry_at(self, model: str) -> float | None:
        """The earliest time an attempt passes: 0 for at once, None when only an operator can tell."""
        breaker = self._models.get(model)
        return reachable(max(self._provider.retry_at, breaker.retry_at if breaker else 0.0))

    def admit(self, model: str, now: float) -> Permit | Refusal:
        """Lets an attempt pass, or says when to come again."""
        if not self.admits(model, now):
            return Refusal(self.retry_at(model))
        ticket = self._breaker(model, now).enter(now)
        return Permit(model, ticket, self._provider.enter(now))

    def first_token(self, permit: Permit, now: float) -> tuple[Transition, ...]:
        """When the first content of an answer is there.

        A probe that tells brings the traffic back before its answer is whole; any other that tells is counted
        in time, and not only after failures that came later.
        """
        return _moves(
            self._provider.first_token(permit.provider_ticket, now),
            self._breaker(permit.model, now).first_token(permit.ticket, now),
        )

    def record(self, permit: Permit, outcome: AttemptOutcome, now: float) -> tuple[Transition, ...]:
        """When an attempt is over, however it ended."""
        breaker = self._breaker(permit.model, now)
        if outcome.rate_limited_until is not None:
            breaker.rate_limit(outcome.rate_limited_until)
        return _moves(
            self._provider.record(permit.provider_ticket, _verdict_on_provider(outcome), now),
            breaker.record(permit.ticket, _verdict_on_model(outcome), now, outcome.first_token),
        )

    def force(self, mode: Mode, now: float, model: str | None = None) -> tuple[Transition, ...]:
        """An operator's order for one model, or for the provider and every model it has or will have."""
        if model is not None:
            return _moves(self._breaker(model, now).force(mode, now))
        return _moves(*(breaker.force(mode, now) for breaker in (self._provider, *self._models.values())))

    def use(self, limits: BreakerLimits) -> None:
        """Goes on under other limits; no breaker moves because of it."""
        self._limits = limits
        self._provider.use(_of_provider(limits))
        for breaker in self._models.values():
            breaker.use(limits)

    def state_of(self, model: str | None = None) -> BreakerState:
        """The state of a model's breaker, or of the provider's own."""
        if model is None:
            return self._provider.state
        return self._models[model].state if model in self._models else BreakerState.CLOSED

    def next_probe_at(self, model: str) -> float | None:
        """When an attempt on this model passes as a probe; None while none is needed or allowed."""
        needed = (self.state_of(model), self.state_of()) != (BreakerState.CLOSED, BreakerState.CLOSED)
        return self.retry_at(model) if needed else None

    def snapshot(self, now: float) -> BoardView:
        """What to show of all breakers."""
        models = {model: breaker.snapshot(now) for model, breaker in self._models.items()}
        return BoardView(self._provider.snapshot(now), MappingProxyType(models))

    def _breaker(self, model: str, now: float) -> CircuitBreaker:
        breaker = self._models.get(model)
        if breaker is None:
            self._make_room(now)
            breaker = CircuitBreaker(f"{self._provider.name}/{model}", self._limits, self._random)
            breaker.force(self._provider.mode, now)
            self._models[model] = breaker
        self._models.move_to_end(model)
        return breaker

    def _make_room(self, now: float) -> None:
        """Forgets the model that was idle longest; one that is in trouble only if all are."""
        if len(self._models) < self._max_models:
            return
        quiet = (model for model, breaker in self._models.items() if breaker.is_quiet(now))
        del self._models[next(quiet, next(iter(self._models)))]


def _of_provider(limits: BreakerLimits) -> BreakerLimits:
    """What is slow to answer has been reached, so slowness is held against models alone."""
    return replace(limits, slow_first_token=inf)


def _verdict_on_model(outcome: AttemptOutcome) -> Verdict:
    if outcome.failure_class is None:
        return "success"
    return "failure" if RULES[outcome.failure_class].counts_against_breaker else "neutral"


def _verdict_on_provider(outcome: AttemptOutcome) -> Verdict:
    if outcome.failure_class is None or outcome.reached:
        return "success"
    return "neutral" if outcome.reached is None else "failure"


def _moves(*transitions: Transition | None) -> tuple[Transition, ...]:
    return tuple(transition for transition in transitions if transition is not None)
