"""What happened in the last minute."""

from __future__ import annotations

import pytest

from cortex_actors.gateway.rates import RateMeter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> RateMeter:
    return RateMeter(wall_clock=clock)


def test_the_last_whole_seconds_are_added_up(meter: RateMeter, clock: Clock) -> None:
    for second in range(5):
        clock.now = 1000.0 + second
        meter.enter("complete", failed=False, ttft=0.1 * (second + 1), tokens=10)
        meter.enter("truncated", failed=True)
    clock.now = 1005.5

    last = meter.last(5)
    assert (last.requests, last.errors, last.tokens) == (10, 5, 50)
    assert last.ends == {"complete": 5, "truncated": 5}
    assert meter.last(2).requests == 4


def test_the_second_that_still_runs_is_not_told_yet(meter: RateMeter, clock: Clock) -> None:
    meter.enter("complete", failed=False)
    assert meter.last(10).requests == 0
    clock.now += 1
    assert meter.last(10).requests == 1


@pytest.mark.parametrize(
    ("ttfts", "p50", "p95"),
    [([], None, None), ([0.3], 0.3, 0.3), ([0.1, 0.2, 0.3, 0.4], 0.2, 0.4), (list(range(1, 101)), 50, 95)],
)
def test_percentiles_are_of_first_tokens_alone(
    meter: RateMeter, clock: Clock, ttfts: list[float], p50: float | None, p95: float | None
) -> None:
    for ttft in ttfts:
        meter.enter("complete", failed=False, ttft=ttft)
    meter.enter("client_gone", failed=False, ttft=None)
    clock.now += 1
    last = meter.last(10)
    assert (last.ttft_p50, last.ttft_p95) == (p50, p95)


def test_the_last_minute_is_told_second_by_second(meter: RateMeter, clock: Clock) -> None:
    for second in (1000.0, 1030.0, 1059.0):
        clock.now = second
        meter.enter("complete", failed=False)
    clock.now = 1060.2
    seconds = meter.per_second()
    assert len(seconds) == 60
    assert [second.at for second in seconds if second.requests] == [1000, 1030, 1059]


def test_a_minute_later_all_is_forgotten(meter: RateMeter, clock: Clock) -> None:
    for second in range(500):
        clock.now = 1000.0 + second
        meter.enter("complete", failed=False)
    assert len(meter._seconds) == 61
    clock.now += 100
    assert not any(second.requests for second in meter.per_second())
