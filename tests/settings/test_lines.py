"""Where keys stand in a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.settings.lines import Path, line_numbers
from cortex_actors.settings.toml_text import toml_key, toml_value

AWKWARD = '''\
a = 1
"q u".x = """x
]#"""""
[s.t]   # a comment with = and [
k = [ 1, { z = 'a', "y" = [ 2,
 3 ] }, # hmm ]
  "]" ]
[[p]]
n = 1
[p.l]
c = 2
[[p]]
[[p.r]]
m = "\\"#"
[[p.r]]
m = '\\'
[p.l]
when = 1979-05-27T07:32:00Z
'''


def test_a_key_is_found_on_its_line_whatever_surrounds_it() -> None:
    lines = line_numbers(AWKWARD)
    assert lines["a",] == 1
    assert lines["q u", "x"] == 2
    assert lines["s", "t"] == 4
    assert lines["s", "t", "k", 1, "y", 1] == 6
    assert lines["s", "t", "k", 2] == 7


def test_each_table_of_a_list_has_its_own_lines() -> None:
    lines = line_numbers(AWKWARD)
    assert (lines["p", 0], lines["p", 1]) == (8, 12)
    assert (lines["p", 0, "l", "c"], lines["p", 1, "l", "when"]) == (11, 18)
    assert (lines["p", 1, "r", 0, "m"], lines["p", 1, "r", 1, "m"]) == (14, 16)


def test_every_value_of_the_document_has_a_line() -> None:
    lines = line_numbers(AWKWARD)
    assert [path for path in paths(tomllib.loads(AWKWARD)) if path not in lines] == []


def test_an_empty_text_has_no_lines() -> None:
    assert line_numbers("") == {}
    assert line_numbers("# only a comment") == {}


SCALARS = st.one_of(st.text(max_size=12), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=6), st.integers(0, 3))
def test_keys_one_a_line_are_found_one_a_line(content: dict[str, Any], gap: int) -> None:
    between = "\n" + "# x = 1\n" * gap
    text = between.join(f"{toml_key(key)} = {toml_value(value)}" for key, value in content.items())
    lines = line_numbers(text)
    for number, key in enumerate(content):
        assert lines[key,] == 1 + number * (gap + 1)
    assert [path for path in paths(tomllib.loads(text)) if path not in lines] == []


def paths(value: object, before: Path = ()) -> Iterator[Path]:
    """The way to every value inside a document."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for step, item in inside:
        yield (*before, step)
        yield from paths(item, (*before, step))
