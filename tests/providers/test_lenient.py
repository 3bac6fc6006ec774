"""Reading JSON of any shape: what is not there, or is something else, reads as nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.providers.lenient import as_object, count_in, list_in, object_in, parsed, text_in

ANSWER = {"message": {"content": [1, 2], "text": "hi", "tokens": 7.0, "none": None}}


def test_a_value_at_the_end_of_its_path_is_found() -> None:
    assert object_in(ANSWER, "message") == ANSWER["message"]
    assert list_in(ANSWER, "message", "content") == [1, 2]
    assert text_in(ANSWER, "message", "text") == "hi"
    assert count_in(ANSWER, "message", "tokens") == 7


@pytest.mark.parametrize(
    "path", [("absent",), ("message", "none"), ("message", "text", "deeper"), ("message",)]
)
def test_a_path_to_something_else_leads_to_nothing(path: tuple[str, ...]) -> None:
    assert list_in(ANSWER, *path) == []
    assert text_in(ANSWER, *path) == ""
    assert count_in(ANSWER, *path) is None


@pytest.mark.parametrize("value", [None, 3, "text", [], True])
def test_what_is_no_object_reads_as_an_empty_one(value: Any) -> None:
    assert as_object(value) == {}
    assert object_in(value, "a", "b") == {}


@pytest.mark.parametrize("value", [-1, True, "5", None, float("nan"), float("inf"), 2**60])
def test_what_cannot_be_a_count_is_none(value: Any) -> None:
    assert count_in({"n": value}, "n") is None


@pytest.mark.parametrize("text", ["", "{", "[DONE]", "[" * 100_000, b"\xff\xfe{"])
def test_what_is_not_json_is_none(text: str | bytes) -> None:
    assert parsed(text) is None
