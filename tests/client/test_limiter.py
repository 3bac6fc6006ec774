"""Rate limits keep calls apart before the server has to."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.client.errors import LimitReached, RateLimited
from cortex_actors.client.limiter import Queue, RateLimit, RateLimiter
from tests.client import PLAIN
from tests.client.conftest import Connect
from tests.upstream import ScriptedUpstream, json_answer


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _limiter(clock: Clock, **limits: RateLimit) -> RateLimiter:
    return RateLimiter(limits, clock=clock, sleep=clock.sleep)


def test_no_window_ever_holds_more_calls_than_the_limit() -> None:
    queue, turns = Queue(RateLimit(3, 10.0)), []
    for step in range(100):
        now = step * 1.7
        wait = queue.book(now, longest=1e9)
        assert wait is not None
        turns.append(now + wait)
    assert all(turns[n + 3] - turns[n] > 9.999 for n in range(len(turns) - 3))


def test_a_turn_that_is_too_far_is_refused_and_not_booked() -> None:
    clock = Clock()
    limiter = _limiter(clock, a=RateLimit(1, 10.0))
    assert limiter.acquire("a") == 0.0
    for _ in range(3):
        with pytest.raises(LimitReached, match="'a' has no turn within 5 s"):
            limiter.acquire("a", timeout=5.0)
    assert limiter.acquire("a", timeout=10.0) == 10.0


def test_limits_of_different_names_do_not_know_each_other() -> None:
    limiter = _limiter(Clock(), a=RateLimit(1, 10.0), b=RateLimit(1, 10.0))
    assert limiter.acquire("a") == limiter.acquire("b") == 0.0


def test_a_server_that_asks_for_quiet_holds_the_whole_queue_and_only_ever_longer() -> None:
    clock = Clock()
    limiter = _limiter(clock)
    limiter.hold("a", 30.0)
    limiter.hold("a", 1.0)
    assert limiter.acquire("a") == 30.0


def test_calls_wait_for_their_turn_as_the_manifest_says(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-15: rate_limits are applied.
    upstream.default = json_answer(200, {})
    clock = Clock()
    limiter = _limiter(clock, slow=RateLimit(2, 5.0))
    manifest = {"rate_limits": {"slow": {"limit": 2, "window": 5}}}
    client = connect({**PLAIN, "rate_limit": "slow"}, manifest=manifest, limiter=limiter)
    for _ in range(4):
        client.execute("get_thing", path_params={"id": 1})
    assert clock.now == 105.0


def test_the_manifests_limit_is_kept_without_a_limiter_of_ones_own(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = json_answer(200, {})
    manifest = {"rate_limits": {"slow": {"limit": 1, "window": 3600}}}
    client = connect({**PLAIN, "rate_limit": "slow"}, manifest=manifest, longest_wait=0.0)
    client.execute("get_thing", path_params={"id": 1})
    with pytest.raises(LimitReached):
        client.execute("get_thing", path_params={"id": 1})
    assert len(upstream.requests) == 1


def test_a_429_holds_everybody_under_the_same_limit(upstream: ScriptedUpstream, connect: Connect) -> None:
    held: list[Any] = []

    class Held:
        def acquire(self, name: str, timeout: float | None = None) -> float:
            return 0.0

        def hold(self, name: str, seconds: float) -> None:
            held.append((name, seconds))

    upstream.default = json_answer(429, headers={"Retry-After": "7"})
    manifest = {"rate_limits": {"slow": {"limit": 9, "window": 1}}}
    client = connect({**PLAIN, "rate_limit": "slow"}, manifest=manifest, limiter=Held())
    with pytest.raises(RateLimited):
        client.execute("get_thing", path_params={"id": 1}, max_retries=0)
    assert held == [("slow", 7.0)]
