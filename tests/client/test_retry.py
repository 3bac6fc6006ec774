"""When a call is made again: which failures, which requests, how often, after how long."""

from __future__ import annotations

import time
from email.utils import formatdate
from random import Random
from typing import Any

import pytest

from cortex_actors.client import APIError, ConnectionFailed, RetryPolicy, StatusError
from cortex_actors.client.errors import RateLimited, ServerError
from tests.client import PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import Fin, Head, Reset, ScriptedUpstream, Send, json_answer, refused_url, sse_stream

POST: dict[str, Any] = {"id": "make_thing", "method": "POST", "path": "/things"}
OK = json_answer(200, {"ok": True})


def _get(connect: Connect, endpoint: dict[str, Any] | None = None, **options: Any) -> Any:
    return connect({**PLAIN, **(endpoint or {})}, **options).execute("get_thing", path_params={"id": 1})


def test_a_failure_that_may_pass_is_tried_again(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.enqueue(json_answer(500), [Reset()], OK)
    assert _get(connect).retries == 2
    assert len(upstream.requests) == 3


def test_when_the_attempts_are_used_up_the_last_failure_is_raised(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(json_answer(500), json_answer(502), json_answer(503), OK)
    with pytest.raises(ServerError) as error:
        _get(connect)
    assert (error.value.status, len(upstream.requests)) == (503, 3)


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_that_will_stay_is_not_tried_again(
    upstream: ScriptedUpstream, connect: Connect, status: int
) -> None:
    upstream.default = json_answer(status)
    with pytest.raises(StatusError):
        _get(connect)
    assert len(upstream.requests) == 1


def test_the_server_overrules_both_ways(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.enqueue(json_answer(400, headers={"x-should-retry": "true"}), OK)
    assert _get(connect).retries == 1
    upstream.enqueue(json_answer(500, headers={"x-should-retry": "false"}), OK)
    with pytest.raises(ServerError):
        _get(connect)


def test_a_call_says_how_often(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(500)
    for retries in (0, 4):
        before = len(upstream.requests)
        with pytest.raises(ServerError):
            connect(PLAIN).execute("get_thing", path_params={"id": 1}, max_retries=retries)
        assert len(upstream.requests) - before == retries + 1


def test_the_manifest_names_the_policy_and_the_context_may_bring_another(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-15: retry policies are applied without being copied anywhere.
    manifest = {"retry_policies": {"often": {"max_attempts": 5, "base_ms": 1}}}
    upstream.default = json_answer(500)
    for options, attempts in (
        ({}, 5),
        ({"retry_policies": {"often": RetryPolicy(max_attempts=4)}}, 4),
        ({"retry": RetryPolicy(max_attempts=2)}, 2),
    ):
        before = len(upstream.requests)
        with pytest.raises(ServerError):
            _get(connect, {"retry": "often"}, manifest=manifest, **options)
        assert len(upstream.requests) - before == attempts


@pytest.mark.parametrize(
    "answer", [json_answer(500), [Head(200, {"Content-Length": "9"}), Send(b"h"), Fin()]]
)
def test_a_post_that_may_have_done_its_work_is_not_sent_twice(
    upstream: ScriptedUpstream, connect: Connect, answer: Any
) -> None:
    upstream.enqueue(answer, OK)
    with pytest.raises(APIError):
        connect(POST).execute("make_thing", {})
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("first", "endpoint", "options"),
    [
        (json_answer(429), {}, {}),
        (json_answer(409, headers={"x-should-retry": "true"}), {}, {}),
        (json_answer(500), {"idempotency": True}, {}),
        (json_answer(500), {}, {"idempotency_key": "k"}),
        (json_answer(500), {}, {"retry": RetryPolicy()}),
    ],
)
def test_a_post_is_sent_twice_where_that_does_no_harm(
    upstream: ScriptedUpstream, connect: Connect, first: Any, endpoint: Any, options: Any
) -> None:
    upstream.enqueue(first, OK)
    assert connect({**POST, **endpoint}).execute("make_thing", {}, **options).retries == 1


def test_a_post_that_was_never_sent_is_tried_again(connect: Connect) -> None:
    pauses: list[float] = []
    with pytest.raises(ConnectionFailed):
        connect(POST, base_url=refused_url(), sleep=pauses.append).execute("make_thing", {})
    assert len(pauses) == 2


def test_all_attempts_carry_the_same_idempotency_key_and_count_themselves(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(json_answer(500), json_answer(500), OK)
    connect({**POST, "idempotency": True}, platform_headers=True).execute("make_thing", {})
    headers = [request.headers for request in upstream.requests]
    assert len({each["x-idempotency-key"] for each in headers}) == 1
    assert [each["x-stainless-retry-count"] for each in headers] == ["0", "1", "2"]


def test_a_credential_is_asked_for_at_every_attempt(upstream: ScriptedUpstream, connect: Connect) -> None:
    from cortex_actors.client import Bearer

    tokens = iter(["old", "new"])
    upstream.enqueue(json_answer(500), OK)
    _get(connect, auth=Bearer(lambda: next(tokens)))
    assert [request.headers["authorization"] for request in upstream.requests] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize(
    ("headers", "pause"), [({"Retry-After": "7"}, 7.0), ({"retry-after-ms": "1500"}, 1.5)]
)
def test_retry_after_replaces_our_own_pause(
    upstream: ScriptedUpstream, connect: Connect, headers: Any, pause: float
) -> None:
    pauses: list[float] = []
    upstream.enqueue(json_answer(429, headers=headers), OK)
    _get(connect, sleep=pauses.append)
    assert pauses == [pause]


def test_retry_after_may_be_a_date(upstream: ScriptedUpstream, connect: Connect) -> None:
    pauses: list[float] = []
    date = formatdate(time.time() + 40, usegmt=True)
    upstream.enqueue(json_answer(429, headers={"Retry-After": date}), OK)
    _get(connect, sleep=pauses.append)
    assert 10 < pauses[0] <= 40


def test_a_retry_after_that_is_too_long_is_told_to_the_caller(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(json_answer(429, headers={"Retry-After": "3600"}), OK)
    with pytest.raises(RateLimited) as error:
        _get(connect)
    assert error.value.retry_after == 3600
    assert len(upstream.requests) == 1


def test_the_opening_of_a_stream_is_tried_again_like_any_call(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-8: streams take the same way as other calls.
    upstream.enqueue(json_answer(503), json_answer(429), sse_stream("a"))
    response = connect(STREAM).execute_stream("stream_chat", idempotency_key="k")
    assert [event.data for event in response] == ["a"]
    assert response.metadata["retries"] == 2


class TestPolicy:
    """The policy alone, without a network."""

    ERROR = ServerError(500)

    def _pause(self, policy: RetryPolicy, attempt: int = 1, elapsed: float = 0.0, **how: Any) -> float | None:
        error = how.pop("error", self.ERROR)
        return policy.pause(error, attempt=attempt, elapsed=elapsed, harmless=True, random=Random(1))

    def test_pauses_grow_up_to_the_cap_and_chance_only_shortens_them(self) -> None:
        policy = RetryPolicy(max_attempts=99, base=0.5, cap=10.0, jitter=0.25)
        for attempt in range(1, 90):
            pause = self._pause(policy, attempt)
            assert pause is not None
            assert policy.ceiling(attempt - 1) * 0.75 <= pause <= policy.ceiling(attempt - 1) <= 10.0

    @pytest.mark.parametrize(
        ("growth", "ceilings"),
        [("exponential", [1, 2, 4, 5]), ("linear", [1, 2, 3, 4]), ("constant", [1, 1, 1, 1])],
    )
    def test_pauses_grow_as_the_policy_says(self, growth: Any, ceilings: list[float]) -> None:
        policy = RetryPolicy(backoff=growth, base=1, cap=5)
        assert [policy.ceiling(retry) for retry in range(4)] == ceilings

    @pytest.mark.parametrize(
        "wrong", [{"max_attempts": 0}, {"jitter": 2}, {"base": -1}, {"longest_wait": -1}]
    )
    def test_a_policy_that_makes_no_sense_is_refused_when_it_is_made(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RetryPolicy(**wrong)

    def test_nothing_begins_after_the_elapsed_limit(self) -> None:
        policy = RetryPolicy(base=1.0, jitter=0.0, max_elapsed=5.0)
        assert self._pause(policy, elapsed=3.9) == 1.0
        assert self._pause(policy, elapsed=4.1) is None

    def test_a_predicate_decides_in_place_of_the_error(self) -> None:
        assert self._pause(RetryPolicy(retry_on=lambda error: False)) is None
        never = ServerError(400)
        never.retriable = False
        assert self._pause(RetryPolicy(retry_on=lambda error: True), error=never) is not None


def test_the_total_limit_ends_the_attempts_as_well(upstream: ScriptedUpstream, connect: Connect) -> None:
    from cortex_actors.client import Timeouts

    upstream.default = json_answer(500)
    policy = RetryPolicy(max_attempts=50, base=10.0, cap=10.0)
    with pytest.raises(ServerError):
        _get(connect, retry=policy, timeouts=Timeouts(total=5.0))
    assert len(upstream.requests) == 1
