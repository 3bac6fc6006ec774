"""The provider worker: keeps one provider's books, and says who may make an attempt, with which key.

Runs on:   a thread of its own; does no I/O and never waits for anything but its mailbox.
Receives:  AdmitAttempt (a call); FirstToken, Outcome, ProbeResult.
Sends:     nothing; it publishes its books after each change, which everybody else reads.

Its breakers, keys and counters die with it, by design: a worker that crashed may have crashed over its
books. What outlives it (connections, running streams) is in `Provider`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from random import Random

from cortex_actors.dispatch.messages import (
    Admission,
    AdmitAttempt,
    FirstToken,
    NotAdmitted,
    Outcome,
    ProbeResult,
    ProviderBooks,
)
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.errors import UpstreamError
from cortex_actors.otp.actor import Actor
from cortex_actors.resilience.breaker_board import AttemptOutcome, BreakerBoard, Refusal
from cortex_actors.resilience.breaker_states import Transition
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import Key, KeyRing, NoKey
from cortex_actors.resilience.policy import RULES
from cortex_actors.resilience.provider_status import Evidence
from cortex_actors.settings import KeySettings

_log = logging.getLogger(__name__)

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


class ProviderWorker(Actor):
    """One provider's breakers, keys and counters."""

    def __init__(
        self,
        provider: Provider,
        board: Board,
        breaker: BreakerLimits,
        keys: KeySettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        random = random or Random()
        self._provider = provider
        self._board = board
        self._clock = clock
        self._rests = keys
        self._breakers = BreakerBoard(provider.name, breaker, random)
        self._ring = KeyRing([key.reveal() for key in provider.settings.keys], random, strategy=keys.strategy)
        self._evidence: Evidence | None = None
        self._discovered: tuple[str, ...] = ()
        self._requests = 0
        self._failures = 0
        self._mean_ttft: float | None = None
        self._last_error: str | None = None

    def init(self) -> None:
        self._publish()

    def handle(self, message: object) -> object:
        answer = None
        match message:
            case AdmitAttempt():
                answer = self._admit(message.model, in_need=message.in_need)
            case Outcome():
                self._enter(message)
            case FirstToken():
                self._log(self._breakers.first_token(message.admission.permit, self._clock()))
            case ProbeResult():
                self._note_probe(message)
            case _:
                self.unexpected(message)
        self._publish()
        return answer

    def _admit(self, model: str, *, in_need: bool) -> Admission | NotAdmitted:
        now = self._clock()
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
        self._log(permit.transitions)
        return Admission(permit, key, self._has_other_key(key, now))

    def _refused_by_breaker(self, model: str, now: float) -> NotAdmitted:
        board = self._breakers.snapshot(now)
        limited = model in board.models and board.models[model].rate_limited_until is not None
        retry_in = _until(self._breakers.retry_at(model), now)
        return NotAdmitted("rate_limited" if limited else "breaker_open", retry_in)

    def _has_other_key(self, key: Key, now: float) -> bool:
        return any(view.id != key.id and view.is_ready(now) for view in self._ring.snapshot().keys)

    def _enter(self, outcome: Outcome) -> None:
        """Books an outcome: the key's fate, the breakers', the counters."""
        now, error = self._clock(), outcome.error
        self._requests += 1
        self._settle_key(outcome.admission.key, error, now)
        limited_until = self._limited_until(error, now)
        result = AttemptOutcome.of(error, first_token=outcome.ttft, rate_limited_until=limited_until)
        self._log(self._breakers.record(outcome.admission.permit, result, now))
        if error is None:
            self._evidence = Evidence("attempt", None)
        elif error.failure_class not in _NO_EVIDENCE:
            self._failures += 1
            self._last_error = error.title
            self._evidence = Evidence("attempt", error.failure_class)
        if outcome.ttft is not None:
            self._mean_ttft = _moving(self._mean_ttft, outcome.ttft)

    def _settle_key(self, key: Key, error: UpstreamError | None, now: float) -> None:
        if error is None:
            self._ring.succeeded(key.id)
            return
        match RULES[error.failure_class].key:
            case "rest":
                self._ring.rest(key.id, now + self._rest_of(error), guessed=error.retry_after is None)
            case "rest_for_money":
                self._ring.rest_for_money(key.id, now + self._rests.money_rest)
            case "disable":
                self._ring.disable(key.id)

    def _rest_of(self, error: UpstreamError) -> float:
        return self._rests.rest if error.retry_after is None else min(error.retry_after, _LONGEST_REST)

    def _limited_until(self, error: UpstreamError | None, now: float) -> float | None:
        """When a provider without keys is to be asked again; with keys, it is the key that rests."""
        if error is None or error.failure_class != "rate_limit" or self._ring.snapshot().keys:
            return None
        return now + (_KEYLESS_REST if error.retry_after is None else self._rest_of(error))

    def _note_probe(self, result: ProbeResult) -> None:
        self._discovered = result.models or self._discovered
        of_one_key = result.failure_class in _ABOUT_A_KEY and len(self._provider.settings.keys) > 1
        if not of_one_key and result.failure_class not in _NO_EVIDENCE:
            self._evidence = Evidence("check", result.failure_class)
            self._last_error = result.error or self._last_error

    def _publish(self) -> None:
        books = ProviderBooks(
            breakers=self._breakers.snapshot(self._clock()),
            keys=self._ring.snapshot(),
            evidence=self._evidence,
            discovered=self._discovered,
            requests=self._requests,
            failures=self._failures,
            mean_ttft=self._mean_ttft,
            last_error=self._last_error,
        )
        self._board.publish(self._provider.name, books)

    def _log(self, transitions: tuple[Transition, ...]) -> None:
        for move in transitions:
            _log.warning("breaker %s: %s -> %s (%s)", move.breaker, move.before, move.after, move.event)


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, moment - now)


def _moving(mean: float | None, value: float) -> float:
    return value if mean is None else mean + _TTFT_WEIGHT * (value - mean)
