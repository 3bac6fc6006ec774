"""Who is asked for the rest of an answer in which words, and what its caller is told of it."""

from __future__ import annotations

import threading

import pytest

from cortex_actors.chat import (
    Recovered,
    RecoveryWish,
    Usage,
)
from cortex_actors.dispatch.messages import EndName, RecoveryRecord
from cortex_actors.errors import (
    TruncatedStream,
    UpstreamFailure,
)
from cortex_actors.settings import RecoverySettings
from tests.dispatch.broken import ON, TEXT, deltas, ended
from tests.dispatch.conftest import Start
from tests.dispatch.plant import MODEL, Plant, ask, events, provider, read, read_until, text_of
from tests.upstream import Gate, ScriptedUpstream, json_answer, openai_stream, sse_stream
from tests.upstream.models import (
    Model,
    breaks_off,
    goes_on,
    refuses_prefill,
    replays,
    turns_of,
    words_of,
)

# -- what the others are asked


def test_the_rest_is_asked_for_in_a_user_turn_of_whom_is_not_known_to_continue(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    read(two.open(ask("Count.", max_tokens=100)))
    turns = turns_of(spare.request(0))
    assert turns[:2] == [("user", "Count."), ("assistant", "one two three four")]
    assert turns[2][0] == "user"
    assert turns[2][1].startswith("Continue from where you left off.")
    assert spare.request(0).json["max_tokens"] == 95


def test_whoever_continues_an_assistant_message_gets_one(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = goes_on(TEXT)
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2, type="mistral"),
        recovery=ON,
    )
    assert read(plant.open(ask("Count."))) == TEXT
    assert spare.request(0).json["messages"][-1] == {
        "role": "assistant",
        "content": "one two three four",
        "prefix": True,
    }


def test_whoever_refuses_an_assistant_message_at_the_end_is_asked_in_a_user_turn_from_then_on(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = refuses_prefill(goes_on(TEXT))
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2, options={"prefill": "assistant"}),
        recovery=RecoverySettings(max_retries=2),
    )
    dispatcher = plant.open()
    assert read(dispatcher) == TEXT
    assert [turns_of(request)[-1][0] for request in spare.requests] == ["assistant", "user"]
    assert [record.result for record in ended(dispatcher).recoveries] == ["failed", "refused", "joined"]
    assert read(plant.open()) == TEXT
    assert [turns_of(request)[-1][0] for request in spare.requests] == ["assistant", "user", "user"]


def test_a_fallback_that_refuses_everything_is_not_what_the_caller_hears_of(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = json_answer(400)
    dispatcher = two.open()
    assert read(dispatcher) == "one two three four"
    end = ended(dispatcher)
    assert end.name is EndName.TRUNCATED
    assert isinstance(end.error, TruncatedStream)
    assert [record.outcome for record in end.attempts] == [
        "truncated_stream",
        "truncated_stream",
        "upstream_rejected",
    ]


# -- what the caller is told


def test_the_seam_is_announced_before_the_first_new_word(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = replays(TEXT)
    dispatcher = two.open()
    told = events(dispatcher)
    place = next(number for number, event in enumerate(told) if isinstance(event, Recovered))
    assert told[place] == Recovered("two", MODEL, len("one two three four"), 3)
    assert text_of(told[:place]) == "one two three four"
    assert text_of(told[place:]) == " five six seven eight nine ten"
    assert ended(dispatcher).recoveries == (
        RecoveryRecord(2, "one", MODEL, 18, "failed"),
        RecoveryRecord(3, "two", MODEL, 18, "joined"),
    )
    assert dispatcher.recoveries == 1
    assert ended(dispatcher).provider == "two"


def test_tokens_are_those_of_all_attempts_that_told_them(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    counted = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
    upstream.default = lambda request: sse_stream(*deltas(4), counted)
    spare.default = goes_on(TEXT, usage=(30, 6))
    dispatcher = two.open()
    told = [event for event in events(dispatcher) if isinstance(event, Usage)]
    # It was asked twice: the first provider is tried once more, and counts again.
    assert ended(dispatcher).usage == Usage(9 + 9 + 30, 4 + 4 + 6)
    assert told[-1] == Usage(48, 14)


def test_the_time_to_first_token_is_that_of_the_answer(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = breaks_off(TEXT, 4)
    spare.default = lambda request: openai_stream(words_of(TEXT)).pause(0, Gate(gate))
    dispatcher = two.open()
    text = read_until(dispatcher, "four")
    first = dispatcher.first_content
    gate.set()
    assert text + read(dispatcher) == TEXT
    assert first is not None
    assert ended(dispatcher).ttft == first - dispatcher.started
    assert dispatcher.overhead < first - dispatcher.started


@pytest.mark.parametrize(
    "other",
    [
        replays("one two three fish and now for something else"),
        replays("one two"),
        lambda request: json_answer(500),
        lambda request: openai_stream([], finish=None),
    ],
    ids=["another answer", "less of it", "an error", "nothing"],
)
def test_a_recovery_that_fails_is_one_error_about_the_first_failure(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, other: Model
) -> None:
    upstream.default = lambda request: sse_stream(*deltas(4), {"error": {"message": "Overloaded."}})
    spare.default = other
    dispatcher = two.open()
    assert read(dispatcher) == "one two three four"
    end = ended(dispatcher)
    assert end.name is EndName.UPSTREAM_ERROR
    assert isinstance(end.error, UpstreamFailure)
    assert "Overloaded." in end.error.details
    assert end.provider == "one", "whoever broke it off, not who was asked last"
    assert end.finish is None
    assert len(end.attempts) >= 3


def test_a_failure_behind_a_seam_is_told_as_what_it_is(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    overloaded = {"error": {"message": "Overloaded."}}
    spare.default = lambda request: sse_stream(*deltas(7), overloaded)
    plant = start(
        provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2), recovery=ON
    )
    dispatcher = plant.open()
    assert read(dispatcher) == "one two three four five six seven"
    assert isinstance(ended(dispatcher).error, UpstreamFailure)
    assert dispatcher.recoveries == 1


def test_a_provider_that_tells_another_answer_is_not_blamed(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    spare.default = replays("one two three fish and now for something else")
    read(two.open())
    assert two.view("two").failures == 0


def test_a_paragraph_that_comes_in_other_words_is_asked_for_word_by_word(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    whole = "It rained. The river rose quickly."
    upstream.default = breaks_off(whole, 4)
    spare.enqueue(lambda request: openai_stream([" Then", " the river rose."]))
    spare.default = goes_on(whole)
    dispatcher = two.open(ask(recovery=RecoveryWish(True, "paragraph")))
    assert read(dispatcher) == whole
    shown = [turns_of(request)[1] for request in spare.requests]
    assert shown == [("assistant", "It rained."), ("assistant", "It rained. The river")]
