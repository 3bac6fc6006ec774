"""The class table: what may follow a failure, and who is charged for it."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.errors import FailureClass
from cortex_actors.resilience.backoff import Backoff
from cortex_actors.resilience.policy import RULES, Decision, Patience, Situation, Step, decide

ALL_OPEN = Situation(other_key=True, fallback=True, larger_model=True)
classes = st.sampled_from(get_args(FailureClass))
situations = st.builds(
    Situation,
    retries=st.integers(0, 5),
    other_key=st.booleans(),
    fallback=st.booleans(),
    larger_model=st.booleans(),
    retry_after=st.none() | st.floats(0, 1000),
)


def steps_until_the_end(failure_class: FailureClass, situation: Situation) -> list[Step]:
    """The steps of a request that meets the same failure again and again on one provider."""
    steps = []
    for retries in range(10):
        step = decide(failure_class, Situation(retries, fallback=situation.fallback), Random(1)).step
        steps.append(step)
        if step is not Step.RETRY:
            break
    return steps


def test_every_failure_class_has_a_rule() -> None:
    assert set(RULES) == set(get_args(FailureClass))


@pytest.mark.parametrize(
    ("failure_class", "charged"),
    [
        ("caller", False),
        ("model_missing", False),
        ("key", False),
        ("money", False),
        ("rate_limit", False),
        ("server", True),
        ("silence", True),
        ("cancelled", False),
    ],
)
def test_only_the_providers_own_failures_count_against_its_breaker(
    failure_class: FailureClass, charged: bool
) -> None:
    assert RULES[failure_class].counts_against_breaker is charged


@pytest.mark.parametrize(
    ("failure_class", "fate"),
    [("key", "disable"), ("money", "rest_for_money"), ("rate_limit", "rest"), ("server", "keep")],
)
def test_the_class_decides_what_becomes_of_the_key(failure_class: FailureClass, fate: str) -> None:
    assert RULES[failure_class].key == fate


@pytest.mark.parametrize(
    ("failure_class", "step"),
    [
        ("caller", Step.LARGER_MODEL),
        ("model_missing", Step.FAIL_OVER),
        ("key", Step.NEXT_KEY),
        ("money", Step.NEXT_KEY),
        ("rate_limit", Step.NEXT_KEY),
        ("server", Step.RETRY),
        ("silence", Step.FAIL_OVER),
        ("cancelled", Step.GIVE_UP),
    ],
)
def test_the_preferred_step_of_each_class(failure_class: FailureClass, step: Step) -> None:
    assert decide(failure_class, ALL_OPEN, Random(1)).step is step


def test_a_callers_fault_is_answered_with_the_providers_own_error() -> None:
    assert decide("caller", Situation(other_key=True, fallback=True), Random(1)).step is Step.GIVE_UP


def test_a_server_error_is_retried_once_and_then_fails_over() -> None:
    assert steps_until_the_end("server", Situation(fallback=True)) == [Step.RETRY, Step.FAIL_OVER]


def test_a_server_error_without_a_fallback_ends_after_one_retry() -> None:
    assert steps_until_the_end("server", Situation()) == [Step.RETRY, Step.GIVE_UP]


def test_a_silent_provider_is_tried_exactly_once() -> None:
    assert steps_until_the_end("silence", Situation()) == [Step.GIVE_UP]


def test_nobody_waits_for_a_rate_limit_while_a_fallback_can_answer() -> None:
    situation = Situation(fallback=True, retry_after=1.0)
    assert decide("rate_limit", situation, Random(1)) == Decision(Step.FAIL_OVER)


def test_a_short_retry_after_is_waited_for_in_full() -> None:
    assert decide("rate_limit", Situation(retry_after=2.0), Random(1)) == Decision(Step.RETRY, 2.0)


def test_a_long_retry_after_is_not_waited_for() -> None:
    patience = Patience(longest_wait=5.0)
    assert decide("rate_limit", Situation(retry_after=5.1), Random(1), patience) == Decision(Step.GIVE_UP)


def test_an_endless_rate_limit_gets_a_few_spaced_attempts() -> None:
    steps = steps_until_the_end("rate_limit", Situation())
    assert steps == [Step.RETRY, Step.RETRY, Step.GIVE_UP]
    patience = Patience(backoff=Backoff(floor=0.05))
    assert decide("rate_limit", Situation(), Random(1), patience).pause >= 0.05


@settings(deadline=None)
@given(failure_class=classes, situation=situations, seed=st.integers(0, 1000))
def test_a_step_is_only_taken_when_rule_and_situation_allow_it(
    failure_class: FailureClass, situation: Situation, seed: int
) -> None:
    decision = decide(failure_class, situation, Random(seed))
    allowed = {
        Step.RETRY: situation.retries < RULES[failure_class].retries,
        Step.NEXT_KEY: situation.other_key,
        Step.FAIL_OVER: situation.fallback,
        Step.LARGER_MODEL: situation.larger_model,
        Step.GIVE_UP: True,
    }
    assert decision.step in (*RULES[failure_class].steps, Step.GIVE_UP)
    assert allowed[decision.step]
    assert (decision.pause > 0) == (decision.step is Step.RETRY)
