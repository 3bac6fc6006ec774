"""A stream as the front end holds it, and how it becomes one whole answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import FinishReason, ToolCall, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import EndName
from cortex_actors.dispatch.stream import Stream, collect, whole_tool_calls
from cortex_actors.errors import AttemptCancelled, MalformedStream, TruncatedStream
from tests.dispatch.conftest import Start
from tests.dispatch.plant import MODEL, Client, Plant, ask, provider, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream, sse_stream


@pytest.fixture
def plant(start: Start, upstream: ScriptedUpstream) -> Plant:
    upstream.default = openai_stream(["Ho", "la"], model="test-model-2026", usage=(9, 2))
    return start(provider("one", upstream.url))


def _open(plant: Plant, **changes: Any) -> Stream:
    return Stream("stream-1", "request-1", plant.open(ask(**changes)))


def _tool_stream(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]} for delta in deltas]
    return [*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]


# -- as it runs


def test_it_says_who_answers_before_it_is_read(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(json_answer(503), openai_stream(["Ho", "la"]).pause(1, Hang()))
    stream = _open(plant)
    assert (stream.id, stream.request_id, stream.provider, stream.model) == (
        "stream-1",
        "request-1",
        "one",
        MODEL,
    )
    assert stream.attempt_number == 2
    assert [attempt.outcome for attempt in stream.attempts] == ["upstream_failure"]
    assert stream.end is None
    stream.close()


def test_its_head_says_who_answers_and_what_it_took(plant: Plant, upstream: ScriptedUpstream) -> None:
    limited = replace(openai_stream(["Ho"]), headers={"X-RateLimit-Remaining-Requests": "59"})
    upstream.enqueue(json_answer(503), limited)
    stream = _open(plant)
    head = stream.head
    assert (head.id, head.provider, head.model, head.attempts) == ("stream-1", "one", MODEL, 2)
    assert head.rate_limits == {"remaining-requests": "59"}
    assert stream.dropped == ()
    stream.close()
    assert stream.end is not None
    assert 0 < head.overhead <= stream.end.duration


def test_the_model_is_the_one_that_the_provider_says_it_is(plant: Plant) -> None:
    assert _open(plant).model == "test-model-2026"


def test_it_is_read_batch_by_batch_up_to_its_end(plant: Plant) -> None:
    stream = _open(plant)
    assert "".join(text_of(batch) for batch in stream) == "Hola"
    assert stream.end is not None
    assert stream.end.name is EndName.COMPLETE
    assert list(stream) == []


def test_it_may_be_left_and_taken_up_again(plant: Plant, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    stream = _open(plant)
    assert text_of(next(iter(stream))) == "Ho"
    gate.set()
    assert "".join(text_of(batch) for batch in stream) == "la"


def test_closing_ends_it_for_its_reader(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    stream = _open(plant)
    stream.close()
    stream.close()
    assert list(stream) == []
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_before_any_attempt_there_is_nobody_to_name(plant: Plant) -> None:
    stream = Stream("stream-1", "request-1", plant.dispatcher())
    assert (stream.provider, stream.model, stream.attempt_number, stream.attempts) == ("", "", 0, ())


# -- collected


def test_a_whole_answer_is_collected(plant: Plant) -> None:
    completion = collect(_open(plant))
    assert (completion.text, completion.reasoning, completion.tool_calls) == ("Hola", "", ())
    assert completion.end.usage == Usage(9, 2)
    assert completion.end.finish is FinishReason.STOP


def test_reasoning_is_collected_apart(plant: Plant, upstream: ScriptedUpstream) -> None:
    thought = [{"choices": [{"index": 0, "delta": {"reasoning_content": text}}]} for text in ("Hm", "…")]
    answer = openai_stream(["Ho", "la"])
    texts = [event.decode().removeprefix("data: ").strip() for event in answer.events]
    upstream.default = sse_stream(*thought, *texts)
    completion = collect(_open(plant))
    assert (completion.reasoning, completion.text) == ("Hm…", "Hola")


def test_tool_calls_are_collected_whole(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = sse_stream(
        *_tool_stream(
            {"index": 0, "id": "call-a", "function": {"name": "weather", "arguments": '{"city": '}},
            {"index": 0, "function": {"arguments": '"Oslo"}'}},
            {"index": 1, "id": "call-b", "function": {"name": "time", "arguments": "{}"}},
        )
    )
    completion = collect(_open(plant))
    assert completion.tool_calls == (
        ToolCall("call-a", "weather", '{"city": "Oslo"}'),
        ToolCall("call-b", "time", "{}"),
    )
    assert completion.end.finish is FinishReason.TOOL_CALLS


def test_half_an_answer_is_never_collected(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho", "la"], finish=None, done=False)
    with pytest.raises(TruncatedStream) as raised:
        collect(_open(plant))
    assert [attempt.outcome for attempt in raised.value.attempts] == ["truncated_stream"]  # type: ignore[attr-defined]


def test_an_answer_whose_caller_left_is_none(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    client = Client()
    stream = Stream("stream-1", "request-1", plant.open(caller=client))
    client.left.set()
    with pytest.raises(AttemptCancelled):
        collect(stream)


# -- joining tool calls


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        ([], ()),
        ([ToolCallDelta(0, "a", "f", "{}")], (ToolCall("a", "f", "{}"),)),
        (
            [
                ToolCallDelta(0, "a", "f", "{"),
                ToolCallDelta(1, "b", "g", "["),
                ToolCallDelta(0, arguments="}"),
            ],
            (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[")),
        ),
        (
            [ToolCallDelta(7, "x", "f", "1"), ToolCallDelta(2, "y", "g", "2")],
            (ToolCall("x", "f", "1"), ToolCall("y", "g", "2")),
        ),
        (
            [ToolCallDelta(0, "a", "f", "1"), ToolCallDelta(0, "other", "other", "2")],
            (ToolCall("a", "f", "12"),),
        ),
        ([ToolCallDelta(3, None, "f", "{}")], (ToolCall("call_3", "f", "{}"),)),
        ([ToolCallDelta(0, "a", None, "{"), ToolCallDelta(0, None, "f", "}")], (ToolCall("a", "f", "{}"),)),
    ],
    ids=["none", "one", "interleaved", "in their order", "first words win", "no id", "a late name"],
)
def test_fragments_are_joined_by_their_index(
    deltas: Sequence[ToolCallDelta], calls: tuple[ToolCall, ...]
) -> None:
    assert whole_tool_calls(list(deltas)) == calls


def test_an_answer_too_long_to_be_held_as_a_whole_is_not_collected(
    plant: Plant, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cortex_actors.dispatch.stream.MOST_COLLECTED", 100_000)
    upstream.default = openai_stream(["x" * 10_000] * 20)
    stream = _open(plant)
    with pytest.raises(MalformedStream, match="stream it"):
        collect(stream)
    assert stream.end is not None
