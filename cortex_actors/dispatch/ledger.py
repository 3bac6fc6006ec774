"""The ledger of one provider: its breakers, keys and counters, and what follows from each piece of news.

Plain state with one owner, the provider's worker; time comes from its clock.

    admit        leave to make an attempt, with a key, or why not
    enter        how an attempt went
    adopt        other terms: what is still true of the provider is kept
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import (
    Admission,
    FirstToken,
    ForceBreaker,
    NotAdmitted,
    Outcome,
    ProbeResult,
    ProviderBooks,
)
from cortex_actors.errors import UpstreamError
from cortex_actors.resilience.breaker_board import AttemptOutcome, BreakerBoard, Refusal
from cortex_actors.resilience.breaker_states import BreakerState, Transition
from cortex_actors.resilience.key_ring import Key, KeyRing, NoKey
from cortex_actors.resilience.policy import RULES
from cortex_actors.resilience.provider_status import Evidence

#: The weight of the newest time to first token in the moving mean.
_TTFT_WEIGHT = 0.3

#: A provider that asks for more is not believed, in seconds.
_LONGEST_REST = 86_400.0

#: How long a provider without keys rests after a rate limit that names no time, in seconds.
_KEYLESS_REST = 1.0

#: Failures that say nothing about how the provider is.
_NO_EVIDENCE = frozenset({"caller", "cancelled", "model_missing"})

#: Failures of the key that a probe was made with: where there are others, they say nothing of the provider.
_ABOUT_A_KEY = frozenset({"key", "money", "rate_limit"})


class Ledger:
    """One provider's books, while they are written."""

    def __init__(
        self,
        mandate: Mandate,
        on_moves: Callable[[tuple[Transition, ...]], None],
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        """`on_moves` hears of every breaker that moves."""
        self._mandate = mandate
        self._on_moves = on_moves
        self._clock = clock
        self._random = random
        self._terms = mandate.terms
        self._requests = 0
        self._failures = 0
        self._begin()

    def _begin(self) -> None:
        """Opens the pages of an upstream that nobody has heard of yet."""
        terms = self._terms
        self._ring = KeyRing(_keys(terms), self._random, strategy=terms.keys.strategy)
        self._breakers = BreakerBoard(terms.provider.name, terms.breaker, self._random)
        for model, mode in sorted(self._mandate.orders.items(), key=lambda order: order[0] is not None):
            self._breakers.force(mode, self._clock(), model)
        self._evidence: Evidence | None = None
        self._discovered: tuple[str, ...] = ()
        self._mean_ttft: float | None = None
        self._last_error: str | None = None

    # -- attempts

    def admit(self, model: str, *, in_need: bool) -> Admission | NotAdmitted:
        """Leave to make one attempt, with the key to make it with."""
        now, provider = self._clock(), self._terms.provider
        if provider.streams.draining:
            return NotAdmitted("draining")
        if not self._breakers.admits(model, now):
            return self._refused_by_breaker(model, now)
        key = self._ring.pick(now)
        if in_need and isinstance(key, NoKey):
            key = self._ring.pick_in_need(now)
        if isinstance(key, NoKey):
            rested = key.retry_at is not None
            return NotAdmitted("rate_limited" if rested else "no_key", _until(key.retry_at, now))
        permit = self._breakers.admit(model, now)
        if isinstance(permit, Refusal):
            return self._refused_by_breaker(model, now)
        self._on_moves(permit.transitions)
        return Admission(permit, key, self._has_other_key(key, now), provider)

    def first_token(self, told: FirstToken) -> None:
        """When the first content of an attempt is there."""
        if self._is_about_us(told.admission.upstream):
            self._on_moves(self._breakers.first_token(told.admission.permit, self._clock()))

    def enter(self, outcome: Outcome) -> None:
        """How an attempt went: the key's fate, the breakers', the counters."""
        now, error, admission = self._clock(), outcome.error, outcome.admission
        self._requests += 1
        if not self._is_about_us(admission.upstream):
            return
        self._settle_key(admission.key, error, now)
        limited_until = self._limited_until(error, now)
        result = AttemptOutcome.of(error, first_token=outcome.ttft, rate_limited_until=limited_until)
        self._on_moves(self._breakers.record(admission.permit, result, now))
        if error is None:
            self._evidence = Evidence("attempt", None)
        elif error.failure_class not in _NO_EVIDENCE:
            self._failures += 1
            self._last_error = error.title
            self._evidence = Evidence("attempt", error.failure_class)
        if outcome.ttft is not None:
            self._mean_ttft = _moving(self._mean_ttft, outcome.ttft)

    def note_probe(self, result: ProbeResult) -> None:
        """What the free health probe saw."""
        if not self._is_about_us(result.upstream):
            return
        self._discovered = result.models or self._discovered
        of_one_key = result.failure_class in _ABOUT_A_KEY and len(self._terms.provider.settings.keys) > 1
        if not of_one_key and result.failure_class not in _NO_EVIDENCE:
            self._evidence = Evidence("check", result.failure_class)
            self._last_error = result.error or self._last_error

    def _is_about_us(self, upstream: tuple[str, str] | None) -> bool:
        """Whether news speaks of today's upstream; under the same name there may have been another."""
        return upstream is None or upstream == self._terms.upstream

    # -- orders, and other terms

    def adopt(self, terms: Terms) -> None:
        """Goes on under other terms, with what is still true: of the same keys, and of the same upstream."""
        before, self._terms = self._terms, terms
        if terms.upstream != before.upstream:
            self._begin()
            return
        self._ring.replace_keys(_keys(terms))
        self._ring.take_turns(terms.keys.strategy)
        self._breakers.use(terms.breaker)

    def force(self, order: ForceBreaker) -> BreakerState:
        """Obeys an operator, also in the name of the ledger that may come after this one."""
        before = {} if order.model is None else self._mandate.orders
        self._mandate.orders = {**before, order.model: order.mode}
        self._on_moves(self._breakers.force(order.mode, self._clock(), order.model))
        return self._breakers.state_of(order.model)

    def unblock(self, key_id: str) -> bool:
        """Whether there is such a key; it is good again."""
        known = any(view.id == key_id for view in self._ring.snapshot().keys)
        self._ring.unblock(key_id)
        return known

    def books(self) -> ProviderBooks:
        """What to publish of it."""
        return ProviderBooks(
            breakers=self._breakers.snapshot(self._clock()),
            keys=self._ring.snapshot(),
            evidence=self._evidence,
            discovered=self._discovered,
            requests=self._requests,
            failures=self._failures,
            mean_ttft=self._mean_ttft,
            last_error=self._last_error,
        )

    # -- keys

    def _refused_by_breaker(self, model: str, now: float) -> NotAdmitted:
        board = self._breakers.snapshot(now)
        limited = model in board.models and board.models[model].rate_limited_until is not None
        retry_in = _until(self._breakers.retry_at(model), now)
        return NotAdmitted("rate_limited" if limited else "breaker_open", retry_in)

    def _has_other_key(self, key: Key, now: float) -> bool:
        return any(view.id != key.id and view.is_ready(now) for view in self._ring.snapshot().keys)

    def _settle_key(self, key: Key, error: UpstreamError | None, now: float) -> None:
        if error is None:
            self._ring.succeeded(key.id)
            return
        match RULES[error.failure_class].key:
            case "rest":
                self._ring.rest(key.id, now + self._rest_of(error), guessed=error.retry_after is None)
            case "rest_for_money":
                self._ring.rest_for_money(key.id, now + self._terms.keys.money_rest)
            case "disable":
                self._ring.disable(key.id)

    def _rest_of(self, error: UpstreamError) -> float:
        return self._terms.keys.rest if error.retry_after is None else min(error.retry_after, _LONGEST_REST)

    def _limited_until(self, error: UpstreamError | None, now: float) -> float | None:
        """When a provider without keys is to be asked again; with keys, it is the key that rests."""
        if error is None or error.failure_class != "rate_limit" or self._ring.snapshot().keys:
            return None
        return now + (_KEYLESS_REST if error.retry_after is None else self._rest_of(error))


def _keys(terms: Terms) -> list[str]:
    return [key.reveal() for key in terms.provider.settings.keys]


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, moment - now)


def _moving(mean: float | None, value: float) -> float:
    return value if mean is None else mean + _TTFT_WEIGHT * (value - mean)
