"""Events become content blocks, one open at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.chat import (
    AnswerEvent,
    AnswerInfo,
    Chunk,
    Finish,
    FinishReason,
    ThoughtSeal,
    ToolCallDelta,
    Usage,
)
from cortex_actors.web.anthropic.blocks import Blocks


def told(*events: AnswerEvent, thinking: bool = True) -> list[dict[str, Any]]:
    blocks = Blocks(thinking=thinking)
    return [payload for event in events for payload in blocks.add(event)] + list(blocks.close())


def assert_in_order(payloads: list[dict[str, Any]]) -> None:
    """Blocks are numbered from 0, open and close in turn, and deltas belong to the one that is open."""
    number, is_open = -1, False
    for payload in payloads:
        kind = payload["type"]
        if kind == "content_block_start":
            assert not is_open
            number, is_open = number + 1, True
        assert is_open
        assert payload["index"] == number
        if kind == "content_block_stop":
            is_open = False
    assert not is_open


def content(payloads: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each block as its type, or the name of its tool, and all that it says."""
    assert_in_order(payloads)
    found: list[tuple[str, str]] = []
    for payload in payloads:
        if payload["type"] == "content_block_start":
            block = payload["content_block"]
            found.append((block.get("name") or block["type"], ""))
        elif payload["type"] == "content_block_delta":
            _, *said = payload["delta"].values()
            found[-1] = (found[-1][0], found[-1][1] + "".join(said))
    return found


def call(index: int, arguments: str = "", name: str | None = None) -> Chunk:
    return Chunk(tool_calls=(ToolCallDelta(index, f"id{index}" if name else None, name, arguments),))


def test_text_is_one_block() -> None:
    assert told(Chunk(text="Ho"), Chunk(text="la")) == [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ho"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "la"}},
        {"type": "content_block_stop", "index": 0},
    ]


def test_a_tool_call_is_a_block_with_its_arguments_in_pieces() -> None:
    assert told(call(0, name="weather"), call(0, '{"a"'), call(0, ":1}")) == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "id0", "name": "weather", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"a"'},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": ":1}"},
        },
        {"type": "content_block_stop", "index": 0},
    ]


def test_thinking_comes_with_its_seal_and_before_the_text() -> None:
    payloads = told(Chunk(reasoning="Hm."), ThoughtSeal("s1"), ThoughtSeal(encrypted="x"), Chunk(text="4"))

    assert content(payloads) == [("thinking", "Hm.s1"), ("redacted_thinking", ""), ("text", "4")]
    assert payloads[2]["delta"] == {"type": "signature_delta", "signature": "s1"}
    assert payloads[4]["content_block"] == {"type": "redacted_thinking", "data": "x"}


def test_a_seal_ends_its_thought() -> None:
    payloads = told(Chunk(reasoning="a"), ThoughtSeal("s1"), Chunk(reasoning="b"), ThoughtSeal("s2"))

    assert content(payloads) == [("thinking", "as1"), ("thinking", "bs2")]


def test_a_caller_that_wants_no_thinking_hears_none() -> None:
    events = (Chunk(reasoning="Hm."), ThoughtSeal("s1"), ThoughtSeal(encrypted="x"), Chunk("4", "still"))

    assert content(told(*events, thinking=False)) == [("text", "4")]


def test_one_chunk_may_hold_everything() -> None:
    chunk = Chunk("b", "a", (ToolCallDelta(0, "i0", "f", "{}"), ToolCallDelta(1, "i1", "g", "{}")))

    assert content(told(chunk)) == [("thinking", "a"), ("text", "b"), ("f", "{}"), ("g", "{}")]


def test_what_is_no_content_is_no_block() -> None:
    assert told(AnswerInfo("m"), Usage(1, 2), Chunk(), Finish(FinishReason.STOP)) == []


def test_calls_that_a_provider_mixes_are_told_one_after_the_other() -> None:
    payloads = told(
        call(0, '{"a"', "f"),
        call(1, '{"b"', "g"),
        Chunk(text="and"),
        call(0, ":1"),
        call(1, ":2}"),
        call(0, "}"),
    )

    assert content(payloads) == [("f", '{"a":1}'), ("g", '{"b":2}'), ("text", "and")]


def test_a_call_is_told_as_it_comes_once_the_one_before_is_whole() -> None:
    blocks = Blocks()
    for chunk in (call(0, '{"a":1}', "f"), call(1, '{"b"', "g")):
        last = list(blocks.add(chunk))

    assert [payload["type"] for payload in last] == [
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
    ]


def test_a_call_that_never_becomes_whole_holds_the_others_only_to_the_end() -> None:
    payloads = told(call(0, '{"a', "f"), call(1, "{", "g"), call(2, "{}", "h"), call(1, "}"))

    assert content(payloads) == [("f", '{"a'), ("g", "{}"), ("h", "{}")]


def test_a_call_without_arguments_is_a_block() -> None:
    assert content(told(call(0, "", "f"), call(1, "{}", "g"))) == [("f", ""), ("g", "{}")]


def test_white_space_after_a_whole_call_opens_nothing() -> None:
    assert content(told(call(0, "{}", "f"), call(1, "{}", "g"), call(0, "\n"))) == [("f", "{}"), ("g", "{}")]


def test_a_brace_inside_a_text_does_not_end_a_call() -> None:
    payloads = told(call(0, '{"a":"}', "f"), Chunk(text="x"), call(0, '"}'))

    assert content(payloads) == [("f", '{"a":"}"}'), ("text", "x")]


OBJECTS = st.dictionaries(st.text(max_size=3), st.text(st.sampled_from('{}"\\ a'), max_size=6), max_size=3)


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.data())
def test_calls_are_whole_in_whatever_order_their_pieces_come(objects: list[Any], data: st.DataObject) -> None:
    left = {}
    for index, value in enumerate(objects):
        arguments = json.dumps(value)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(arguments)), max_size=3)))
        bounds = zip([0, *cuts], [*cuts, len(arguments)], strict=True)
        left[index] = [call(index, name=f"f{index}"), *(call(index, arguments[a:b]) for a, b in bounds)]
    chunks = []
    while any(left.values()):
        index = data.draw(st.sampled_from([index for index, pieces in left.items() if pieces]))
        chunks.append(left[index].pop(0))

    said = dict(content(told(*chunks)))

    assert {name: json.loads(arguments) for name, arguments in said.items()} == {
        f"f{index}": value for index, value in enumerate(objects)
    }


@pytest.mark.parametrize("size", [50_000])
def test_a_long_call_costs_no_more_than_its_length(size: int) -> None:
    pieces = [call(0, '{"a":"', "f"), call(1, "{", "g"), *(call(0, "x}") for _ in range(size)), call(0, '"}')]

    assert len(content(told(*pieces))[0][1]) == 2 * size + 8
