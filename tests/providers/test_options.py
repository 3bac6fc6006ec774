"""Options of dialects: known, of their kind, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.providers.catalog import TYPES
from cortex_actors.providers.options import Kind, Option, read_options

TABLE = {
    "color": Option("text", "red", "A color.", choices=("red", "green")),
    "size": Option("whole number", 3, "A size."),
}


def test_what_is_not_given_has_its_default() -> None:
    assert dict(read_options("p", TABLE, {"size": 5})) == {"color": "red", "size": 5}


def test_every_mistake_is_named_at_once_with_its_place() -> None:
    with pytest.raises(SettingsError) as refused:
        read_options("p", TABLE, {"colour": "red", "color": "blue", "size": -1, "shape": "round"})
    assert refused.value.mistakes == (
        "providers.p.options.colour: unknown option. Did you mean 'color'?",
        "providers.p.options.color: must be one of red, green.",
        "providers.p.options.size: must be whole number.",
        "providers.p.options.shape: unknown option.",
    )


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["", "x"], [1, None]),
        ("number", [0, 1.5], [-1, True, "1"]),
        ("whole number", [0, 7], [1.5, True, "1"]),
        ("true or false", [True, False], [0, "yes"]),
        ("table", [{}, {"a": 1}], [[], "x"]),
        ("list", [[], ("a",)], ["x", {}]),
        ("anything", [None, 1, "x"], []),
    ],
)
def test_a_value_must_be_of_its_kind(kind: Kind, good: list[Any], bad: list[Any]) -> None:
    option = Option(kind, None, "Something.")
    assert all(option.admits(value) for value in good)
    assert not any(option.admits(value) for value in bad)


def test_options_cannot_be_changed_afterwards() -> None:
    with pytest.raises(TypeError):
        read_options("p", TABLE, {})["size"] = 4  # type: ignore[index]


@pytest.mark.parametrize("type_", TYPES)
def test_every_option_says_in_one_sentence_what_it_does(type_: str) -> None:
    for option in TYPES[type_].option_table.values():
        assert option.meaning.endswith(".")
        assert option.default is None or option.admits(option.default)
