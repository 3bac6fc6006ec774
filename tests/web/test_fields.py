"""Typed readers of JSON fields."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cortex_actors.errors import InvalidRequest
from cortex_actors.web.fields import Fields


@pytest.mark.parametrize(
    ("given", "read"),
    [(0, 0.0), (0.7, 0.7), (2, 2.0), ("0.7", 0.7), ("1", 1.0), (" 1e0 ", 1.0), ("2.0E-1", 0.2), (None, None)],
)
def test_a_number_may_be_a_number_or_its_text(given: Any, read: float | None) -> None:
    assert Fields({"n": given}).number("n", least=0, most=2) == read


@pytest.mark.parametrize(
    "given",
    [
        *("12abc", "", " ", "NaN", "inf", "1_0", "0x1", "1.", ".5", "\u0663", "1e999", "9" * 500),
        *(True, False, [1], {}, math.inf, math.nan),
    ],
)
def test_what_is_no_number_is_refused_by_name(given: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^n must be a number\.$") as caught:
        Fields({"n": given}).number("n", least=0, most=2)

    assert caught.value.field == "n"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (-0.1, "at least 0"),
        (2.1, "at most 2"),
        ("3", "at most 2"),
        (10**400, "at most 2"),
        (-(10**400), "at least 0"),
    ],
)
def test_a_number_has_bounds(given: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        Fields({"n": given}).number("n", least=0, most=2)


@pytest.mark.parametrize(
    ("given", "read"), [(100, 100), ("100", 100), (100.0, 100), ("1e2", 100), (None, None)]
)
def test_a_whole_number_may_be_written_in_several_ways(given: Any, read: int | None) -> None:
    found = Fields({"n": given}).integer("n", least=1, most=1000)

    assert found == read
    assert found is None or type(found) is int


@pytest.mark.parametrize("given", [1.5, "1.5", "12abc", True, [], "Infinity"])
def test_what_is_no_whole_number_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="n must be a whole number"):
        Fields({"n": given}).integer("n", least=1, most=1000)


@pytest.mark.parametrize("given", [0, -1, "0"])
def test_a_duration_of_nothing_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest):
        Fields({"n": given}).seconds("n")


def test_texts_are_one_text_or_a_list() -> None:
    fields = Fields({"one": "a", "two": ["a", "b"], "none": None, "empty": []})

    assert fields.texts("one", most=2) == ("a",)
    assert fields.texts("two", most=2) == ("a", "b")
    assert (
        fields.texts("none", most=2) == fields.texts("empty", most=2) == fields.texts("absent", most=2) == ()
    )


@pytest.mark.parametrize("given", ["", [""], [1], {"a": 1}, 5, [["a"]], ["a", None]])
def test_texts_are_texts(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="stop must be a string or a list of strings"):
        Fields({"stop": given}).texts("stop", most=16)


def test_texts_are_not_too_many() -> None:
    with pytest.raises(InvalidRequest, match="at most 16 entries"):
        Fields({"stop": ["x"] * 17}).texts("stop", most=16)


@pytest.mark.parametrize("given", ["", "  ", "a\nb", "a\r\nX-Evil: 1", "a\x00", "x" * 257, "\x7f"])
def test_a_name_is_one_line(given: str) -> None:
    with pytest.raises(InvalidRequest, match="one line of 1 to 256 characters"):
        Fields({"model": given}).name("model")


@pytest.mark.parametrize("given", [1, True, ["groq"], {}])
def test_a_name_is_a_text(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="model must be a string"):
        Fields({"model": given}).name("model")


def test_children_know_their_place() -> None:
    outer = Fields({"messages": [{}, {"content": [{"type": 5}]}]})
    _, message = outer.children("messages")
    (part,) = message.children("content")

    assert part.path("type") == "messages[1].content[0].type"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": {}}, "a must be a list"),
        ({"a": [1]}, r"a\[0\] must be an object"),
        ({"a": [{}] * 3}, "at most 2"),
    ],
)
def test_children_are_a_list_of_objects(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        list(Fields(given).children("a", most=2))


def test_a_schema_may_be_deep_but_not_too_deep() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for _ in range(levels - 1):
            value = {"items": [value]} if levels % 2 else {"properties": value}
        return value

    assert Fields({"parameters": nested(20)}).schema("parameters") == nested(20)
    with pytest.raises(InvalidRequest, match="deeper than 64 levels"):
        Fields({"parameters": nested(66)}).schema("parameters")
