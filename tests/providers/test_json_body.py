"""Request bodies as bytes."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.json_body import encoded, laid_over, said


def test_text_is_sent_as_utf_8() -> None:
    assert encoded({"a": "né👋"}) == '{"a":"né👋"}'.encode()


def test_read_only_mappings_are_objects() -> None:
    assert encoded({"a": MappingProxyType({"b": 1})}) == b'{"a":{"b":1}}'


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        encoded({"a": float("-inf")})
    with pytest.raises(TypeError):
        encoded({"a": object()})


def test_objects_are_laid_over_one_another_and_nothing_is_changed() -> None:
    below = {"a": {"x": 1, "y": 2}, "b": [1], "c": 1}
    assert laid_over(below, {"a": {"y": 3}, "b": [2], "c": {"z": 1}, "d": 4}) == {
        "a": {"x": 1, "y": 3},
        "b": [2],
        "c": {"z": 1},
        "d": 4,
    }
    assert below == {"a": {"x": 1, "y": 2}, "b": [1], "c": 1}


def test_only_none_and_empty_sequences_were_not_said() -> None:
    assert said(a=None, b=(), c=0, d=False, e="", f={}, g=[]) == {
        "c": 0,
        "d": False,
        "e": "",
        "f": {},
        "g": [],
    }
