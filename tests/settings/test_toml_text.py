"""Values as TOML: read back, they are what they were."""

from __future__ import annotations

import doctest
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.settings import toml_text
from cortex_actors.settings.toml_text import toml_key, toml_value

VALUES = st.recursive(
    st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.text(), VALUES)
def test_what_is_written_is_read_back(key: str, value: Any) -> None:
    text = f"{toml_key(key)} = {toml_value(value)}"
    assert tomllib.loads(text) == {key: value}
    assert text.isprintable()


def test_the_examples_are_true() -> None:
    assert doctest.testmod(toml_text).failed == 0
