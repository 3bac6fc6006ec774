"""Which attempt comes next."""

from __future__ import annotations

from random import Random

import pytest

from cortex_actors.dispatch.messages import Route
from cortex_actors.dispatch.plan import AttemptPlan, GiveUp, Step, Try
from cortex_actors.errors import (
    ContinuationMismatch,
    CortexError,
    GatewayBusy,
    InternalError,
    InvalidRequest,
    KeyRejected,
    ModelMissing,
    NoWorkersAvailable,
    QuotaExhausted,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.settings import RetrySettings
from tests.dispatch.factories import admission

A, B = Route("a", "model-a"), Route("b", "model-b")
SETTINGS = RetrySettings(backoff=0.1, backoff_max=1.0, max_retry_after=5.0, max_attempts=6)


def _plan(*routes: Route, settings: RetrySettings = SETTINGS) -> AttemptPlan:
    return AttemptPlan(routes, settings, Random(5))


def _fail(plan: AttemptPlan, route: Route, error: CortexError, *, other_key: bool = False) -> Step:
    return plan.failed(route, admission(other_key=other_key), error)


def test_the_first_route_is_tried_first() -> None:
    assert _plan(A, B).first() == Try(A)


def test_a_server_error_is_retried_once_on_the_same_route_after_a_pause() -> None:
    plan = _plan(A, B)
    plan.first()
    step = _fail(plan, A, UpstreamFailure())
    assert isinstance(step, Try)
    assert step.route == A
    assert 0 < step.pause <= SETTINGS.backoff_max + 0.1
    assert _fail(plan, A, UpstreamFailure()) == Try(B)


@pytest.mark.parametrize(
    "error", [UpstreamTimeout("first_token", 1.0), ModelMissing(), KeyRejected(), QuotaExhausted()]
)
def test_these_failures_are_never_retried_on_the_same_route(error: CortexError) -> None:
    plan = _plan(A, B)
    plan.first()
    assert _fail(plan, A, error) == Try(B)


def test_the_callers_own_fault_is_the_end_and_nobody_else_is_asked() -> None:
    plan, error = _plan(A, B), UpstreamRejected("too long", upstream_status=400)
    plan.first()
    assert _fail(plan, A, error) == GiveUp(error)


@pytest.mark.parametrize("error", [KeyRejected(), QuotaExhausted(), UpstreamRateLimited()])
def test_a_refused_key_is_followed_by_the_next_key_of_the_same_provider(error: CortexError) -> None:
    plan = _plan(A, B)
    plan.first()
    assert _fail(plan, A, error, other_key=True) == Try(A)


def test_a_rate_limit_prefers_the_fallback_to_waiting() -> None:
    plan = _plan(A, B)
    plan.first()
    assert _fail(plan, A, UpstreamRateLimited(retry_after=2.0)) == Try(B)


def test_a_rate_limit_without_a_fallback_is_waited_for_no_shorter_than_asked() -> None:
    plan = _plan(A)
    plan.first()
    step = _fail(plan, A, UpstreamRateLimited(retry_after=2.0))
    assert isinstance(step, Try)
    assert step.route == A
    assert 2.0 <= step.pause < 3.0


def test_a_long_retry_after_is_not_waited_for() -> None:
    plan, error = _plan(A), UpstreamRateLimited(retry_after=60.0)
    plan.first()
    assert _fail(plan, A, error) == GiveUp(error)


def test_a_route_that_is_not_admitted_costs_no_attempt() -> None:
    plan = _plan(A, B, settings=RetrySettings(max_attempts=1))
    plan.first()
    assert plan.not_admitted(A, GatewayBusy(), None) == Try(B)


def test_a_resting_route_is_waited_for_when_nothing_else_is_left() -> None:
    plan = _plan(A)
    plan.first()
    step = plan.not_admitted(A, UpstreamRateLimited(), 1.5)
    assert isinstance(step, Try)
    assert step.pause >= 1.5


def test_when_all_rest_for_longer_than_our_patience_the_least_bad_is_asked_once() -> None:
    plan, refusal = _plan(A, B), UpstreamRateLimited(retry_after=900)
    plan.first()
    assert plan.not_admitted(A, refusal, 900.0) == Try(B)
    assert plan.not_admitted(B, refusal, 600.0) == Try(B, in_need=True)
    assert plan.not_admitted(B, refusal, 600.0) == GiveUp(refusal)


def test_a_breaker_that_is_open_is_not_asked_in_need() -> None:
    plan, refusal = _plan(A), NoWorkersAvailable()
    plan.first()
    assert plan.not_admitted(A, refusal, 60.0) == GiveUp(refusal)


def test_a_real_failure_is_told_rather_than_a_refusal() -> None:
    plan, failure = _plan(A, B), UpstreamTimeout("first_token", 1.0)
    plan.first()
    _fail(plan, A, failure)
    assert plan.not_admitted(B, GatewayBusy(), None) == GiveUp(failure)


def test_a_dialect_that_cannot_carry_the_request_gives_way_to_another() -> None:
    plan = _plan(A, B)
    plan.first()
    assert plan.not_admitted(A, InvalidRequest("no images here", field="messages[0]"), None) == Try(B)


def test_there_are_never_more_attempts_than_allowed() -> None:
    plan = _plan(*(Route(f"p{n}", "m") for n in range(20)))
    step, attempts = plan.first(), 0
    while isinstance(step, Try):
        attempts += 1
        step = _fail(plan, step.route, UpstreamConnectError())
    assert attempts == SETTINGS.max_attempts


def test_a_request_that_is_too_long_goes_to_the_larger_model_once() -> None:
    larger = Route("big", "model-128k")
    plan = AttemptPlan((A, B), SETTINGS, Random(5), (larger,))
    too_long = UpstreamRejected("too long", upstream_status=400, upstream_code="context_length_exceeded")
    plan.first()
    assert _fail(plan, A, too_long) == Try(larger)
    assert _fail(plan, larger, too_long) == GiveUp(too_long)


def test_another_mistake_of_the_caller_does_not_go_to_the_larger_model() -> None:
    plan = AttemptPlan((A,), SETTINGS, Random(5), (Route("big", "model-128k"),))
    refused = UpstreamRejected("no", upstream_status=400, upstream_code="content_policy_violation")
    plan.first()
    assert _fail(plan, A, refused) == GiveUp(refused)


# -- answers that break off


def _break(plan: AttemptPlan, route: Route, error: CortexError, *, progressed: bool = True) -> Step:
    return plan.broke_off(route, admission(), error, progressed=progressed)


def test_an_answer_that_breaks_off_is_tried_once_more_at_the_same_provider_then_at_the_next() -> None:
    plan = _plan(A, B)
    plan.first()
    step = _break(plan, A, TruncatedStream())
    assert isinstance(step, Try)
    assert step.route == A
    assert _break(plan, A, TruncatedStream()) == Try(B)


def test_a_silent_provider_gives_way_to_the_next() -> None:
    plan = _plan(A, B)
    plan.first()
    assert _break(plan, A, UpstreamTimeout("idle", 1.0)) == Try(B)


@pytest.mark.parametrize("error", [TruncatedStream(), UpstreamTimeout("idle", 1.0), InternalError()])
def test_where_nobody_else_is_left_whoever_makes_progress_is_asked_again(error: CortexError) -> None:
    plan = _plan(A)
    plan.first()
    for _ in range(SETTINGS.max_attempts - 1):
        step = _break(plan, A, error)
        assert isinstance(step, Try)
        assert step.pause > 0
    assert _break(plan, A, error) == GiveUp(error), "but not for ever"


def test_without_progress_a_silent_provider_is_not_asked_again() -> None:
    plan = _plan(A)
    plan.first()
    silence = UpstreamTimeout("idle", 1.0)
    assert _break(plan, A, silence, progressed=False) == GiveUp(silence)


@pytest.mark.parametrize("error", [UpstreamRejected(), QuotaExhausted(), KeyRejected()])
def test_what_would_come_again_ends_the_answer(error: CortexError) -> None:
    plan = _plan(A)
    plan.first()
    assert _break(plan, A, error) == GiveUp(error)


def test_whoever_refuses_to_go_on_gives_way_to_the_next() -> None:
    plan = _plan(A, B)
    plan.first()
    refused = UpstreamRejected("no")
    assert plan.failed_to_go_on(A, admission(), refused) == Try(B)
    assert plan.failed_to_go_on(B, admission(), refused) == GiveUp(refused)


def test_a_route_that_will_be_asked_for_something_else_is_asked_again_but_not_for_ever() -> None:
    plan = _plan(A, B)
    plan.first()
    mismatch = ContinuationMismatch()
    for _ in range(SETTINGS.max_attempts - 1):
        step = plan.again(A, mismatch)
        assert isinstance(step, Try)
        assert (step.route, step.pause > 0) == (A, True)
    assert plan.again(A, mismatch) == GiveUp(mismatch)
