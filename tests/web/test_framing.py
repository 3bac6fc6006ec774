"""Framings: batches in, bytes out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.chat import AnswerInfo, Chunk, Finish, FinishReason, Recovered, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import EndName, RecoveryRecord
from cortex_actors.errors import UpstreamFailure
from cortex_actors.web.framing import NDJSON, SSE, TEXT, Framing, utf8
from tests.web.gateway_double import COMPLETE, StreamDouble

FAILURE = UpstreamFailure()
STREAM = StreamDouble("r1", (), COMPLETE).stream
RICH = (
    Chunk(text="a\nb"),
    Chunk(reasoning="hm"),
    Chunk(
        text="c", tool_calls=(ToolCallDelta(0, "c1", "weather", '{"a'), ToolCallDelta(0, arguments='":1}'))
    ),
    Chunk(),
    AnswerInfo(model="x"),
    Usage(7, 2, cached_tokens=0),
    Finish(FinishReason.STOP),
)


def test_plain_text_is_the_words_of_the_answer_alone() -> None:
    assert TEXT.batch(RICH) == b"a\nbc"
    assert TEXT.start(STREAM) == TEXT.tick() == TEXT.end(COMPLETE) == b""


def test_plain_text_cannot_tell_a_failure() -> None:
    assert TEXT.error(FAILURE, {"error": "x"}) is None


def test_sse_names_its_events() -> None:
    assert SSE.start(STREAM) == (
        b"event: start\n"
        b'data: {"id":"5f2b","request_id":"r1","provider":"groq-primary","model":"llama-3.1-8b"}\n\n'
    )
    assert SSE.batch((Chunk(text='"é\n'),)) == 'event: delta\ndata: {"text":"\\"é\\n"}\n\n'.encode()
    told = SSE.error(FAILURE, {"error": "Upstream error"})
    assert told == b'event: error\ndata: {"error":"Upstream error"}\n\n'


def test_a_tick_is_a_comment_that_no_reader_of_sse_sees() -> None:
    assert SSE.tick().startswith(b":")
    assert SSE.tick().endswith(b"\n\n")
    assert NDJSON.tick() == b""


def test_ndjson_is_the_same_as_lines() -> None:
    lines = [json.loads(line) for line in NDJSON.batch(RICH).splitlines()]

    assert lines == [
        {"type": "delta", "text": "a\nb"},
        {"type": "delta", "reasoning": "hm"},
        {
            "type": "delta",
            "text": "c",
            "tool_calls": [
                {"index": 0, "id": "c1", "name": "weather", "arguments": '{"a'},
                {"index": 0, "arguments": '":1}'},
            ],
        },
        {
            "type": "usage",
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "total_tokens": 9,
            "cached_tokens": 0,
        },
    ]


def test_sse_and_ndjson_carry_the_same_payloads() -> None:
    def from_sse(data: bytes) -> list[object]:
        events = data.decode().split("\n\n")[:-1]
        return [
            {"type": kind.removeprefix("event: "), **json.loads(payload.removeprefix("data: "))}
            for kind, payload in (event.split("\n") for event in events)
        ]

    def written(framing: Framing) -> bytes:
        told = framing.error(FAILURE, {"error": "x"})
        assert told is not None
        return framing.start(STREAM) + framing.batch(RICH) + framing.end(COMPLETE) + told

    assert from_sse(written(SSE)) == [json.loads(line) for line in written(NDJSON).splitlines()]


def test_what_a_stage_noted_stands_beside_the_text_whatever_it_is() -> None:
    noted = Chunk("Ho", metadata={"at": date(2026, 1, 31), "n": 1})
    assert NDJSON.batch([noted]) == b'{"type":"delta","text":"Ho","metadata":{"at":"2026-01-31","n":1}}\n'


def test_a_seam_is_an_event_a_line_and_nothing_in_plain_text() -> None:
    seam = Recovered("spare", "small", 18, 3)
    payload = '{"provider":"spare","model":"small","offset":18,"attempt":3}'

    assert SSE.batch((seam,)).decode() == f"event: recovered\ndata: {payload}\n\n"
    assert NDJSON.batch((seam,)).decode() == f'{{"type":"recovered",{payload[1:]}\n'
    assert TEXT.batch((seam, Chunk(text="x"))) == b"x"


def test_the_end_tells_of_the_seams_and_of_nothing_that_came_to_nothing() -> None:
    records = (RecoveryRecord(2, "one", "m", 18, "failed"), RecoveryRecord(3, "spare", "small", 18, "joined"))
    told = json.loads(NDJSON.end(replace(COMPLETE, name=EndName.RECOVERED, recoveries=records)))

    assert told["end"] == "recovered"
    assert told["recoveries"] == [{"provider": "spare", "model": "small", "offset": 18, "attempt": 3}]
    assert "recoveries" not in json.loads(NDJSON.end(COMPLETE))


def test_the_end_tells_how_it_went() -> None:
    assert json.loads(NDJSON.end(COMPLETE)) == {
        "type": "end",
        "finish_reason": "stop",
        "end": "complete",
        "provider": "groq-primary",
        "model": "llama-3.1-8b",
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        "attempts": [
            {
                "number": 1,
                "provider": "groq-primary",
                "model": "llama-3.1-8b",
                "outcome": "complete",
                "status": None,
                "milliseconds": 42,
            }
        ],
    }


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_any_text_becomes_valid_utf8_and_valid_json(texts: list[str]) -> None:
    batch = [Chunk(text=text) for text in texts]

    TEXT.batch(batch).decode()
    SSE.batch(batch).decode()
    for line in NDJSON.batch(batch).decode().split("\n")[:-1]:
        json.loads(line)


@given(st.lists(st.text()))
def test_text_arrives_as_it_was(texts: list[str]) -> None:
    batch = [Chunk(text=text) for text in texts]

    assert TEXT.batch(batch).decode() == "".join(texts)
    lines = NDJSON.batch(batch).decode().split("\n")[:-1]
    assert "".join(json.loads(line)["text"] for line in lines) == "".join(texts)


@pytest.mark.parametrize(
    ("text", "data"),
    [("\ud83d\ude00", "\U0001f600"), ("a\ud83d", "a\ufffd"), ("\ude00b", "\ufffdb"), ("é", "é")],
)
def test_halves_of_a_character_are_joined_or_replaced(text: str, data: str) -> None:
    assert utf8(text).decode() == data
