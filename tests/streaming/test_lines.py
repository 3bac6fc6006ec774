"""Lines from bytes cut anywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.errors import LineTooLarge
from cortex_actors.streaming.lines import LineDecoder
from tests.streaming.cutting import at_fractions, cuts, decoded, every, outcome

texts = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"a", "é€😀".encode(), b"\xe2\x82", b"\x0b\x0c\x1c"])
    | st.binary(max_size=3),
    max_size=30,
).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(stream=texts, fractions=cuts)
def test_any_cut_gives_the_lines_of_the_whole_text(stream: bytes, fractions: list[float]) -> None:
    *lines, last = re.split("\r\n|\r|\n", stream.decode("utf-8", "replace"))
    expected = [*lines, last] if last else lines
    assert decoded(LineDecoder(), [stream]) == expected
    assert decoded(LineDecoder(), at_fractions(fractions, stream)) == expected
    assert decoded(LineDecoder(), every(1, stream)) == expected


@settings(deadline=None, max_examples=300)
@given(stream=texts, fractions=cuts, limit=st.integers(0, 12))
def test_a_limit_is_broken_at_the_same_line_at_any_cut(
    stream: bytes, fractions: list[float], limit: int
) -> None:
    expected = outcome(LineDecoder(limit), [stream])
    for pieces in (at_fractions(fractions, stream), every(1, stream)):
        result = outcome(LineDecoder(limit), pieces)
        assert result.values == expected.values
        assert (result.failure is None) == (expected.failure is None)


def test_a_line_ends_at_its_cr_without_waiting_for_an_lf() -> None:
    decoder = LineDecoder()
    assert decoder.decode(b"one\r") == ["one"]
    assert decoder.decode(b"\ntwo\r\r") == ["two", ""]


def test_other_separators_of_unicode_do_not_end_a_line() -> None:
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"
    assert LineDecoder().decode(f"{text}\n".encode()) == [text]


def test_a_bom_is_kept_because_only_an_event_stream_may_drop_it() -> None:
    assert LineDecoder().decode(b"\xef\xbb\xbfa\n") == ["\ufeffa"]


def test_the_last_line_may_lack_its_end() -> None:
    decoder = LineDecoder()
    assert decoder.decode(b"one\ntwo") == ["one"]
    assert decoder.flush() == ["two"]


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_line_over_the_limit_is_an_error_that_names_the_limit(size: int) -> None:
    result = outcome(LineDecoder(max_line=8), every(size, b"12345678\n123456789"))
    assert result.values == ["12345678"]
    assert isinstance(result.failure, LineTooLarge)
    assert result.failure.limit == 8
    assert "8 bytes" in str(result.failure)
