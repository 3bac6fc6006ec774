"""Four framings, read without trust."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from cortex_actors.drill.reading import COMPLETE, EVERY, NDJSON, SSE, TEXT, Framing, Reading

_END = {"finish_reason": "stop", "end": "complete", "provider": "wall", "model": "steady", "attempts": [1, 2]}
_ERROR = {
    "error": "Upstream stream cut short",
    "code": "truncated_stream",
    "end": "truncated",
    "attempts": [1],
}
_START = {"id": "1", "provider": "wall", "model": "steady"}


def sse(*frames: tuple[str, Any]) -> bytes:
    return "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in frames).encode()


def ndjson(*frames: tuple[str, Any]) -> bytes:
    return "".join(f"{json.dumps({'type': kind, **data})}\n" for kind, data in frames).encode()


def read(framing: Framing, data: bytes, *, pieces: int = 7, clean: bool = True) -> Reading:
    """The reading of a body that arrives a few bytes at a time."""
    reading = Reading()
    reader = framing.reader(reading)
    for start in range(0, len(data), pieces):
        reader.feed(data[start : start + pieces])
    if clean:
        reader.close()
    return reading


BOTH = [(SSE, sse), (NDJSON, ndjson)]


@pytest.mark.parametrize(("framing", "write"), BOTH)
def test_frames_tell_words_who_answered_counts_attempts_and_the_end(framing: Framing, write: Any) -> None:
    usage = {"completion_tokens": 2}
    body = write(
        ("start", _START),
        ("delta", {"text": "Ho"}),
        ("delta", {"text": "lá"}),
        ("end", {**_END, "usage": usage}),
    )

    reading = read(framing, body)

    assert (reading.text, reading.ended, reading.error, reading.lies) == ("Holá", True, None, [])
    assert (reading.provider, reading.model, reading.usage) == ("wall", "steady", usage)
    assert (reading.end, reading.attempts) == ("complete", 2)


@pytest.mark.parametrize(("framing", "write"), BOTH)
def test_a_seam_is_counted_and_must_be_where_it_says(framing: Framing, write: Any) -> None:
    seam = {"provider": "spare", "model": "steady", "offset": 2, "attempt": 2}
    words = [("delta", {"text": "Ho"}), ("recovered", seam), ("delta", {"text": "la"})]

    right = read(framing, write(("start", _START), *words, ("end", {**_END, "recoveries": [seam]})))
    wrong = read(framing, write(("start", _START), *reversed(words), ("end", _END)))

    assert (right.text, right.seams, right.lies) == ("Hola", 1, [])
    assert wrong.lies == ["another number of seams in the end than on the way"]
    misplaced = read(framing, write(("start", _START), ("recovered", seam)), clean=False)
    assert misplaced.lies == ["a seam in another place than it says"]


@pytest.mark.parametrize(("framing", "write"), BOTH)
def test_frames_tell_one_error_after_the_words(framing: Framing, write: Any) -> None:
    reading = read(framing, write(("start", _START), ("delta", {"text": "Ho"}), ("error", _ERROR)))

    assert (reading.text, reading.ended, reading.error and reading.error["code"]) == (
        "Ho",
        False,
        "truncated_stream",
    )
    assert (reading.end, reading.attempts, reading.lies) == ("truncated", 1, [])


@pytest.mark.parametrize(("framing", "write"), BOTH)
@pytest.mark.parametrize(
    "frames",
    [
        (("delta", {"text": "Ho"}),),
        (("end", _END), ("delta", {"text": "more"})),
        (("end", _END), ("end", _END)),
        (("error", _ERROR), ("error", _ERROR)),
        (("error", _ERROR), ("end", _END)),
        (),
    ],
    ids=["no end", "words after it", "two ends", "two errors", "an end after an error", "nothing"],
)
def test_a_broken_form_is_a_lie(framing: Framing, write: Any, frames: Iterable[Any]) -> None:
    assert read(framing, write(*frames)).lies


@pytest.mark.parametrize(("framing", "write"), BOTH)
def test_kinds_that_nobody_knows_are_passed_over(framing: Framing, write: Any) -> None:
    reading = read(framing, write(("recovery", {"attempt": 2}), ("usage", {}), ("end", _END)))

    assert reading.lies == []
    assert reading.ended


@pytest.mark.parametrize(
    ("framing", "junk"), [(SSE, b"event: delta\ndata: {\n\n"), (NDJSON, b"{\n"), (NDJSON, b"[]\n")]
)
def test_what_is_not_json_is_a_lie(framing: Framing, junk: bytes) -> None:
    assert read(framing, junk, clean=False).lies


def test_comments_say_nothing() -> None:
    assert read(SSE, b": still there\n\n" + sse(("end", _END))).lies == []


def test_a_text_is_its_bytes_and_whole_when_its_body_is() -> None:
    text = "Holá 👋"

    assert read(TEXT, text.encode(), pieces=1).text == text
    assert read(TEXT, text.encode()).ended
    assert not read(TEXT, text.encode(), clean=False).ended


def test_a_complete_answer_is_one_object() -> None:
    body = json.dumps({"response": "Hola", "provider": "wall", "model": "steady", "usage": {"a": 1}}).encode()

    reading = read(COMPLETE, body)

    assert (reading.text, reading.ended, reading.provider, reading.usage) == ("Hola", True, "wall", {"a": 1})
    assert read(COMPLETE, b"<html>").lies


def test_only_a_text_cannot_tell_its_errors() -> None:
    assert [framing.name for framing in EVERY if not framing.tells_errors] == ["text"]
