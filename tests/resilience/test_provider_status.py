"""The one word for people: which of keys, breakers and evidence speaks first."""

from random import Random

import pytest

from cortex_actors.errors import FailureClass, UpstreamConnectError, UpstreamFailure, UpstreamRateLimited
from cortex_actors.resilience.breaker_board import AttemptOutcome, BreakerBoard, Permit
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import Key, KeyRing
from cortex_actors.resilience.provider_status import Evidence, ProviderStatus, provider_status

A, B = Key.of("sk-a").id, Key.of("sk-b").id
WELL = Evidence("attempt", None)


class Provider:
    """A board and a ring with two keys, of which the last attempt went well."""

    def __init__(self) -> None:
        self.board = BreakerBoard("groq", BreakerLimits(jitter=0.0), Random(1))
        self.ring = KeyRing(["sk-a", "sk-b"], Random(1))

    def attempts(self, model: str, outcome: AttemptOutcome, times: int = 1) -> None:
        permits = [self.board.admit(model, 0.0) for _ in range(times)]
        for permit in permits:
            assert isinstance(permit, Permit)
            self.board.record(permit, outcome, 0.0)

    def status(self, now: float = 0.0, evidence: Evidence | None = WELL) -> ProviderStatus:
        return provider_status(self.board.snapshot(now), self.ring.snapshot(), evidence, now)


def test_without_any_evidence_it_is_unknown() -> None:
    assert Provider().status(evidence=None) == "unknown"


def test_after_an_answer_it_is_available() -> None:
    provider = Provider()
    provider.attempts("large", AttemptOutcome())
    assert provider.status() == "available"


@pytest.mark.parametrize(
    ("failure_class", "after_attempt", "after_check"),
    [
        ("server", "degraded", "unavailable"),
        ("silence", "degraded", "unavailable"),
        ("key", "degraded", "unavailable"),
        ("rate_limit", "degraded", "rate_limited"),
        ("money", "degraded", "quota_exceeded"),
        ("caller", "available", "available"),
        ("model_missing", "available", "available"),
    ],
)
def test_the_last_evidence_speaks_when_keys_and_breakers_have_nothing_to_say(
    failure_class: FailureClass, after_attempt: ProviderStatus, after_check: ProviderStatus
) -> None:
    assert Provider().status(evidence=Evidence("attempt", failure_class)) == after_attempt
    assert Provider().status(evidence=Evidence("check", failure_class)) == after_check


def test_it_is_unavailable_while_it_cannot_be_connected() -> None:
    provider = Provider()
    provider.attempts("large", AttemptOutcome.of(UpstreamConnectError()), times=5)
    assert provider.status(now=9.9) == "unavailable"


def test_it_is_degraded_from_the_moment_a_probe_is_due() -> None:
    provider = Provider()
    provider.attempts("large", AttemptOutcome.of(UpstreamFailure()), times=5)
    assert provider.status(now=9.9) == "unavailable"
    assert provider.status(now=10.0) == "degraded"
    provider.board.admit("large", 10.0)
    assert provider.status(now=11.0) == "degraded"


def test_one_model_of_two_that_is_refused_makes_it_degraded() -> None:
    provider = Provider()
    provider.attempts("small", AttemptOutcome())
    provider.attempts("large", AttemptOutcome.of(UpstreamFailure()), times=5)
    assert provider.status(now=1.0) == "degraded"


def test_it_is_rate_limited_while_every_model_rests() -> None:
    provider = Provider()
    provider.attempts("large", AttemptOutcome.of(UpstreamRateLimited(), rate_limited_until=30.0))
    assert provider.status(now=29.0) == "rate_limited"
    assert provider.status(now=30.0) == "available"


def test_a_model_that_fails_is_not_excused_by_a_rate_limit() -> None:
    provider = Provider()
    permit = provider.board.admit("large", 0.0)
    assert isinstance(permit, Permit)
    provider.attempts("large", AttemptOutcome.of(UpstreamFailure()), times=5)
    provider.board.record(permit, AttemptOutcome.of(UpstreamRateLimited(), rate_limited_until=30.0), 0.0)
    assert provider.status(now=5.0) == "unavailable"


def test_it_is_rate_limited_while_every_key_rests() -> None:
    provider = Provider()
    provider.ring.rest(A, until=30.0)
    assert provider.status() == "available"
    provider.ring.rest_for_money(B, until=60.0)
    assert provider.status() == "rate_limited"
    assert provider.status(now=30.0) == "available"


def test_it_is_out_of_quota_when_only_money_brings_a_key_back() -> None:
    provider = Provider()
    provider.ring.rest_for_money(A, until=3600.0)
    provider.ring.disable(B)
    assert provider.status() == "quota_exceeded"


def test_it_is_unavailable_when_all_its_keys_are_refused() -> None:
    provider = Provider()
    provider.ring.disable(A)
    provider.ring.disable(B)
    assert provider.status() == "unavailable"


def test_an_operator_can_shut_it() -> None:
    provider = Provider()
    provider.board.force("open", 0.0)
    assert provider.status(now=1e9) == "unavailable"
