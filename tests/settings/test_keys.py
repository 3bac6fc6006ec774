"""What fits a key, and what is said of what does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from cortex_actors.settings.keys import LONGEST_WAIT, Unfit, keys_of, seconds, setting


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    count: int = setting(3, "A count.", least=1, most=10)
    wait: float = seconds(2.0, "A wait.")
    pause: float = seconds(0.0, "A pause.", zero=True)
    share: float = setting(0.5, "A share.", above=0, most=1)
    on: bool = setting(True, "A switch.")
    text: str = setting("a", "A text.", complaint=lambda text: "" if text else "must not be empty")
    word: Literal["red", "green"] = setting("red", "A colour.")
    words: tuple[str, ...] = setting(
        ("a",), "Texts.", complaint=lambda text: "" if text else "must say something"
    )
    table: Mapping[str, str] = setting({}, "A table of texts.")
    free: Mapping[str, Any] = setting({}, "A free table.")
    inner: str = "not a setting"


KEYS = keys_of(Sample)


def test_only_declared_fields_are_keys() -> None:
    assert list(KEYS) == ["count", "wait", "pause", "share", "on", "text", "word", "words", "table", "free"]
    assert KEYS["count"].default == 3
    assert KEYS["table"].default == {}


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        ("count", 4, 4),
        ("wait", 3, 3.0),
        ("wait", 0.5, 0.5),
        ("pause", 0, 0.0),
        ("share", 1, 1.0),
        ("on", False, False),
        ("text", "b", "b"),
        ("word", "green", "green"),
        ("words", ["b", "c"], ("b", "c")),
        ("words", [], ()),
        ("table", {"a": "b"}, {"a": "b"}),
        ("free", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
    ],
)
def test_a_fitting_value_becomes_one_of_its_kind(key: str, value: object, fits: object) -> None:
    converted = KEYS[key].convert(value)
    assert converted == fits
    assert type(converted) is type(fits)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("count", "3", "must be a whole number, not a string"),
        ("count", 3.0, "must be a whole number, not a fraction"),
        ("count", True, "must be a whole number, not true or false"),
        ("count", 0, "must be at least 1"),
        ("count", -1, "must be at least 1"),
        ("count", 11, "must be at most 10"),
        ("wait", "3", "must be a number, not a string"),
        ("wait", False, "must be a number, not true or false"),
        ("wait", 0, "must be above 0"),
        ("wait", -0.1, "must be above 0"),
        ("wait", float("nan"), "must be a finite number"),
        ("wait", float("inf"), "must be a finite number"),
        ("wait", 10**400, "must be a finite number"),
        ("wait", LONGEST_WAIT + 1, "must be at most 604800"),
        ("pause", -1, "must be at least 0"),
        ("share", 1.01, "must be at most 1"),
        ("on", 1, "must be true or false, not a whole number"),
        ("on", "true", "must be true or false, not a string"),
        ("text", 1, "must be a string, not a whole number"),
        ("text", "", "must not be empty"),
        ("word", "gren", "must be one of red, green, not 'gren'; did you mean green?"),
        ("word", 1, "must be one of red, green, not a whole number"),
        ("words", "a", "must be a list of strings, not a string"),
        ("words", ["a", 1], "must be a list of strings"),
        ("words", ["a", ""], "must say something"),
        ("table", {"a": 1}, "must be a table of strings"),
        ("free", [], "must be a table, not a list"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_kind_that_would(key: str, value: object, says: str) -> None:
    with pytest.raises(Unfit) as caught:
        KEYS[key].convert(value)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("key", "text", "fits"),
    [
        ("count", " 7 ", 7),
        ("wait", "1e1", 10.0),
        ("wait", ".5", 0.5),
        ("on", "YES", True),
        ("on", "off", False),
        ("text", " b ", "b"),
        ("words", "a, b,,c ", ("a", "b", "c")),
    ],
)
def test_a_text_of_the_environment_becomes_a_value(key: str, text: str, fits: object) -> None:
    assert KEYS[key].from_text(text) == fits


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("count", "1_0"),
        ("count", "٣"),
        ("count", ""),
        ("count", "3.0"),
        ("count", "9" * 5000),
        ("wait", "nan"),
        ("wait", "ten"),
        ("wait", "1e999"),
        ("on", "maybe"),
        ("on", ""),
    ],
)
def test_a_text_that_is_no_value_is_refused(key: str, text: str) -> None:
    with pytest.raises(Unfit):
        KEYS[key].from_text(text)
