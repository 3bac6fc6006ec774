"""Transforms: a function of the user's makes one chunk of another, and sees nothing that is no chunk."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cortex_actors.chat import (
    AnswerInfo,
    Chunk,
    Finish,
    FinishReason,
    ThoughtSeal,
    ToolCallDelta,
    Usage,
    Vectors,
)
from cortex_actors.errors import StageFailed
from cortex_actors.streaming.stages import SKIP, Skip, drop_empty, timestamp, transform
from tests.streaming.stages_at_work import Bench, events, text_of, texts

STOP = Finish(FinishReason.STOP)
NOT_CHUNKS = (AnswerInfo(model="m"), ThoughtSeal("s"), Vectors(((1.0,),)), Usage(7, 2), STOP)
CALL = (ToolCallDelta(0, "call-1", "weather", "{}"),)


def _loud(chunk: Chunk) -> Chunk:
    return replace(chunk, text=chunk.text.upper())


def test_a_chunk_is_replaced() -> None:
    assert text_of(Bench([transform(_loud)]).through([texts("Ho", "la"), texts("!")])) == "HOLA!"


def test_a_chunk_is_skipped() -> None:
    def without_ho(chunk: Chunk) -> Chunk | Skip:
        return SKIP if chunk.text == "Ho" else chunk

    assert Bench([transform(without_ho)]).through([texts("Ho"), texts("Ho", "la")]) == [texts("la")]


def test_what_is_no_chunk_never_passes_through_a_users_function_and_is_never_swallowed() -> None:
    seen: list[Any] = []

    def swallow(chunk: Chunk) -> Skip:
        seen.append(chunk)
        return SKIP

    batches = [texts("Ho"), NOT_CHUNKS]
    assert Bench([transform(swallow)]).through(batches) == [NOT_CHUNKS]
    assert seen == list(texts("Ho"))


def test_pieces_of_tool_calls_are_never_swallowed_either() -> None:
    calls = Chunk(tool_calls=CALL)
    both = Chunk("Let me see.", tool_calls=CALL)
    swallow = transform(lambda chunk: SKIP)
    assert events(Bench([swallow]).through([(calls, both)])) == [calls, calls]
    kept = events(Bench([transform(_loud)]).through([(both,)]))
    assert kept == [Chunk("LET ME SEE."), calls]


def test_reasoning_passes_through_the_function_too() -> None:
    def quiet(chunk: Chunk) -> Chunk:
        return replace(chunk, reasoning="")

    assert events(Bench([transform(quiet)]).through([(Chunk(reasoning="Hm"),)])) == [Chunk()]


def test_a_function_that_raises_ends_the_stream_with_an_error_that_names_the_stage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fragile(chunk: Chunk) -> Chunk:
        if chunk.text == "la":
            raise KeyError("the caller's secret")
        return chunk

    with caplog.at_level(logging.ERROR):
        came, error = Bench([transform(fragile, name="louder")]).broken([texts("Ho", "la")])
    assert came == [texts("Ho")], "what came before it is delivered"
    assert isinstance(error, StageFailed)
    assert (error.stage, error.details) == ("louder", "The stage louder failed.")
    assert isinstance(error.__cause__, KeyError), "for the log, and for nobody else"
    assert "the stage louder failed" in caplog.text


@pytest.mark.parametrize(
    "nonsense",
    [None, "a text", 5, [Chunk("a")], Chunk(5), Chunk(reasoning=None)],  # type: ignore[arg-type]
    ids=["None", "a text", "5", "a list", "a number for text", "None for reasoning"],
)
def test_what_is_neither_a_chunk_nor_skip_ends_the_stream(nonsense: Any) -> None:
    with pytest.raises(StageFailed, match=r"The stage transform returned .* and not a Chunk of text or SKIP"):
        Bench([transform(lambda chunk: nonsense)]).through([texts("Ho")])


def test_a_tick_goes_through_and_no_function_is_called() -> None:
    pipeline = Bench([transform(lambda chunk: 1 / 0)]).pipeline  # type: ignore[arg-type,return-value]
    assert list(pipeline.run(iter([()]))) == [()]


# -- those that are there already


def test_drop_empty_leaves_out_what_says_nothing_and_keeps_blanks() -> None:
    kept = texts("Ho", " ", "\n", "la")
    batches = [(Chunk(), *kept[:2]), (Chunk(""), *kept[2:], Chunk(reasoning="Hm"), Chunk(tool_calls=CALL))]
    said = events(Bench([drop_empty()]).through(batches))
    assert said == [*kept, Chunk(reasoning="Hm"), Chunk(tool_calls=CALL)]


def test_a_timestamp_stands_beside_what_is_there_already() -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, 123_456, UTC)
    first, second = Chunk("Ho"), Chunk("la", metadata={"source": "cache"})
    said = events(Bench([timestamp(now=lambda: moment)]).through([(first, second)]))
    assert said == [
        replace(first, metadata={"timestamp": "2026-01-31T12:00:00.123Z"}),
        replace(second, metadata={"source": "cache", "timestamp": "2026-01-31T12:00:00.123Z"}),
    ]


def test_a_timestamp_may_have_another_name_and_is_the_time_of_day() -> None:
    before = datetime.now(UTC)
    ((chunk,),) = Bench([timestamp(key="at")]).through([texts("Ho")])
    assert isinstance(chunk, Chunk)
    assert chunk.metadata is not None
    passed = datetime.fromisoformat(chunk.metadata["at"])
    assert abs((passed - before).total_seconds()) < 60
