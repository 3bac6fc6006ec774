"""Counters in memory: a window that slides, and never more of them than allowed."""

from __future__ import annotations

import threading

import pytest

from cortex_actors.rate_limits.counters import Counters

PERIOD = 60


class Clock:
    """Epoch seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 1_000_020.0  # a third of its period is over

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(clock: Clock) -> Counters:
    return Counters(clock)


def hits(counters: Counters, times: int, limit: int = 60, key: str = "a") -> int:
    """How many of so many hits are let in."""
    return sum(counters.acquire_sliding_window_entry(key, limit, PERIOD) for _ in range(times))


def test_a_limit_is_exact_within_a_period(counters: Counters) -> None:
    assert hits(counters, 100) == 60


def test_each_key_has_its_own(counters: Counters) -> None:
    assert hits(counters, 60) == 60
    assert hits(counters, 60, key="b") == 60


def test_the_last_period_counts_for_the_share_that_the_window_still_covers(
    counters: Counters, clock: Clock
) -> None:
    clock.now = 1_000_020.0
    assert hits(counters, 60) == 60
    clock.now = 1_000_020.0 + 60 - (1_000_020 % 60) + 15  # a quarter of the next period
    assert hits(counters, 60) == 15


def test_two_periods_later_everything_is_free_again(counters: Counters, clock: Clock) -> None:
    assert hits(counters, 60) == 60
    clock.now += 2 * PERIOD
    assert hits(counters, 61) == 60


def test_a_burst_at_the_seam_of_two_periods_is_not_let_in_twice(counters: Counters, clock: Clock) -> None:
    clock.now = 1_000_079.9 - (1_000_079.9 % 60) + 59.9
    assert hits(counters, 60) == 60
    clock.now += 0.2
    assert hits(counters, 60) <= 1


def test_what_is_refused_is_not_counted(counters: Counters, clock: Clock) -> None:
    hits(counters, 1000)
    assert counters.get_sliding_window("a", PERIOD)[2] == 60


def test_several_at_once_are_let_in_together_or_not_at_all(counters: Counters) -> None:
    assert counters.acquire_sliding_window_entry("a", 60, PERIOD, 50)
    assert not counters.acquire_sliding_window_entry("a", 60, PERIOD, 11)
    assert counters.acquire_sliding_window_entry("a", 60, PERIOD, 10)


def test_a_look_counts_nothing_and_remembers_nobody(counters: Counters) -> None:
    assert counters.get_sliding_window("stranger", PERIOD)[2] == 0
    assert len(counters) == 0


def test_whoever_was_refused_from_the_start_is_not_remembered(counters: Counters) -> None:
    assert not counters.acquire_sliding_window_entry("a", 1, PERIOD, 2)
    assert len(counters) == 0


def test_those_that_matter_no_more_are_forgotten(counters: Counters, clock: Clock) -> None:
    for number in range(1000):
        hits(counters, 1, key=str(number))
    clock.now += 3 * PERIOD
    hits(counters, 1, key="late")
    assert len(counters) == 1


def test_strangers_without_number_take_no_more_memory_than_allowed(clock: Clock) -> None:
    counters = Counters(clock, most=100)
    for number in range(10_000):
        hits(counters, 1, key=str(number))
    assert len(counters) == 100


def test_a_clock_that_is_set_back_locks_nobody_out(counters: Counters, clock: Clock) -> None:
    assert hits(counters, 60) == 60
    clock.now -= 3600
    assert hits(counters, 60) == 60


def test_threads_together_are_let_in_as_often_as_one_alone(counters: Counters) -> None:
    let_in: list[int] = []
    threads = [threading.Thread(target=lambda: let_in.append(hits(counters, 200, 500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let_in) == 500
