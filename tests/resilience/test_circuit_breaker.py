"""One breaker, on a clock that is an argument: when it opens, whom it lets through, how it comes back."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cortex_actors.resilience.breaker_states import (
    TRANSITIONS,
    BreakerEvent,
    BreakerState,
    Ticket,
    Transition,
)
from cortex_actors.resilience.circuit_breaker import BreakerLimits, CircuitBreaker, Verdict
from cortex_actors.resilience.outcome_window import Counts

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
#: No jitter, so that deadlines are round numbers.
EXACT = BreakerLimits(jitter=0.0)


def breaker(limits: BreakerLimits = EXACT) -> CircuitBreaker:
    return CircuitBreaker("groq/llama", limits, Random(1))


def call(tested: CircuitBreaker, verdict: Verdict, now: float) -> None:
    tested.record(tested.enter(now), verdict, now)


def begin_answer(tested: CircuitBreaker, now: float, waited: float = 0.0) -> Ticket:
    ticket = tested.enter(now)
    tested.first_token(ticket, now + waited)
    return ticket


def opened(at: float = 0.0, limits: BreakerLimits = EXACT) -> CircuitBreaker:
    tested = breaker(limits)
    for _ in range(limits.minimum_calls):
        call(tested, "failure", at)
    assert tested.state is OPEN
    return tested


def probing(at: float = 10.0) -> tuple[CircuitBreaker, Ticket]:
    tested = opened()
    return tested, tested.enter(at)


# Closed


def test_a_new_breaker_is_closed_and_admits() -> None:
    assert breaker().state is CLOSED
    assert breaker().admits(0.0)


def test_it_opens_at_the_failure_rate() -> None:
    tested = breaker()
    for verdict in ("success", "failure", "success", "failure"):
        call(tested, verdict, 1.0)
    assert tested.state is CLOSED
    call(tested, "failure", 1.0)
    assert tested.state is OPEN


def test_it_never_opens_on_fewer_than_the_minimum_of_calls() -> None:
    tested = breaker()
    for _ in range(4):
        call(tested, "failure", 1.0)
    assert tested.state is CLOSED


def test_failures_in_a_row_open_it_whatever_went_well_before() -> None:
    tested = breaker()
    for second in range(50):
        call(tested, "success", float(second))
    for _ in range(5):
        call(tested, "failure", 51.0)
    assert tested.state is OPEN


def test_answers_that_began_before_a_row_of_failures_do_not_hide_it() -> None:
    tested = breaker()
    old = [begin_answer(tested, 0.0) for _ in range(40)]
    for second in range(5):
        assert tested.state is CLOSED
        call(tested, "failure", 30.0 + second)
        tested.record(old[second], "success", 30.5 + second)
    assert tested.state is OPEN


def test_scattered_failures_among_long_answers_do_not_open_it() -> None:
    tested = breaker()
    for second in range(600):
        if second % 10 == 9:
            call(tested, "failure", float(second))
        else:
            begin_answer(tested, float(second))
    assert tested.state is CLOSED


def test_old_failures_are_forgotten() -> None:
    tested = breaker()
    for _ in range(4):
        call(tested, "failure", 0.0)
    call(tested, "failure", 61.0)
    assert tested.state is CLOSED


def test_slow_first_tokens_open_it() -> None:
    tested = breaker()
    tickets = [tested.enter(0.0) for _ in range(5)]
    tested.first_token(tickets[0], 2.0)
    for ticket in tickets[1:4]:
        tested.first_token(ticket, 31.0)
    assert tested.state is CLOSED
    tested.first_token(tickets[4], 31.0)
    assert tested.state is OPEN


def test_a_long_answer_that_starts_quickly_is_not_slow() -> None:
    tested = breaker()
    for ticket in [begin_answer(tested, 0.0) for _ in range(10)]:
        tested.record(ticket, "success", 600.0)
    assert tested.state is CLOSED


def test_an_answer_is_one_call_from_its_first_token_on() -> None:
    tested = breaker()
    ticket = begin_answer(tested, 1.0)
    assert tested.snapshot(1.0).counts == Counts(calls=1)
    tested.record(ticket, "success", 2.0)
    assert tested.snapshot(2.0).counts == Counts(calls=1)


def test_a_first_token_that_nobody_told_of_is_counted_at_the_end() -> None:
    tested = breaker()
    tested.record(tested.enter(0.0), "success", 60.0, first_token=31.0)
    assert tested.snapshot(60.0).counts == Counts(calls=1, slow=1)


def test_a_first_token_is_not_counted_twice() -> None:
    tested = breaker()
    tested.record(begin_answer(tested, 0.0, waited=31.0), "success", 60.0, first_token=31.0)
    assert tested.snapshot(60.0).counts == Counts(calls=1, slow=1)


def test_an_answer_its_caller_gave_up_counts_as_an_answer() -> None:
    tested = breaker()
    tested.record(begin_answer(tested, 1.0), "neutral", 2.0)
    assert tested.snapshot(2.0).counts == Counts(calls=1)


def test_answers_cut_short_again_and_again_open_it() -> None:
    tested = breaker()
    for second in range(40):
        tested.record(begin_answer(tested, float(second)), "success", second + 0.5)
    for second in range(40, 45):
        assert tested.state is CLOSED
        tested.record(begin_answer(tested, float(second)), "failure", second + 0.5)
    assert tested.state is OPEN


def test_neutral_outcomes_never_count() -> None:
    tested = breaker()
    for _ in range(100):
        call(tested, "neutral", 1.0)
    assert tested.snapshot(1.0).counts.calls == 0
    for _ in range(4):
        call(tested, "failure", 1.0)
    assert tested.state is CLOSED


# Open


def test_an_open_breaker_refuses_until_its_wait_is_over() -> None:
    tested = opened(at=5.0)
    assert tested.retry_at == 15.0
    assert not tested.admits(14.999)
    assert tested.admits(15.0)


def test_entering_where_it_does_not_admit_is_a_bug() -> None:
    with pytest.raises(ValueError, match="groq/llama does not admit"):
        opened().enter(1.0)


def test_outcomes_of_attempts_from_before_the_opening_change_nothing() -> None:
    tested = breaker()
    old = [tested.enter(0.0) for _ in range(10)]
    for ticket in old[:5]:
        tested.record(ticket, "failure", 0.0)
    before = tested.snapshot(1.0)
    assert tested.record(old[5], "success", 1.0) is None
    assert tested.record(old[6], "failure", 1.0) is None
    assert tested.snapshot(1.0) == before
    tested.enter(10.0)
    assert tested.record(old[7], "failure", 10.0) is None
    assert tested.record(old[8], "success", 10.0) is None
    assert tested.state is HALF_OPEN


def test_the_open_time_doubles_up_to_its_cap() -> None:
    tested, now, waits = opened(limits=BreakerLimits(open_for=10.0, open_max=60.0, jitter=0.0)), 0.0, []
    for _ in range(5):
        waits.append(tested.retry_at - now)
        now = tested.retry_at
        call(tested, "failure", now)
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_jitter_only_ever_makes_the_open_time_longer(seed: int) -> None:
    tested = CircuitBreaker("groq", BreakerLimits(jitter=0.1), Random(seed))
    for _ in range(5):
        call(tested, "failure", 0.0)
    assert 10.0 <= tested.retry_at <= 11.0


def test_a_minute_of_health_forgives_one_opening() -> None:
    limits = BreakerLimits(open_for=10.0, open_max=300.0, jitter=0.0)
    tested = opened(limits=limits)
    call(tested, "failure", 10.0)
    call(tested, "failure", 30.0)
    call(tested, "success", 70.0)
    assert tested.state is CLOSED
    for _ in range(5):
        call(tested, "failure", 130.0)
    assert tested.retry_at - 130.0 == 40.0
    call(tested, "success", 170.0)
    for _ in range(5):
        call(tested, "failure", 1000.0)
    assert tested.retry_at - 1000.0 == 10.0


def test_an_outage_of_a_day_is_forgiven_as_quickly_as_one_of_minutes() -> None:
    limits = BreakerLimits(open_for=10.0, open_max=40.0, jitter=0.0)
    tested = opened(limits=limits)
    for _ in range(1000):
        call(tested, "failure", tested.retry_at)
    now = tested.retry_at
    call(tested, "success", now)
    for _ in range(5):
        call(tested, "failure", now + 120.0)
    assert tested.retry_at - (now + 120.0) == 10.0


# Half open


def test_the_first_attempt_after_the_wait_is_the_only_probe() -> None:
    tested, probe = probing()
    assert probe.is_probe
    assert tested.state is HALF_OPEN
    assert not tested.admits(10.0)
    assert not tested.admits(29.9)


def test_a_successful_probe_closes_it() -> None:
    tested, probe = probing()
    tested.record(probe, "success", 12.0)
    assert tested.state is CLOSED
    assert tested.admits(12.0)
    assert tested.snapshot(12.0).counts.calls == 0


def test_failures_from_before_an_outage_do_not_count_after_it() -> None:
    tested, probe = probing()
    tested.record(probe, "success", 12.0)
    for _ in range(5):
        begin_answer(tested, 12.0)
    call(tested, "failure", 13.0)
    assert tested.state is CLOSED


def test_a_failed_probe_opens_it_again_for_longer() -> None:
    tested, probe = probing()
    tested.record(probe, "failure", 12.0)
    assert tested.state is OPEN
    assert tested.retry_at == 27.0


def test_a_lost_probe_blocks_the_next_one_only_until_its_lease_ends() -> None:
    tested, lost = probing(at=10.0)
    assert tested.retry_at == 30.0
    second = tested.enter(30.0)
    assert second.number != lost.number
    assert not tested.admits(31.0)


def test_a_probe_that_outlived_its_lease_can_still_close() -> None:
    tested, late = probing(at=10.0)
    tested.enter(30.0)
    tested.record(late, "success", 31.0)
    assert tested.state is CLOSED


def test_a_neutral_probe_decides_nothing_and_gives_way_after_an_interval() -> None:
    tested, probe = probing(at=10.0)
    assert tested.record(probe, "neutral", 11.0) is None
    assert tested.state is HALF_OPEN
    assert tested.retry_at == 25.0


def test_a_neutral_end_of_an_older_probe_does_not_let_a_second_one_pass() -> None:
    tested, old = probing(at=10.0)
    tested.enter(30.0)
    tested.record(old, "neutral", 31.0)
    assert tested.retry_at == 50.0


def test_the_first_token_of_a_probe_closes_it_at_once() -> None:
    tested, probe = probing()
    transition = tested.first_token(probe, 11.0)
    assert transition is not None
    assert transition.event is BreakerEvent.PROBE_ANSWERED
    assert tested.admits(11.0)


def test_a_probe_that_fails_after_its_first_token_opens_it_again() -> None:
    tested, probe = probing()
    tested.first_token(probe, 11.0)
    tested.record(probe, "failure", 13.0)
    assert tested.state is OPEN
    assert tested.retry_at == 28.0


def test_after_the_first_token_of_a_probe_other_failures_are_judged_as_ever() -> None:
    tested, probe = probing()
    tested.first_token(probe, 11.0)
    call(tested, "failure", 12.0)
    tested.record(probe, "success", 60.0)
    assert tested.state is CLOSED


def test_the_first_token_of_an_attempt_from_before_the_opening_does_not_close() -> None:
    tested = breaker()
    old = tested.enter(0.0)
    for _ in range(5):
        call(tested, "failure", 0.0)
    assert tested.first_token(old, 2.0) is None
    tested.enter(10.0)
    assert tested.first_token(old, 12.0) is None
    assert tested.state is HALF_OPEN


# Rate limits


def test_a_rate_limit_refuses_until_its_deadline_and_is_no_failure() -> None:
    tested = breaker()
    tested.rate_limit(30.0)
    assert tested.state is CLOSED
    assert not tested.admits(29.9)
    assert tested.admits(30.0)
    assert tested.snapshot(1.0).counts.failures == 0
    assert tested.snapshot(1.0).rate_limited_until == 30.0
    assert tested.snapshot(30.0).rate_limited_until is None


def test_a_shorter_rate_limit_does_not_shorten_a_longer_one() -> None:
    tested = breaker()
    tested.rate_limit(60.0)
    tested.rate_limit(5.0)
    assert tested.retry_at == 60.0


def test_a_rate_limited_probe_is_followed_by_the_next_one_at_the_deadline() -> None:
    tested, probe = probing(at=10.0)
    tested.rate_limit(40.0)
    tested.record(probe, "neutral", 11.0)
    assert tested.retry_at == 40.0
    call(tested, "success", 40.0)
    assert tested.state is CLOSED


# Operators


def test_forced_open_refuses_for_ever() -> None:
    tested = breaker()
    running = tested.enter(0.0)
    tested.force("open", 1.0)
    tested.record(running, "success", 2.0)
    assert tested.state is OPEN
    assert not tested.admits(1e12)
    assert tested.snapshot(2.0).retry_at is None


def test_forced_closed_admits_whatever_fails() -> None:
    tested = opened()
    tested.force("closed", 1.0)
    for _ in range(100):
        call(tested, "failure", 1.0)
    assert tested.state is CLOSED
    assert tested.admits(1.0)


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_auto_after_an_order_is_a_fresh_start(mode: str) -> None:
    tested = opened()
    tested.force("open" if mode == "open" else "closed", 1.0)
    tested.force("auto", 2.0)
    assert tested.state is CLOSED
    for _ in range(5):
        call(tested, "failure", 3.0)
    assert tested.retry_at == 13.0


def test_auto_resets_a_breaker_that_was_never_forced() -> None:
    tested = opened()
    tested.rate_limit(1000.0)
    tested.force("auto", 1.0)
    assert tested.admits(1.0)


def test_the_same_order_twice_is_one_transition() -> None:
    tested = breaker()
    assert tested.force("open", 1.0) is not None
    assert tested.force("open", 2.0) is None


# The table


def test_every_move_of_an_outage_is_returned_once() -> None:
    tested, moves = breaker(), []
    for _ in range(5):
        moves.append(tested.record(tested.enter(0.0), "failure", 0.0))
    probe = tested.enter(10.0)
    moves += [probe.transition, tested.record(probe, "failure", 11.0)]
    probe = tested.enter(26.0)
    moves += [probe.transition, tested.record(probe, "success", 27.0)]
    assert [move for move in moves if move is not None] == [
        Transition("groq/llama", CLOSED, OPEN, BreakerEvent.TRIPPED, 10.0),
        Transition("groq/llama", OPEN, HALF_OPEN, BreakerEvent.WAIT_OVER, 30.0),
        Transition("groq/llama", HALF_OPEN, OPEN, BreakerEvent.PROBE_FAILED, 26.0),
        Transition("groq/llama", OPEN, HALF_OPEN, BreakerEvent.WAIT_OVER, 46.0),
        Transition("groq/llama", HALF_OPEN, CLOSED, BreakerEvent.PROBE_ANSWERED, 0.0),
    ]


def test_an_operator_can_move_it_from_every_state() -> None:
    for moves in TRANSITIONS.values():
        assert moves[BreakerEvent.FORCED_OPEN] is OPEN
        assert moves[BreakerEvent.FORCED_CLOSED] is CLOSED
        assert moves[BreakerEvent.RELEASED] is CLOSED


class AnyTraffic(RuleBasedStateMachine):
    """Attempts begin and end in any order, at any pace, and some never report."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = BreakerLimits()
        self.breaker = CircuitBreaker("any", self.limits, Random(1))
        self.now = 0.0
        self.running: list[Ticket] = []
        self.probed_at = -1e9

    @rule(seconds=st.floats(0.0, 40.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.breaker.admits(self.now))
    @rule(times=st.integers(1, 6))
    def enter(self, times: int) -> None:
        for _ in range(times):
            if not self.breaker.admits(self.now):
                break
            ticket = self.breaker.enter(self.now)
            self.running.append(ticket)
            if ticket.is_probe:
                assert self.now - self.probed_at >= self.limits.open_for, "two probes in one interval"
                self.probed_at = self.now

    @precondition(lambda self: self.running)
    @rule(data=st.data(), verdict=st.sampled_from(["success", "failure", "failure", "neutral"]))
    def end(self, data: st.DataObject, verdict: Verdict) -> None:
        ticket = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        untold = data.draw(st.none() | st.floats(0, 60))
        counts = self.breaker.state is HALF_OPEN and ticket.opening == self.breaker.snapshot(0).openings
        self.breaker.record(ticket, verdict, self.now, untold)
        if counts and verdict == "success":
            assert self.breaker.state is CLOSED
        if counts and verdict == "failure":
            assert self.breaker.state is OPEN

    @precondition(lambda self: any(not ticket.answered for ticket in self.running))
    @rule(data=st.data())
    def first_token(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from([ticket for ticket in self.running if not ticket.answered]))
        self.breaker.first_token(ticket, self.now)

    @rule(seconds=st.floats(0.0, 60.0))
    def rate_limit(self, seconds: float) -> None:
        before = self.breaker.retry_at
        self.breaker.rate_limit(self.now + seconds)
        assert self.breaker.retry_at >= before

    @invariant()
    def the_view_says_what_the_breaker_does(self) -> None:
        view = self.breaker.snapshot(self.now)
        assert view.admits(self.now) == self.breaker.admits(self.now)
        assert view.state is self.breaker.state

    @invariant()
    def it_is_never_refusing_for_longer_than_its_limits_allow(self) -> None:
        limited_until = self.breaker.snapshot(self.now).rate_limited_until or 0.0
        longest = max(self.limits.open_max * (1 + self.limits.jitter), self.limits.probe_lease)
        assert self.breaker.retry_at <= max(limited_until, self.now + longest)

    def teardown(self) -> None:
        """Not stuck: waiting until it says so and one success is always enough."""
        self.now = max(self.now, self.breaker.retry_at)
        call(self.breaker, "success", self.now)
        if self.breaker.state is OPEN:
            self.now = self.breaker.retry_at
            call(self.breaker, "success", self.now)
        assert self.breaker.state is CLOSED


TestAnyTraffic = AnyTraffic.TestCase
TestAnyTraffic.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


# Other limits


def test_under_other_limits_what_is_decided_stays() -> None:
    tested = opened()
    tested.use(BreakerLimits(minimum_calls=100, open_for=1.0, open_max=1.0, jitter=0.0))
    assert (tested.state, tested.retry_at) == (OPEN, 10.0)
    tested.record(tested.enter(10.0), "failure", 10.0)
    assert tested.retry_at == 11.0


def test_under_other_limits_the_calls_that_were_counted_still_count() -> None:
    tested = breaker()
    for _ in range(4):
        call(tested, "failure", 0.0)
    tested.use(BreakerLimits(minimum_calls=100, jitter=0.0))
    for _ in range(4):
        call(tested, "failure", 0.0)
    assert tested.state is CLOSED
    tested.use(BreakerLimits(minimum_calls=9, jitter=0.0))
    call(tested, "failure", 0.0)
    assert tested.state is OPEN


def test_in_another_window_counting_begins_anew() -> None:
    tested = breaker()
    call(tested, "failure", 0.0)
    tested.use(BreakerLimits(window=1.0, jitter=0.0))
    assert tested.snapshot(0.0).counts == Counts()
