"""How each framing is read: its words, its end, its error, and its lies."""

from __future__ import annotations

import json

import pytest

from cortex_actors.loadtest.framings import FRAMINGS, Reader
from tests.loadtest.gateway import FRAMES, line, sse
from tests.upstream import openai_stream

TEXTS = ("Año", " nuevo", " 🎉")

ANSWERS = {
    **{name: b"".join(FRAMES[FRAMINGS[name].accept](TEXTS)) for name in ("text", "sse", "ndjson")},
    "openai": openai_stream(TEXTS).body,
}


SSE_BEGUN = sse("delta", {"text": "Ho"})


def read(name: str, *pieces: bytes) -> Reader:
    """What a reader of this framing makes of a body that has come to its end."""
    reader = FRAMINGS[name].reader()
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    return reader


def chunk(text: str = "", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


@pytest.mark.parametrize("name", FRAMINGS)
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_whole_answer_is_read_wherever_it_was_cut(name: str, size: int) -> None:
    body = ANSWERS[name]

    reader = read(name, *(body[start : start + size] for start in range(0, len(body), size)))

    assert reader.text == "".join(TEXTS)
    assert reader.ended
    assert reader.error is None
    assert reader.lies == []


@pytest.mark.parametrize("name", ["sse", "ndjson", "openai"])
def test_each_piece_of_the_answer_counts_once_and_what_surrounds_it_does_not(name: str) -> None:
    assert FRAMINGS[name].reader().feed(ANSWERS[name]) == len(TEXTS)


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("sse", SSE_BEGUN + sse("error", {"error": "Gone", "code": "idle_timeout"}), "idle_timeout"),
        ("ndjson", line("delta", {"text": "Ho"}) + b'{"error": "Gone", "code": "shed"}\n', "shed"),
        ("openai", chunk("Ho") + b'data: {"error": {"message": "Gone", "code": "shed"}}\n\n', "shed"),
        ("openai", chunk("Ho") + b'data: {"error": {"type": "server_error"}}\n\n', "server_error"),
    ],
)  # fmt: skip
def test_an_error_is_an_honest_end(name: str, body: bytes, code: str) -> None:
    reader = read(name, body)

    assert reader.error == code
    assert reader.text == "Ho"
    assert not reader.ended
    assert reader.lies == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("sse", sse("delta", {"text": "Ho"})),
        ("ndjson", line("delta", {"text": "Ho"})),
        ("openai", chunk("Ho")),
    ],
)
def test_a_body_that_ends_and_says_nothing_of_the_answer_is_a_lie(name: str, body: bytes) -> None:
    assert read(name, body).lies == ["no end"]


def test_a_done_that_no_finish_reason_stands_before_is_a_lie() -> None:
    assert read("openai", chunk("Ho"), b"data: [DONE]\n\n").lies == ["no end"]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("sse", sse("delta", {"text": "more"})),
        ("sse", sse("end", {})),
        ("ndjson", line("delta", {"text": "more"})),
        ("ndjson", b'{"error": "Gone"}\n'),
        ("openai", chunk("more")),
        ("openai", b"data: [DONE]\n\n"),
    ],
)
def test_anything_after_the_end_is_a_lie(name: str, more: bytes) -> None:
    assert read(name, ANSWERS[name], more).lies == ["something after the end"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("text", b"Ho\xff"),
        ("text", "é".encode()[:1]),
        ("sse", b"event: delta\ndata: {nonsense\n\n"),
        ("ndjson", b"<html>\n"),
        ("openai", b"data: <html>\n\n"),
    ],
)
def test_what_is_not_in_the_framing_is_malformed(name: str, body: bytes) -> None:
    assert "malformed" in read(name, body).lies


def test_a_text_under_way_may_end_in_half_a_character() -> None:
    reader = FRAMINGS["text"].reader()
    reader.feed("Olé".encode()[:-1])

    assert reader.text == "Ol"
