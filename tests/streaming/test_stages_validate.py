"""Validations: what a function objects to is dropped, replaced, or ends the stream, as the policy says."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.errors import ContentRejected, StageFailed
from cortex_actors.streaming.stages import Policy, max_chars, validate
from tests.streaming.stages_at_work import Bench, events, text_of, texts

END = (Usage(7, 2), Finish(FinishReason.STOP))


def _no_ho(chunk: Chunk) -> str | None:
    return "Content violates policy" if "Ho" in chunk.text else None


def test_what_is_fine_passes_as_it_is() -> None:
    batches = [texts("la", "la"), END]
    assert Bench([validate(_no_ho)]).through(batches) == batches


def test_the_default_is_to_stop_with_an_error_and_what_came_before_is_delivered() -> None:
    bench = Bench([validate(_no_ho, name="policy")])
    came, error = bench.broken([texts("la"), texts("la", "Ho", "la")])
    assert came == [texts("la"), texts("la")]
    assert isinstance(error, ContentRejected)
    assert error.details == "The stage policy refused the answer: Content violates policy"
    assert (error.stage, error.reason) == ("policy", "Content violates policy")


def test_a_dropped_chunk_is_counted_and_nothing_else_is_lost() -> None:
    bench = Bench([validate(_no_ho, policy="drop", name="policy")])
    assert events(bench.through([texts("la", "Ho", "la"), END])) == [*texts("la", "la"), *END]
    assert bench.passage.rejections == {"policy": 1}
    assert bench.passage.meter.snapshot().errors == 1


def test_a_replaced_chunk_says_the_other_text_and_nothing_of_its_own() -> None:
    bench = Bench([validate(_no_ho, policy="replace", replacement="[…]")])
    refused = Chunk("Ho", reasoning="Ho?", logprobs={"content": ["Ho"]}, metadata={"at": 1})
    assert events(bench.through([(refused, *texts("la"))])) == [Chunk("[…]", metadata={"at": 1}), Chunk("la")]
    assert bench.passage.meter.snapshot().errors == 1


def test_refused_reasoning_is_replaced_by_reasoning() -> None:
    def no_thoughts(chunk: Chunk) -> str | None:
        return "thinks" if chunk.reasoning else None

    bench = Bench([validate(no_thoughts, policy="replace", replacement="…")])
    assert events(bench.through([(Chunk(reasoning="Hm"),)])) == [Chunk(reasoning="…")]


def test_a_dropped_chunk_leaves_its_tool_call() -> None:
    calls = (ToolCallDelta(0, "call-1", "weather", "{}"),)
    bench = Bench([validate(_no_ho, policy="drop")])
    assert events(bench.through([(Chunk("Ho", tool_calls=calls),)])) == [Chunk(tool_calls=calls)]


def test_a_validator_that_raises_ends_the_stream_whatever_the_policy() -> None:
    def fragile(chunk: Chunk) -> str | None:
        raise ValueError("oops")

    with pytest.raises(StageFailed, match="The stage validate failed"):
        Bench([validate(fragile, policy="drop")]).through([texts("Ho")])


@pytest.mark.parametrize("nonsense", [True, False, 0, Chunk("a")])
def test_an_answer_that_is_neither_none_nor_a_text_is_no_verdict(nonsense: Any) -> None:
    with pytest.raises(StageFailed, match="not None or what is wrong"):
        Bench([validate(lambda chunk: nonsense)]).through([texts("Ho")])


# -- max_chars


@pytest.mark.parametrize(("policy", "said"), [("drop", "1234"), ("replace", "12341234")])
def test_a_chunk_of_too_many_characters_is_refused(policy: Policy, said: str) -> None:
    stage = max_chars(limit=4, policy=policy, replacement="1234")
    assert text_of(Bench([stage]).through([texts("1234"), texts("12345")])) == said


def test_characters_are_counted_and_not_bytes() -> None:
    assert text_of(Bench([max_chars(limit=2)]).through([texts("ñé")])) == "ñé"
    with pytest.raises(ContentRejected, match="a piece of 3 characters is too large"):
        Bench([max_chars(limit=2)]).through([texts("ñéü")])


def test_a_limit_that_admits_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="limit must be at least 1"):
        max_chars(limit=0)
