"""Windows: what they tell of themselves is true."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.rate_limits import Quota
from cortex_actors.rate_limits.counters import Counters
from cortex_actors.rate_limits.windows import Windows

#: A whole number of periods.
START = 60.0 * 1_000_000

STEPS = st.lists(st.tuples(st.floats(0, 90), st.integers(1, 30)), min_size=1, max_size=12)


class Desk:
    """Windows, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now = START
        self.windows = Windows(Counters(lambda: self.now))

    def more_in(self, quota: Quota) -> tuple[int, float]:
        """How much is left, and the seconds until there is more."""
        standing = self.windows.look("a", quota)
        window = standing.requests or standing.tokens
        assert window is not None
        return window.remaining, window.reset_at - time.time()


@settings(deadline=None)
@given(STEPS, st.integers(1, 60))
def test_when_a_window_says_that_there_is_more_there_is(steps: list[tuple[float, int]], limit: int) -> None:
    desk, quota = Desk(), Quota(requests=limit)
    for pause, requests in steps:
        desk.now += pause
        for _ in range(requests):
            desk.windows.enter("a", quota, 0)
    left, wait = desk.more_in(quota)
    if left < limit:
        desk.now += wait + 0.001  # the real clock went on a little while we read it
        assert desk.more_in(quota)[0] > left


@settings(deadline=None)
@given(STEPS, st.integers(1, 60))
def test_and_not_much_earlier(steps: list[tuple[float, int]], limit: int) -> None:
    desk, quota = Desk(), Quota(requests=limit)
    for pause, requests in steps:
        desk.now += pause
        for _ in range(requests):
            desk.windows.enter("a", quota, 0)
    left, wait = desk.more_in(quota)
    if wait > 0.1:
        desk.now += wait - 0.1
        assert desk.more_in(quota)[0] <= left


@settings(deadline=None)
@given(STEPS, st.integers(1, 60))
def test_tokens_beyond_the_limit_are_paid_back_by_then(steps: list[tuple[float, int]], limit: int) -> None:
    desk, quota = Desk(), Quota(tokens=limit)
    for pause, tokens in steps:
        desk.now += pause
        desk.windows.charge("a", quota, tokens)
    left, wait = desk.more_in(quota)
    if left == 0:
        assert desk.windows.enter("a", quota, 0).refused == "tokens"
        desk.now += wait + 0.001
        assert desk.windows.enter("a", quota, 0).refused is None


@settings(deadline=None)
@given(STEPS, st.integers(1, 60))
def test_no_minute_between_two_seams_has_more_than_the_limit(
    steps: list[tuple[float, int]], limit: int
) -> None:
    desk, quota = Desk(), Quota(requests=limit)
    let_in: dict[int, int] = {}
    for pause, requests in steps:
        desk.now += pause
        for _ in range(requests):
            if desk.windows.enter("a", quota, 0).refused is None:
                period = int(desk.now // 60)
                let_in[period] = let_in.get(period, 0) + 1
    assert max(let_in.values()) <= limit
