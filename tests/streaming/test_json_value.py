"""One JSON text: its value, or one name for everything that can be wrong with it."""

from __future__ import annotations

import math

import pytest

from cortex_actors.streaming.errors import EXCERPT, NotJSON, Undecodable
from cortex_actors.streaming.json_value import parse_json, parse_or_mark

BAD = ["", "{", "nope", "[1,]", "[" * 100_000, "9" * 10_000]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:4] or "empty")
def test_bad_json_is_an_error_that_carries_the_beginning_of_the_text(text: str) -> None:
    with pytest.raises(NotJSON) as caught:
        parse_json(text)
    assert caught.value.text == text[:EXCERPT]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:4] or "empty")
def test_bad_json_can_be_marked_in_place_of_an_error(text: str) -> None:
    assert parse_or_mark(text) == Undecodable(text[:EXCERPT])


def test_the_message_of_the_error_does_not_repeat_the_text() -> None:
    assert "secret" not in str(NotJSON("secret"))


def test_nan_and_infinity_are_let_through() -> None:
    nan, infinity = parse_json("[NaN, -Infinity]")
    assert math.isnan(nan)
    assert infinity == -math.inf
