"""NDJSON from bytes cut anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.errors import LineTooLarge, Undecodable
from cortex_actors.streaming.ndjson import NDJSONDecoder
from tests.streaming.cutting import at_fractions, cuts, decoded, every, outcome
from tests.streaming.json_values import json_values


@settings(deadline=None, max_examples=200)
@given(values=st.lists(json_values, max_size=6), end=st.sampled_from(["\n", "\r\n", "\n\n"]), fractions=cuts)
def test_any_cut_gives_the_values_that_were_written(
    values: list[Any], end: str, fractions: list[float]
) -> None:
    stream = "".join(json.dumps(value, ensure_ascii=False) + end for value in values).encode()
    assert decoded(NDJSONDecoder(), [stream]) == values
    assert decoded(NDJSONDecoder(), at_fractions(fractions, stream)) == values
    assert decoded(NDJSONDecoder(), every(1, stream)) == values


def test_the_last_line_may_lack_its_end() -> None:
    decoder = NDJSONDecoder()
    assert decoder.decode(b'{"done": false}\n{"done": true}') == [{"done": False}]
    assert decoder.flush() == [{"done": True}]
    assert decoder.flush() == []


def test_blank_lines_are_passed_over() -> None:
    decoder = NDJSONDecoder()
    assert decoder.decode(b"\n \t \r\n1\n\n\r\n2\n  ") == [1, 2]
    assert decoder.flush() == []


def test_a_value_may_have_white_space_around_it_and_a_cr_within() -> None:
    assert NDJSONDecoder().decode(b'  {"a":\r1}  \r\n') == [{"a": 1}]


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_line_of_bad_json_does_not_stop_the_lines_after_it(size: int) -> None:
    stream = b'{"a": 1}\n{"a": \n\xff\n{"a": 4}\n'
    assert decoded(NDJSONDecoder(), every(size, stream)) == [
        {"a": 1},
        Undecodable('{"a":'),
        Undecodable("\ufffd"),
        {"a": 4},
    ]


def test_a_last_line_cut_short_is_undecodable() -> None:
    decoder = NDJSONDecoder()
    decoder.decode(b'{"a": [1, 2')
    assert decoder.flush() == [Undecodable('{"a": [1, 2')]


def test_nesting_too_deep_to_read_is_undecodable() -> None:
    bad, good = NDJSONDecoder().decode(b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n[]\n")
    assert isinstance(bad, Undecodable)
    assert good == []


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_line_over_the_limit_is_an_error_after_the_values_before_it(size: int) -> None:
    result = outcome(NDJSONDecoder(max_line=8), every(size, b'"123456"\n"1234567"\n1\n'))
    assert result.values == ["123456"]
    assert isinstance(result.failure, LineTooLarge)
