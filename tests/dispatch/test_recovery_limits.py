"""When an answer is gone on with and when not, for how long, and what its caller may do meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cortex_actors.chat import (
    Chunk,
    FinishReason,
    RecoveryWish,
    ResponseFormat,
    Tool,
)
from cortex_actors.dispatch.messages import Cancel, EndName
from cortex_actors.errors import (
    GatewayDraining,
    StreamCancelled,
    TruncatedStream,
)
from cortex_actors.otp.actor import cast
from cortex_actors.settings import Limits, RecoverySettings, ServerSettings
from tests.dispatch.broken import ON, TEXT, deltas, ended, finish
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, Client, Plant, ask, events, provider, read, read_until, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, openai_stream, sse_stream
from tests.upstream.models import (
    breaks_off,
    goes_on,
    turns_of,
    words_of,
)

# -- limits and callers


def test_the_caller_is_given_signs_of_life_while_the_rest_is_waited_for(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = breaks_off(TEXT, 4)
    spare.default = lambda request: openai_stream(words_of(TEXT)).pause(0, Gate(gate))
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=ON,
        server=ServerSettings(caller_check=0.02, heartbeat=0.05),
    )
    dispatcher = plant.open()
    text = read_until(dispatcher, "four")
    while len(spare.requests) < 1:
        assert dispatcher.next_batch() == ()
    assert [dispatcher.next_batch(), dispatcher.next_batch()] == [(), ()]
    gate.set()
    assert text + read(dispatcher) == TEXT


def test_what_is_said_again_holds_no_sign_of_life_back(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    long = " ".join(f"word{number}" for number in range(60))
    upstream.default = breaks_off(long, 50)
    spare.default = lambda request: openai_stream(words_of(long)).paced(0.01)
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=ON,
        server=ServerSettings(caller_check=0.02, heartbeat=0.05),
    )
    dispatcher = plant.open()
    text, signs = read_until(dispatcher, "word49"), 0
    while (batch := dispatcher.next_batch()) is not None:
        text += text_of(batch)
        signs += not batch
    assert text == long
    assert signs > 2


def test_a_caller_that_leaves_meanwhile_ends_it(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = [Hang()]
    client = Client()
    dispatcher = two.open(caller=client)
    read_until(dispatcher, "four")

    def leave() -> None:
        spare.request(0)
        client.left.set()

    waiting = threading.Thread(target=leave)
    waiting.start()
    assert dispatcher.next_batch() is None
    waiting.join(LIMIT)
    assert ended(dispatcher).name is EndName.CLIENT_GONE
    assert ended(dispatcher).error is None
    assert spare.request(0).closed.wait(LIMIT)


@pytest.mark.parametrize(
    "order",
    [
        Cancel(EndName.SHUTDOWN, GatewayDraining()),
        Cancel(EndName.SHED, StreamCancelled("An operator ended the stream.")),
    ],
    ids=["shutdown", "an operator"],
)
def test_an_end_that_somebody_wants_meanwhile_is_told_as_that(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, order: Cancel
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = [Hang()]
    dispatcher = two.open()
    read_until(dispatcher, "four")

    def give_order() -> None:
        spare.request(0)
        cast(dispatcher.ref, order)

    giving = threading.Thread(target=give_order)
    giving.start()
    assert dispatcher.next_batch() is None
    giving.join(LIMIT)
    assert (ended(dispatcher).name, ended(dispatcher).error) == (order.end, order.error)


def test_the_total_limit_holds_over_all_attempts_and_tells_the_first_failure(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = [Hang()]
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=ON,
        limits=Limits(connect=0.5, first_token=1.0, idle=1.0, total=1.0),
    )
    dispatcher = plant.open()
    assert read(dispatcher) == "one two three four"
    end = ended(dispatcher)
    assert isinstance(end.error, TruncatedStream)
    assert end.duration < LIMIT / 2


def test_no_more_attempts_are_made_than_allowed(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    dispatcher = two.open(ask(recovery=RecoveryWish(True, max_retries=1)))
    assert read(dispatcher) == "one two three four"
    assert [record.provider for record in dispatcher.attempts] == ["one", "one"]
    dispatcher = two.open(ask(recovery=RecoveryWish(True, max_retries=0)))
    read(dispatcher)
    assert [record.provider for record in dispatcher.attempts] == ["one"]


# -- when it is not done


@pytest.mark.parametrize(
    "changes",
    [
        {"response_format": ResponseFormat("json_object")},
        {"extra": {"logprobs": True}},
        {"recovery": RecoveryWish(False)},
    ],
)
def test_json_logprobs_and_whoever_does_not_want_it_get_the_error(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, changes: dict[str, Any]
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    dispatcher = two.open(ask(**changes))
    assert read(dispatcher) == "one two three four"
    assert ended(dispatcher).name is EndName.TRUNCATED
    assert not spare.requests
    assert len(upstream.requests) == 1


def test_an_answer_that_has_begun_to_call_a_tool_is_not_gone_on_with(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a'}}
    delta = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
    upstream.default = lambda request: sse_stream(*deltas(2), delta)
    spare.default = goes_on(TEXT)
    dispatcher = two.open(ask(tools=(Tool("look"),)))
    assert read(dispatcher) == "one two"
    assert ended(dispatcher).name is EndName.TRUNCATED
    assert not spare.requests


def test_tools_that_are_only_on_offer_hinder_nothing_and_may_be_called_behind_the_seam(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    delta = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    upstream.default = breaks_off(TEXT, 4)
    spare.default = lambda request: sse_stream(*deltas(10), delta, "[DONE]")
    dispatcher = two.open(ask(tools=(Tool("look"),)))
    told = events(dispatcher)
    assert text_of(told) == TEXT
    assert [event.tool_calls[0].name for event in told if isinstance(event, Chunk) and event.tool_calls] == [
        "look"
    ]
    assert ended(dispatcher).finish is FinishReason.TOOL_CALLS


def test_an_answer_longer_than_what_is_remembered_is_not_gone_on_with(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=RecoverySettings(max_characters=10),
    )
    assert read(plant.open()) == "one two three four"
    assert not spare.requests


@pytest.mark.parametrize(
    ("section", "own", "wish", "goes_on_there"),
    [
        (True, "", None, True),
        (False, "", None, False),
        (True, "off", None, False),
        (False, "exact", None, True),
        (False, "off", True, True),
        (True, "exact", False, False),
    ],
)
def test_the_request_decides_then_the_provider_then_the_settings(
    start: Start,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    section: bool,
    own: Any,
    wish: bool | None,
    goes_on_there: bool,
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    plant = start(
        provider("one", upstream.url, priority=1, recovery=own),
        provider("two", spare.url, priority=2),
        recovery=RecoverySettings(enabled=section),
    )
    told = read(plant.open(ask(recovery=RecoveryWish(wish))))
    assert told == (TEXT if goes_on_there else "one two three four")


def test_reasoning_before_the_break_is_not_told_twice(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}, "finish_reason": None}]}
    upstream.default = lambda request: sse_stream(thought)
    spare.default = lambda request: sse_stream(thought, *deltas(10), finish(), "[DONE]")
    dispatcher = two.open(ask("Count."))
    told = events(dispatcher)
    assert "".join(event.reasoning for event in told if isinstance(event, Chunk)) == "Hm."
    assert text_of(told) == TEXT
    assert turns_of(spare.request(0)) == [("user", "Count.")], "there was no text to go on from"
    assert ended(dispatcher).name is EndName.RECOVERED


def test_an_answer_of_nothing_but_reasoning_is_none(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}, "finish_reason": None}]}
    upstream.default = lambda request: sse_stream(thought)
    spare.default = lambda request: openai_stream([])
    dispatcher = two.open()
    read(dispatcher)
    assert ended(dispatcher).name is EndName.TRUNCATED
