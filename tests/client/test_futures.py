"""Jobs: asked for until they are over."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as WaitedTooLong
from typing import Any

import pytest

from cortex_actors.client import Polling, TimedOut, UnexpectedAnswer, combine
from cortex_actors.client.errors import InvalidCall, NotFound, PollExpired, PollFailed
from cortex_actors.client.futures import JobState
from cortex_actors.client.telemetry import TelemetryEvent
from tests.client import LONG, PLAIN
from tests.client.conftest import Connect
from tests.upstream import Reset, ScriptedUpstream, json_answer

JOB: dict[str, Any] = {
    "id": "run_job", "method": "POST", "path": "/jobs", "resource": "jobs", "async": True,
    "poll_endpoint": "look",
}  # fmt: skip
LOOK: dict[str, Any] = {"id": "look", "method": "POST", "path": "/look"}
QUICK = Polling(interval=0.001)
RECEIPT = json_answer(202, {"request_id": "r1"})


def _begin(upstream: ScriptedUpstream, connect: Connect, *looks: Any, **how: Any) -> Future[Any]:
    upstream.on_path("/jobs", RECEIPT)
    upstream.on_path("/look", *looks)
    polling = how.pop("polling", QUICK)
    return connect(JOB, LOOK, **how).execute_future("run_job", {"size": 1}, polling=polling)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "completed", "x": 1},
        {"status": "complete"},
        {"type": "success"},
        {"status": "SUCCEEDED"},
        {"result": 7},
    ],
)
def test_a_job_is_asked_for_with_its_receipt_until_it_is_done(
    upstream: ScriptedUpstream, connect: Connect, answer: Any
) -> None:
    pending = [json_answer(200, {"status": "pending"}), json_answer(200, {"type": "try_again"})]
    job = _begin(upstream, connect, *pending, json_answer(200, answer))
    assert job.result(LONG) == answer
    assert job.result(LONG) == answer, "a result stays"
    asked = [request.json for request in upstream.requests if request.path == "/look"]
    assert asked == [{"request_id": "r1"}] * 3


@pytest.mark.parametrize(
    "answer", [{"status": "failed", "error": "too big"}, {"type": "error", "error": "too big"}]
)
def test_a_job_that_failed_raises_in_the_servers_words(
    upstream: ScriptedUpstream, connect: Connect, answer: Any
) -> None:
    job = _begin(upstream, connect, json_answer(200, answer))
    with pytest.raises(PollFailed, match="too big") as error:
        job.result(LONG)
    assert error.value.answer == answer


def test_what_is_only_no_news_is_asked_again(upstream: ScriptedUpstream, connect: Connect) -> None:
    looks = [json_answer(408), json_answer(429), json_answer(503), [Reset()], json_answer(200, {"result": 1})]
    assert _begin(upstream, connect, *looks).result(LONG) == {"result": 1}


def test_a_job_the_server_forgot_and_one_it_refuses_are_over(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    with pytest.raises(PollExpired):
        _begin(upstream, connect, json_answer(410, {"a": 1})).result(LONG)
    with pytest.raises(NotFound):
        _begin(upstream, connect, json_answer(404)).result(LONG)


def test_the_state_of_the_queue_is_told_when_it_changes(upstream: ScriptedUpstream, connect: Connect) -> None:
    states: list[JobState] = []
    looks = [
        json_answer(408, {"queue_state": "ACTIVE"}),
        json_answer(408, {"queueState": "active"}),
        json_answer(408, {"state": "PAUSED_CAPACITY"}),
        json_answer(200, {"status": "pending"}),
        json_answer(200, {"result": 1}),
    ]
    polling = Polling(interval=0.001, on_state=states.append)
    _begin(upstream, connect, *looks, polling=polling).result(LONG)
    assert [(state.kind, state.detail) for state in states] == [
        ("queued", "active"),
        ("queued", "paused_capacity"),
        ("pending", ""),
    ]


def test_patience_ends_with_its_limit(upstream: ScriptedUpstream, connect: Connect) -> None:
    polling = Polling(interval=0.01, limit=0.05)
    with pytest.raises(TimedOut):
        _begin(upstream, connect, json_answer(200, {"status": "pending"}), polling=polling).result(LONG)


def test_waiting_may_end_before_the_job_does(upstream: ScriptedUpstream, connect: Connect) -> None:
    job = _begin(upstream, connect, json_answer(200, {"status": "pending"}))
    with pytest.raises(WaitedTooLong):
        job.result(0.05)
    assert not job.done()
    job.cancel()


def test_a_cancelled_job_is_not_asked_for_any_more(upstream: ScriptedUpstream, connect: Connect) -> None:
    over = threading.Event()

    def listen(event: TelemetryEvent) -> None:
        if event.name == "future.stop":
            over.set()

    job = _begin(
        upstream,
        connect,
        json_answer(200, {}),
        polling=Polling(interval=3600, limit=7200),
        telemetry=[listen],
    )
    upstream.request(1)
    assert job.cancel()
    assert over.wait(LONG), "its thread ends"
    with pytest.raises(CancelledError):
        job.result(0)


def test_a_receipt_that_is_the_result_is_taken_as_it_is(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.on_path("/jobs", json_answer(200, {"status": "completed", "x": 1}))
    job = connect(JOB, LOOK).execute_future("run_job")
    assert job.result(0) == {"status": "completed", "x": 1}
    assert len(upstream.requests) == 1


def test_the_receipt_fills_what_the_poll_endpoint_wants(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.on_path("/jobs", json_answer(200, {"id": "a/b", "token": "t", "more": 1}))
    upstream.on_path("/jobs/a%2Fb", json_answer(200, {"result": 1}))
    types = {"Ask": {"fields": {"token": {"type": "string", "required": True}, "maybe": "string"}}}
    look = {**LOOK, "path": "/jobs/{id}", "request": "Ask"}
    client = connect(JOB, look, manifest={"types": types})
    assert client.jobs.run_async({"size": 1}, call={"headers": {"X-A": "1"}}).result(LONG) == {"result": 1}
    assert upstream.request(1).json == {"token": "t"}


def test_a_receipt_without_what_is_needed_is_an_error_at_once(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.on_path("/jobs", json_answer(200, {"id": 1}))
    with pytest.raises(UnexpectedAnswer, match="the receipt has no request_id"):
        connect(JOB, LOOK).execute_future("run_job")


def test_an_endpoint_that_begins_no_jobs_says_so(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(200, {})
    with pytest.raises(InvalidCall, match="begins no jobs"):
        connect(PLAIN).execute_future("get_thing", path_params={"id": 1})


def test_a_callback_that_fails_is_the_jobs_failure(upstream: ScriptedUpstream, connect: Connect) -> None:
    def fail(state: JobState) -> None:
        raise ZeroDivisionError

    polling = Polling(interval=0.001, on_state=fail)
    with pytest.raises(ZeroDivisionError):
        _begin(upstream, connect, json_answer(200, {}), polling=polling).result(LONG)


@pytest.mark.parametrize(
    ("backoff", "pauses"), [("none", [1, 1, 1, 1]), ("linear", [1, 2, 3, 4]), ("exponential", [1, 2, 4, 8])]
)
def test_pauses_grow_as_the_polling_says(backoff: Any, pauses: list[float]) -> None:
    assert [Polling(backoff=backoff).pause(attempt) for attempt in range(1, 5)] == pauses
    assert Polling(backoff=backoff).pause(10_000) <= 10.0


@pytest.mark.parametrize("wrong", [{"interval": 0}, {"limit": 0}])
def test_a_polling_without_a_pause_or_an_end_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be above 0 s"):
        Polling(**wrong)


def test_the_usual_polling_is_every_second_for_five_minutes() -> None:
    assert (Polling().interval, Polling().limit, Polling().backoff) == (1.0, 300.0, "none")


class TestCombine:
    """Several futures as one."""

    def test_it_gives_all_results_in_order(self) -> None:
        futures: list[Future[Any]] = [Future(), Future(), Future()]
        whole = combine(futures)
        for number in (2, 0, 1):
            assert not whole.done()
            futures[number].set_result(number)
        assert whole.result(0) == [0, 1, 2]
        assert combine([]).result(0) == []

    def test_the_first_failure_is_the_failure_of_all(self) -> None:
        futures: list[Future[Any]] = [Future(), Future()]
        whole = combine(futures)
        futures[1].set_exception(PollFailed("no"))
        with pytest.raises(PollFailed):
            whole.result(0)
        futures[0].set_result(1)

    def test_one_that_was_cancelled_cancels_all(self) -> None:
        futures: list[Future[Any]] = [Future(), Future()]
        whole = combine(futures)
        futures[0].cancel()
        assert whole.cancelled()

    def test_what_the_transform_raises_is_raised(self) -> None:
        future: Future[Any] = Future()
        whole = combine([future], lambda values: values[0] / 0)
        future.set_result(1)
        with pytest.raises(ZeroDivisionError):
            whole.result(0)
