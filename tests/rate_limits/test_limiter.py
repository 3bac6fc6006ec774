"""The limiter, counting in memory."""

from __future__ import annotations

import threading
import time

import pytest

from cortex_actors.rate_limits import Kind, Limiter, Quota


class Clock:
    """Epoch seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 1_000_020.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refusals() -> list[Kind]:
    return []


@pytest.fixture
def limiter(clock: Clock, refusals: list[Kind]) -> Limiter:
    return Limiter(clock=clock, on_refused=refusals.append)


SIXTY = Quota(requests=60)


def test_as_many_requests_are_let_in_as_the_quota_says(limiter: Limiter) -> None:
    entries = [limiter.enter("a", SIXTY) for _ in range(61)]
    assert [entry.standing.refused for entry in entries] == [None] * 60 + ["requests"]


def test_each_request_hears_what_is_left(limiter: Limiter) -> None:
    windows = [limiter.enter("a", SIXTY).standing.requests for _ in range(3)]
    assert [window and (window.limit, window.remaining) for window in windows] == [
        (60, 59),
        (60, 58),
        (60, 57),
    ]


def test_a_refused_one_hears_when_to_come_again(limiter: Limiter, clock: Clock) -> None:
    for _ in range(61):
        standing = limiter.enter("a", SIXTY).standing
    assert standing.requests is not None
    wait = standing.requests.reset_at - time.time()
    assert 0 < wait <= 60.1
    clock.now += wait - 1.1
    assert limiter.enter("a", SIXTY).standing.refused == "requests"
    clock.now += 1.1
    assert limiter.enter("a", SIXTY).standing.refused is None


def test_callers_do_not_share(limiter: Limiter) -> None:
    for _ in range(60):
        limiter.enter("a", SIXTY)
    assert limiter.enter("a", SIXTY).standing.refused == "requests"
    assert limiter.enter("b", SIXTY).standing.refused is None


def test_a_look_counts_nothing(limiter: Limiter) -> None:
    for _ in range(100):
        standing = limiter.look("a", SIXTY)
    assert standing.requests is not None
    assert standing.requests.remaining == 60


def test_a_quota_of_nothing_limits_nothing(limiter: Limiter) -> None:
    entries = [limiter.enter("a", Quota()) for _ in range(1000)]
    assert not any(entry.standing.refused for entry in entries)


def test_so_many_streams_run_at_once_and_a_place_is_free_when_one_is_over(limiter: Limiter) -> None:
    quota = Quota(streams=2)
    first, second = limiter.enter("a", quota), limiter.enter("a", quota)
    assert limiter.enter("a", quota).standing.refused == "streams"
    limiter.leave(first, 0)
    assert limiter.enter("a", quota).standing.refused is None
    assert limiter.enter("a", quota).standing.refused == "streams"
    limiter.leave(second, 0)


def test_leaving_twice_frees_one_place(limiter: Limiter) -> None:
    quota = Quota(streams=2)
    first = limiter.enter("a", quota)
    limiter.enter("a", quota)
    limiter.leave(first, 0)
    limiter.leave(first, 0)
    limiter.enter("a", quota)
    assert limiter.enter("a", quota).standing.refused == "streams"


def test_whoever_was_refused_holds_no_place(limiter: Limiter) -> None:
    quota = Quota(requests=1, streams=1)
    first = limiter.enter("a", quota)
    limiter.leave(limiter.enter("a", quota), 0)
    limiter.leave(first, 0)
    assert limiter.enter("a", quota).standing.refused == "requests"
    assert limiter.enter("a", quota).standing.refused == "requests"  # and not "streams"


def test_a_stream_too_many_is_not_counted_as_a_request(limiter: Limiter) -> None:
    quota = Quota(requests=10, streams=1)
    first = limiter.enter("a", quota)
    for _ in range(20):
        limiter.enter("a", quota)
    limiter.leave(first, 0)
    standing = limiter.enter("a", quota).standing
    assert standing.requests is not None
    assert standing.requests.remaining == 8


def test_tokens_are_counted_when_the_answer_is_over(limiter: Limiter) -> None:
    quota = Quota(tokens=1000)
    entry = limiter.enter("a", quota)
    limiter.leave(entry, 400)
    standing = limiter.look("a", quota)
    assert standing.tokens is not None
    assert (standing.tokens.limit, standing.tokens.remaining) == (1000, 600)


def test_an_answer_may_go_beyond_the_limit_and_the_next_request_pays(limiter: Limiter, clock: Clock) -> None:
    quota = Quota(tokens=1000)
    limiter.leave(limiter.enter("a", quota), 5000)
    assert limiter.enter("a", quota).standing.refused == "tokens"
    standing = limiter.enter("a", quota).standing
    assert standing.tokens is not None
    wait = standing.tokens.reset_at - time.time()
    clock.now += wait - 1.0  # five times the limit is not forgotten within a minute
    assert limiter.enter("a", quota).standing.refused == "tokens"
    clock.now += 1.0
    assert limiter.enter("a", quota).standing.refused is None


def test_what_running_requests_may_cost_counts_until_it_is_known(limiter: Limiter) -> None:
    quota = Quota(tokens=1000)
    first, second = limiter.enter("a", quota, 600), limiter.enter("a", quota, 600)
    assert second.standing.refused is None
    assert limiter.enter("a", quota, 1).standing.refused == "tokens"
    limiter.leave(first, 10)
    limiter.leave(second, 10)
    assert limiter.enter("a", quota, 1).standing.refused is None


def test_one_large_request_is_let_in_when_nothing_else_runs(limiter: Limiter) -> None:
    quota = Quota(tokens=1000)
    assert limiter.enter("a", quota, 1_000_000).standing.refused is None


def test_a_request_over_its_tokens_is_not_counted_as_a_request(limiter: Limiter) -> None:
    quota = Quota(requests=10, tokens=1000)
    limiter.leave(limiter.enter("a", quota), 5000)
    for _ in range(20):
        standing = limiter.enter("a", quota).standing
    assert standing.refused == "tokens"
    assert standing.requests is not None
    assert standing.requests.remaining == 9


def test_every_refusal_is_told_once_with_its_reason(limiter: Limiter, refusals: list[Kind]) -> None:
    limiter.enter("a", Quota(requests=1))
    limiter.enter("a", Quota(requests=1))
    limiter.enter("b", Quota(streams=1))
    limiter.enter("b", Quota(streams=1))
    limiter.leave(limiter.enter("c", Quota(tokens=1)), 1)
    limiter.enter("c", Quota(tokens=1))
    assert refusals == ["requests", "streams", "tokens"]


def test_without_redis_nothing_is_lost(limiter: Limiter) -> None:
    assert not limiter.lost
    assert limiter.losses == 0


def test_places_are_exact_when_threads_come_and_go(limiter: Limiter) -> None:
    quota = Quota(streams=5)
    at_once: list[int] = []
    inside = threading.Semaphore(5)

    def come_and_go() -> None:
        for _ in range(300):
            entry = limiter.enter("a", quota)
            if entry.standing.refused is None:
                at_once.append(inside.acquire(blocking=False))
                inside.release()
                limiter.leave(entry, 0)

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(at_once)
    entries = [limiter.enter("a", quota) for _ in range(6)]
    assert [entry.standing.refused for entry in entries] == [None] * 5 + ["streams"]
