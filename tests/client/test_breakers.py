"""A server that keeps failing is left alone for a while."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from cortex_actors.client import APIError, StreamInterrupted
from cortex_actors.client.breakers import Breakers, verdict_on
from cortex_actors.client.errors import (
    Cancelled,
    CircuitOpen,
    ConnectionFailed,
    InvalidCall,
    MissingCredential,
    TimedOut,
    UnexpectedAnswer,
    class_of,
)
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from tests.client import PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import Reset, ScriptedUpstream, json_answer, sse_stream

LIMITS = BreakerLimits(minimum_calls=3)
GUARDED = {**PLAIN, "circuit_breaker": "things"}


def _fail(client: Any, times: int) -> None:
    for _ in range(times):
        with pytest.raises(APIError):
            client.execute("get_thing", path_params={"id": 1}, max_retries=0)


def test_after_enough_failures_nothing_is_sent_any_more(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(500)
    client = connect(GUARDED, breaker=LIMITS)
    _fail(client, 3)
    with pytest.raises(CircuitOpen, match="the circuit 'things' is open") as error:
        client.execute("get_thing", path_params={"id": 1})
    assert len(upstream.requests) == 3
    assert error.value.retry_after is not None
    assert error.value.retry_after > 0


def test_endpoints_that_share_a_name_share_a_breaker_and_others_do_not(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = json_answer(500)
    client = connect(GUARDED, {**GUARDED, "id": "twin"}, {**PLAIN, "id": "free"}, breaker=LIMITS)
    _fail(client, 3)
    with pytest.raises(CircuitOpen):
        client.execute("twin", path_params={"id": 1})
    with pytest.raises(APIError, match="500"):
        client.execute("free", path_params={"id": 1}, max_retries=0)


def test_a_context_may_do_without_breakers(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(500)
    client = connect(GUARDED, breaker=None)
    _fail(client, 10)
    assert len(upstream.requests) == 10


def test_a_breaker_may_be_closed_by_hand(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(500)
    client = connect(GUARDED, breaker=LIMITS)
    _fail(client, 3)
    assert client.breakers is not None
    assert client.breakers.state("things") is BreakerState.OPEN
    client.breakers.reset("things")
    upstream.default = json_answer(200, {})
    client.execute("get_thing", path_params={"id": 1})


def test_one_probe_is_let_through_when_the_wait_is_over_and_closes_it() -> None:
    now = [100.0]
    breakers = Breakers(LIMITS, clock=lambda: now[0], random=Random(1))
    for _ in range(3):
        breakers.enter("a").ended(ConnectionFailed("no"))
    with pytest.raises(CircuitOpen) as error:
        breakers.enter("a")
    assert error.value.retry_after is not None
    now[0] += error.value.retry_after
    probe = breakers.enter("a")
    with pytest.raises(CircuitOpen):
        breakers.enter("a")
    probe.connected()
    assert breakers.state("a") is BreakerState.CLOSED


def test_the_end_of_a_call_counts_once() -> None:
    breakers = Breakers(LIMITS, clock=lambda: 100.0, random=Random(1))
    for _ in range(2):
        permit = breakers.enter("a")
        for _ in range(5):
            permit.ended(ConnectionFailed("no"))
    assert breakers.state("a") is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, "success"),
        (Cancelled("c"), "neutral"),
        (InvalidCall(("x",)), "neutral"),
        (MissingCredential("x"), "neutral"),
        (UnexpectedAnswer("x"), "success"),
        (ConnectionFailed("x"), "failure"),
        (TimedOut("idle", 1), "failure"),
        (StreamInterrupted("x"), "failure"),
        *((class_of(status)(status), "failure") for status in (408, 500, 502, 503, 504)),
        *((class_of(status)(status), "success") for status in (400, 404, 422, 501)),
        (class_of(429)(429), "neutral"),
    ],
)
def test_only_what_speaks_of_the_server_counts_against_it(error: APIError | None, verdict: str) -> None:
    assert verdict_on(error) == verdict


def test_streams_that_break_off_open_the_breaker_too(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-8: streams went past the breaker.
    upstream.default = sse_stream("a", "b").cut(12, Reset())
    client = connect({**STREAM, "circuit_breaker": "chat"}, breaker=LIMITS)
    for _ in range(3):
        with pytest.raises(StreamInterrupted):
            list(client.execute_stream("stream_chat"))
    with pytest.raises(CircuitOpen):
        client.execute_stream("stream_chat")
