"""Windows in a real Redis: shared by instances, and no request waits for one that is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cortex_actors.rate_limits import Limiter, Quota, Target
from tests.redis_server import RedisServer

pytestmark = pytest.mark.needs("redis-server")

#: Long enough for anything that is not broken, in seconds.
PATIENCE = 10.0

#: What a request may wait for a Redis that is lost: the timeout, and a busy machine.
TIMEOUT = 0.1
AT_MOST = 0.5

FIVE = Quota(requests=5)
NO_END = Quota(requests=100_000)

Instance = Callable[..., Limiter]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def instance() -> Iterator[Instance]:
    """Makes limiters that know this Redis, as several gateways would."""
    with ExitStack() as stack:

        def make(server: RedisServer, *, wait: bool = True, **options: Any) -> Limiter:
            target = Target(server.url, **{"timeout": TIMEOUT, "retry_every": 0.05, **options})
            limiter = Limiter(target)
            stack.callback(limiter.close)
            if wait:
                wait_until(lambda: not limiter.lost)
            return limiter

        yield make


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def let_in(limiter: Limiter, times: int, quota: Quota = FIVE, who: str = "a") -> int:
    return sum(limiter.enter(who, quota).standing.refused is None for _ in range(times))


def longest(limiter: Limiter, times: int, quota: Quota = NO_END) -> float:
    """The longest that one of so many requests waited, in seconds."""
    waits = []
    for _ in range(times):
        began = time.perf_counter()
        limiter.enter("a", quota)
        waits.append(time.perf_counter() - began)
    return max(waits)


def test_instances_share_one_quota(server: RedisServer, instance: Instance) -> None:
    one, two = instance(server), instance(server)
    assert let_in(one, 3) == 3
    assert let_in(two, 10) == 2
    assert let_in(one, 10) == 0


def test_four_instances_at_once_let_in_exactly_the_limit(server: RedisServer, instance: Instance) -> None:
    quota = Quota(requests=500)
    instances = [instance(server, timeout=PATIENCE) for _ in range(4)]
    with ThreadPoolExecutor(8) as callers:
        admitted = sum(callers.map(lambda n: let_in(instances[n % 4], 250, quota), range(8)))
    assert admitted == 500


def test_tokens_are_shared_too(server: RedisServer, instance: Instance) -> None:
    quota = Quota(tokens=1000)
    one, two = instance(server), instance(server)
    one.leave(one.enter("a", quota), 5000)
    wait_until(lambda: two.look("a", quota).tokens.remaining == 0)  # type: ignore[union-attr]
    assert two.enter("a", quota).standing.refused == "tokens"


def test_a_quota_in_redis_is_told_as_one_in_memory(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    let_in(limiter, 5)
    standing = limiter.enter("a", FIVE).standing
    assert standing.requests is not None
    assert (standing.requests.limit, standing.requests.remaining) == (5, 0)
    assert 0 < standing.requests.reset_at - time.time() <= 61


def test_a_redis_that_was_never_there_holds_nobody_up(server: RedisServer, instance: Instance) -> None:
    server.kill()
    limiter = instance(server, wait=False)
    assert longest(limiter, 100) < TIMEOUT / 2
    assert let_in(limiter, 10) == 5
    assert limiter.lost


def test_one_that_comes_later_is_used_then(server: RedisServer, instance: Instance) -> None:
    server.kill()
    limiter = instance(server, wait=False)
    let_in(limiter, 1)
    server.start()
    wait_until(lambda: not limiter.lost)
    assert let_in(limiter, 10, who="b") == 5


def test_when_it_is_killed_memory_goes_on_at_once(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    assert let_in(limiter, 3) == 3
    server.kill()
    assert longest(limiter, 100) < AT_MOST
    assert limiter.lost
    wait_until(lambda: limiter.losses == 1)


def test_memory_knows_what_redis_let_in_here(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    assert let_in(limiter, 3) == 3
    server.kill()
    assert let_in(limiter, 10) == 2


def test_what_redis_refused_does_not_count_in_memory(server: RedisServer, instance: Instance) -> None:
    here, elsewhere = instance(server), instance(server)
    assert let_in(elsewhere, 5) == 5
    assert let_in(here, 20) == 0
    server.kill()
    assert let_in(here, 10) == 5


def test_when_it_hangs_one_timeout_is_all_that_anybody_waits(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    server.stop_answering()
    assert longest(limiter, 1) < AT_MOST  # the one that pays
    assert limiter.lost
    assert longest(limiter, 1000) < TIMEOUT / 2


def test_all_that_wait_for_a_hung_redis_wait_together(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    server.stop_answering()
    began = time.perf_counter()
    threads = [threading.Thread(target=limiter.enter, args=("a", NO_END)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.perf_counter() - began < AT_MOST
    wait_until(lambda: limiter.losses == 1)


def test_it_is_used_again_when_it_goes_on(server: RedisServer, instance: Instance) -> None:
    one, two = instance(server), instance(server)
    server.stop_answering()
    longest(one, 1)
    assert one.lost
    server.go_on()
    wait_until(lambda: not one.lost)
    assert let_in(one, 3, who="b") == 3
    assert let_in(two, 10, who="b") == 2


def test_it_is_used_again_when_it_was_restarted_empty(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    server.kill()
    let_in(limiter, 1)
    assert limiter.lost
    server.start()
    wait_until(lambda: not limiter.lost)
    assert let_in(limiter, 10, who="b") == 5
    assert limiter.losses == 1


def test_the_end_of_a_request_never_waits(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    quota = Quota(tokens=1_000_000)
    entries = [limiter.enter("a", quota) for _ in range(200)]
    server.stop_answering()
    began = time.perf_counter()
    for entry in entries:
        limiter.leave(entry, 10)
    assert time.perf_counter() - began < TIMEOUT
    standing = Limiter.look(limiter, "a", quota)
    assert standing.tokens is not None
    assert standing.tokens.remaining <= 1_000_000 - 2000  # memory knows them


def test_one_that_answers_and_cannot_write_is_of_no_use(server: RedisServer, instance: Instance) -> None:
    limiter = instance(server)
    say(server, "REPLICAOF 127.0.0.1 1")
    assert let_in(limiter, 10) == 5
    assert limiter.lost
    say(server, "REPLICAOF NO ONE")
    wait_until(lambda: not limiter.lost)


def test_a_password_is_shown_and_a_wrong_one_is_no_way_in(tmp_path: Path, instance: Instance) -> None:
    with RedisServer(tmp_path, password="s3cret") as server:
        assert let_in(instance(server, password="s3cret"), 10) == 5
        stranger = instance(server, wait=False, password="guess")
        assert let_in(stranger, 10) == 5
        assert stranger.lost


def test_an_answer_that_is_only_late_is_no_loss(
    server: RedisServer, instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = instance(server, timeout=0.000001)  # sooner than any answer
    caplog.clear()
    for _ in range(20):
        limiter.enter("a", NO_END)
        wait_until(lambda: not limiter.lost)
    assert limiter.losses == 0
    assert caplog.records == []


def test_a_redis_may_be_behind_a_unix_socket(tmp_path: Path, instance: Instance) -> None:
    with RedisServer(tmp_path, unix_socket=True) as server:
        assert let_in(instance(server), 10) == 5


def test_nothing_of_it_runs_on_after_the_end(server: RedisServer, instance: Instance) -> None:
    before = {thread.name for thread in threading.enumerate()}
    limiter = instance(server)
    let_in(limiter, 1)
    limiter.close()
    wait_until(lambda: {thread.name for thread in threading.enumerate()} <= before)


def say(server: RedisServer, command: str) -> None:
    """Sends one command."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(command.encode() + b"\r\n")
        assert connection.recv(64).startswith(b"+OK")
