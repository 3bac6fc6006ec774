"""Places and bytes: handed out in order, given back whatever happens."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from cortex_actors.client import APIError, BytesSemaphore, CountingSemaphore, TelemetryEvent
from cortex_actors.client.errors import LimitReached
from cortex_actors.client.semaphores import DEFAULT_BYTES
from tests.client import LONG, PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, sse_stream


@pytest.mark.parametrize("limit", [0, -1])
def test_a_semaphore_without_room_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CountingSemaphore(limit)
    with pytest.raises(ValueError, match="at least 1"):
        BytesSemaphore(limit)


def test_no_more_than_the_limit_have_a_place() -> None:
    places = CountingSemaphore(2)
    assert [places.acquire(0), places.acquire(0), places.acquire(0)] == [True, True, False]
    assert places.available == 0
    places.release()
    assert places.available == 1
    assert places.acquire(0)


def test_a_place_is_given_back_by_success_and_by_error() -> None:
    places = CountingSemaphore(1)
    with places.place():
        assert places.available == 0
    with pytest.raises(ZeroDivisionError), places.place():
        raise ZeroDivisionError
    assert places.available == 1


def test_a_thread_that_ends_inside_gives_its_place_back() -> None:
    places = CountingSemaphore(1)

    def leave() -> None:
        with suppress(ZeroDivisionError), places.place():
            raise ZeroDivisionError

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join(LONG)
    assert places.available == 1


def test_nothing_is_given_back_twice() -> None:
    with pytest.raises(ValueError, match="nobody had taken"):
        CountingSemaphore(1).release()


def test_waiting_ends_with_the_time() -> None:
    places = CountingSemaphore(1)
    places.acquire()
    assert not places.acquire(0.05)
    with pytest.raises(LimitReached), places.place(0.05):
        pass
    places.release()
    assert places.acquire(0), "whoever gave up waiting left the line"


def test_many_threads_never_hold_more_than_the_limit() -> None:
    places, lock, inside, most = CountingSemaphore(3), threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with places.place():
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(2000)))
    assert 1 <= most <= 3
    assert places.available == 3


def test_bytes_may_be_overdrawn_once_and_then_block() -> None:
    budget = BytesSemaphore(100)
    assert budget.acquire(250, 0)
    assert budget.available == -150
    assert not budget.acquire(1, 0)
    budget.release(250)
    assert budget.available == 100
    assert budget.acquire(1, 0)


def test_five_mebibytes_are_the_usual_budget() -> None:
    assert BytesSemaphore().budget == DEFAULT_BYTES == 5 * 1024 * 1024


@pytest.mark.parametrize("kind", ["places", "bytes"])
def test_waiters_are_served_in_the_order_of_their_coming(kind: str) -> None:
    semaphore: Any = CountingSemaphore(1) if kind == "places" else BytesSemaphore(1)
    arguments = () if kind == "places" else (2,)
    served: list[int] = []
    semaphore.acquire(*arguments)
    threads = []
    for number in range(5):
        waiting = len(semaphore._line._waiting)

        def wait(number: int = number) -> None:
            semaphore.acquire(*arguments)
            served.append(number)
            semaphore.release(*arguments)

        threads.append(threading.Thread(target=wait))
        threads[-1].start()
        with semaphore._line.changed:
            assert semaphore._line.changed.wait_for(
                lambda waiting=waiting: len(semaphore._line._waiting) > waiting, LONG
            )
    semaphore.release(*arguments)
    for thread in threads:
        thread.join(LONG)
    assert served == [0, 1, 2, 3, 4]


def test_a_stream_keeps_its_place_until_it_is_over(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-8: streams went past the semaphore.
    go = threading.Event()
    upstream.default = sse_stream("a", "b").pause(1, Gate(go))
    places = CountingSemaphore(1)
    client = connect(STREAM, semaphore=places, longest_wait=0.0)
    response = client.execute_stream("stream_chat")
    with pytest.raises(LimitReached):
        client.execute_stream("stream_chat")
    go.set()
    assert len(list(response)) == 2
    assert places.available == 1


def test_a_stream_that_is_forgotten_gives_its_place_back_and_tells_its_end(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-9: a stream that was never read kept everything it held.
    upstream.default = sse_stream("a").then(Hang())
    places, told = CountingSemaphore(1), list[TelemetryEvent]()
    client = connect(STREAM, semaphore=places, telemetry=[told.append])
    response = client.execute_stream("stream_chat")
    assert places.available == 0
    del response
    gc.collect()
    assert places.available == 1
    assert [event.metadata["outcome"] for event in told if event.name == "stream.stop"] == ["closed"]
    assert upstream.request().closed.wait(LONG)


def test_a_call_that_fails_gives_its_place_and_its_bytes_back(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = json_answer(500)
    places, budget = CountingSemaphore(1), BytesSemaphore(10)
    post = {**PLAIN, "method": "POST"}
    client = connect(post, STREAM, semaphore=places, bytes_semaphore=budget, longest_wait=0.0)
    for call in (
        lambda: client.execute("get_thing", {"a": "x" * 100}, path_params={"id": 1}),
        lambda: client.execute_stream("stream_chat", {"a": "x" * 100}),
    ):
        with pytest.raises(APIError, match="500"):
            call()
        assert (places.available, budget.available) == (1, 10)
