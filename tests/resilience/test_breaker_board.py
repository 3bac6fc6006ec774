"""A provider's breakers together: who is charged for what, and a whole outage on a virtual clock."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from heapq import heappop, heappush
from random import Random

import pytest

from cortex_actors.errors import (
    AttemptCancelled,
    FailureClass,
    QuotaExhausted,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.resilience.breaker_board import AttemptOutcome, BreakerBoard, Permit, Refusal
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.circuit_breaker import BreakerLimits

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
OK = AttemptOutcome()
REFUSED = AttemptOutcome.of(UpstreamConnectError())
SERVER_ERROR = AttemptOutcome.of(UpstreamFailure())


def board(max_models: int = 256) -> BreakerBoard:
    return BreakerBoard("groq", BreakerLimits(jitter=0.0), Random(1), max_models=max_models)


def permit(tested: BreakerBoard, model: str, now: float) -> Permit:
    admission = tested.admit(model, now)
    assert isinstance(admission, Permit)
    return admission


def attempt(tested: BreakerBoard, model: str, outcome: AttemptOutcome, now: float, times: int = 1) -> None:
    for allowed in [permit(tested, model, now) for _ in range(times)]:
        tested.record(allowed, outcome, now)


def test_a_models_failures_leave_the_other_models_alone() -> None:
    tested = board()
    attempt(tested, "large", SERVER_ERROR, 0.0, times=5)
    assert tested.admit("large", 1.0) == Refusal(retry_at=10.0)
    assert tested.admits("small", 1.0)
    assert (tested.state_of("large"), tested.state_of("small"), tested.state_of()) == (OPEN, CLOSED, CLOSED)


def test_failed_connections_shut_the_whole_provider() -> None:
    tested = board()
    attempt(tested, "large", REFUSED, 0.0, times=3)
    attempt(tested, "small", REFUSED, 0.0, times=2)
    assert tested.state_of() is OPEN
    assert tested.admit("never-tried", 1.0) == Refusal(retry_at=10.0)


def test_a_provider_that_answers_with_errors_is_reachable() -> None:
    tested = board()
    attempt(tested, "large", REFUSED, 0.0, times=5)
    probe = permit(tested, "small", 10.0)
    tested.record(probe, SERVER_ERROR, 11.0)
    assert tested.state_of() is CLOSED


def test_only_one_request_probes_a_provider_whatever_the_models() -> None:
    tested = board()
    attempt(tested, "large", REFUSED, 0.0, times=5)
    assert permit(tested, "small", 10.0).is_probe
    assert tested.admit("large", 10.0) == Refusal(retry_at=30.0)
    assert tested.admit("other", 10.0) == Refusal(retry_at=30.0)


def test_one_answer_closes_both_breakers() -> None:
    tested = board()
    attempt(tested, "large", REFUSED, 0.0, times=5)
    probe = permit(tested, "large", 10.0)
    assert [move.breaker for move in probe.transitions] == ["groq", "groq/large"]
    assert [move.breaker for move in tested.record(probe, OK, 11.0)] == ["groq", "groq/large"]
    assert tested.admits("large", 11.0)


def test_the_first_token_of_a_probe_brings_the_traffic_back_before_the_answer_is_whole() -> None:
    tested = board()
    attempt(tested, "large", SERVER_ERROR, 0.0, times=5)
    probe = permit(tested, "large", 10.0)
    assert [move.after for move in tested.first_token(probe, 11.0)] == [CLOSED]
    assert not permit(tested, "large", 11.0).is_probe


@pytest.mark.parametrize(
    "failure_class", ["caller", "model_missing", "key", "money", "rate_limit", "cancelled"]
)
def test_what_is_not_the_providers_fault_never_opens_anything(failure_class: FailureClass) -> None:
    tested = board()
    attempt(tested, "large", AttemptOutcome(failure_class), 0.0, times=100)
    assert tested.admits("large", 0.0)


@pytest.mark.parametrize("error", [UpstreamFailure(), TruncatedStream(), UpstreamTimeout("first_token", 8.0)])
def test_what_is_the_providers_fault_opens(error: UpstreamError) -> None:
    tested = board()
    attempt(tested, "large", AttemptOutcome.of(error), 0.0, times=5)
    assert tested.state_of("large") is OPEN


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (UpstreamConnectError(), False),
        (UpstreamTimeout("connect", 5.0), False),
        (UpstreamTimeout("first_token", 8.0), True),
        (UpstreamRejected(), True),
        (QuotaExhausted(), True),
        (AttemptCancelled(), None),
    ],
)
def test_an_error_tells_whether_the_provider_was_reached(error: UpstreamError, reached: bool | None) -> None:
    assert AttemptOutcome.of(error).reached is reached


def test_a_slow_first_token_is_held_against_the_model_only() -> None:
    tested = board()
    for _ in range(5):
        tested.first_token(permit(tested, "large", 0.0), 31.0)
    assert (tested.state_of("large"), tested.state_of()) == (OPEN, CLOSED)


def test_a_rate_limit_rests_the_model_until_the_later_deadline() -> None:
    tested = board()
    first, second = permit(tested, "large", 0.0), permit(tested, "large", 0.0)
    tested.record(first, AttemptOutcome.of(UpstreamRateLimited(), rate_limited_until=60.0), 1.0)
    tested.record(second, AttemptOutcome.of(UpstreamRateLimited(), rate_limited_until=5.0), 2.0)
    assert tested.admit("large", 30.0) == Refusal(retry_at=60.0)
    assert tested.admits("small", 30.0)
    assert tested.state_of("large") is CLOSED


def test_a_rate_limit_while_another_key_is_ready_rests_nothing_but_the_key() -> None:
    tested = board()
    attempt(tested, "large", AttemptOutcome.of(UpstreamRateLimited()), 0.0)
    assert tested.admits("large", 0.0)


def test_the_next_probe_is_known_while_one_is_needed() -> None:
    tested = board()
    assert tested.next_probe_at("large") is None
    attempt(tested, "large", SERVER_ERROR, 0.0, times=5)
    assert tested.next_probe_at("large") == 10.0
    tested.force("open", 1.0)
    assert tested.next_probe_at("large") is None


def test_forcing_a_provider_reaches_every_model_it_has_or_will_have() -> None:
    tested = board()
    attempt(tested, "large", SERVER_ERROR, 0.0, times=5)
    tested.force("closed", 1.0)
    attempt(tested, "large", SERVER_ERROR, 1.0, times=20)
    attempt(tested, "new", SERVER_ERROR, 1.0, times=20)
    assert tested.admits("large", 1.0)
    assert tested.admits("new", 1.0)
    tested.force("open", 2.0)
    assert tested.admit("other", 1e9) == Refusal(retry_at=None)
    tested.force("auto", 3.0)
    assert tested.admits("large", 3.0)


def test_forcing_one_model_leaves_the_others_alone() -> None:
    tested = board()
    tested.force("open", 0.0, model="large")
    assert not tested.admits("large", 1e9)
    assert tested.admits("small", 0.0)


def test_the_number_of_breakers_is_bounded_and_quiet_ones_are_forgotten_first() -> None:
    tested = board(max_models=3)
    attempt(tested, "broken", SERVER_ERROR, 0.0, times=5)
    for number in range(1000):
        attempt(tested, f"model-{number}", OK, 1.0)
    assert list(tested.snapshot(1.0).models) == ["broken", "model-998", "model-999"]


def test_of_quiet_breakers_the_one_idle_longest_is_forgotten() -> None:
    tested = board(max_models=2)
    for model in ("first", "second", "first", "third"):
        attempt(tested, model, OK, 1.0)
    assert list(tested.snapshot(1.0).models) == ["first", "third"]


def test_asking_changes_nothing() -> None:
    tested = board()
    attempt(tested, "large", SERVER_ERROR, 0.0, times=5)
    before = tested.snapshot(20.0)
    assert tested.admits("large", 20.0)
    assert tested.admits("never-tried", 20.0)
    assert tested.next_probe_at("large") == 10.0
    assert tested.snapshot(20.0) == before
    assert before.admits("large", 20.0)


def test_a_view_is_frozen() -> None:
    view = board().snapshot(0.0)
    with pytest.raises(FrozenInstanceError):
        view.provider = view.provider  # type: ignore[misc]


# A whole outage


class Outage:
    """A provider that fails from 60 s to 120 s, asked every `pace` seconds for 4 minutes by one gateway."""

    DOWN, UP = 60.0, 120.0

    def __init__(
        self,
        seed: int,
        pace: float,
        failure: Callable[[], tuple[float, UpstreamError]],
        only_probes_tell: bool = False,
    ) -> None:
        self.board = BreakerBoard("primary", BreakerLimits(), Random(seed))
        self.failure = failure
        self.only_probes_tell = only_probes_tell
        self.asked = [number * pace for number in range(int(240 / pace))]
        #: When an attempt reached the primary; all other requests went to the fallback.
        self.attempts: list[float] = []
        self.probes: list[float] = []
        #: (time, order, what happens then)
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = 0

    def run(self) -> "Outage":
        for at in self.asked:
            self._at(at, self._request)
        while self._agenda:
            now, _, act = heappop(self._agenda)
            act(now)
        return self

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        self._order += 1
        heappush(self._agenda, (when, self._order, act))

    def _request(self, now: float) -> None:
        admission = self.board.admit("llama", now)
        if isinstance(admission, Refusal):
            return
        self.attempts.append(now)
        if admission.is_probe:
            self.probes.append(now)
        if self.DOWN <= now < self.UP:
            seconds, error = self.failure()
            self._at(now + seconds, lambda later: self._ends(admission, AttemptOutcome.of(error), later))
        else:
            if admission.is_probe or not self.only_probes_tell:
                self._at(now + 0.5, lambda later: self._first_token(admission, later))
            self._at(now + 45.0, lambda later: self._ends(admission, AttemptOutcome(first_token=0.5), later))

    def _first_token(self, admission: Permit, now: float) -> None:
        self.board.first_token(admission, now)

    def _ends(self, admission: Permit, outcome: AttemptOutcome, now: float) -> None:
        self.board.record(admission, outcome, now)


FAILURES: dict[str, Callable[[], tuple[float, UpstreamError]]] = {
    "refused": lambda: (0.01, UpstreamConnectError()),
    "unreachable": lambda: (5.0, UpstreamTimeout("connect", 5.0)),
    "503": lambda: (0.1, UpstreamFailure()),
    "silent": lambda: (8.0, UpstreamTimeout("first_token", 8.0)),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("pace", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("only_probes_tell", [False, True])
def test_a_dead_provider_sees_one_probe_an_interval_and_has_its_traffic_back_within_30_s(
    failure: str, pace: float, seed: int, only_probes_tell: bool
) -> None:
    outage = Outage(seed, pace, FAILURES[failure], only_probes_tell).run()
    gaps = [later - earlier for earlier, later in zip(outage.probes, outage.probes[1:], strict=False)]
    assert all(gap >= BreakerLimits().open_for for gap in gaps)
    assert len([at for at in outage.probes if at < Outage.UP]) <= 6
    asked_again = [at for at in outage.asked if at >= Outage.UP + 30.0]
    assert [at for at in outage.attempts if at >= Outage.UP + 30.0] == asked_again


def test_an_outage_of_a_minute_at_one_request_a_second_costs_a_handful_of_attempts() -> None:
    outage = Outage(seed=1, pace=1.0, failure=FAILURES["503"]).run()
    during = [at for at in outage.attempts if Outage.DOWN <= at < Outage.UP]
    assert during[:5] == [60.0, 61.0, 62.0, 63.0, 64.0]
    assert during[5:] == [at for at in outage.probes if at < Outage.UP]
    assert len(during) <= 5 + 4


def test_other_limits_are_those_of_every_breaker_and_move_none() -> None:
    board = BreakerBoard("groq", BreakerLimits(minimum_calls=1, jitter=0.0), Random(1))
    permit = board.admit("llama", 0.0)
    assert isinstance(permit, Permit)
    board.record(permit, AttemptOutcome("server", reached=True), 0.0)
    board.use(BreakerLimits(minimum_calls=2, jitter=0.0))
    assert board.state_of("llama") is BreakerState.OPEN
    for model in ("known", "known"):
        permit = board.admit(model, 0.0)
        assert isinstance(permit, Permit)
        assert board.state_of(model) is BreakerState.CLOSED
        board.record(permit, AttemptOutcome("server", reached=True), 0.0)
    assert board.state_of("known") is BreakerState.OPEN
