"""A JSON array read item by item from bytes cut anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.errors import ItemTooLarge, Undecodable
from cortex_actors.streaming.json_array import JSONArrayDecoder
from tests.streaming.cutting import at_fractions, cuts, decoded, every, outcome
from tests.streaming.json_values import json_values

PARTS = [b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b'"a"', b"1", b"true", b" ", b"\n", b"{}", b'\\"']
scraps = st.lists(st.sampled_from(PARTS) | st.binary(max_size=2), max_size=30).map(b"".join)

GEMINI = """[{
  "candidates": [{"content": {"parts": [{"text": "Sí, [\\"así\\"] \\\\"}], "role": "model"}}]
}
,\r
{
  "candidates": [{"content": {"parts": [{"text": "}]"}]}, "finishReason": "STOP"}]
}
]
""".encode()


@settings(deadline=None, max_examples=300)
@given(
    values=st.lists(json_values, max_size=6),
    indent=st.sampled_from([None, 0, 2, "\t"]),
    ascii_only=st.booleans(),
    fractions=cuts,
)
def test_any_cut_of_any_array_gives_its_items(
    values: list[Any], indent: int | str | None, ascii_only: bool, fractions: list[float]
) -> None:
    stream = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    for pieces in ([stream], at_fractions(fractions, stream), every(1, stream)):
        decoder = JSONArrayDecoder()
        assert decoded(decoder, pieces) == values
        assert decoder.complete


@settings(deadline=None, max_examples=500)
@given(stream=scraps, fractions=cuts, limit=st.integers(1, 40))
def test_any_cut_of_any_bytes_gives_the_same_values_and_the_same_end(
    stream: bytes, fractions: list[float], limit: int
) -> None:
    def told(pieces: list[bytes]) -> tuple[str, bool, bool]:
        decoder = JSONArrayDecoder(limit)
        result = outcome(decoder, pieces)
        return repr(result.values), result.failure is None, decoder.complete

    expected = told([stream])
    assert told(at_fractions(fractions, stream)) == expected
    assert told(list(every(1, stream))) == expected


def test_the_pretty_printed_array_of_gemini_is_read_at_every_single_cut() -> None:
    expected = json.loads(GEMINI)
    for offset in range(len(GEMINI) + 1):
        decoder = JSONArrayDecoder()
        assert decoded(decoder, [GEMINI[:offset], GEMINI[offset:]]) == expected
        assert decoder.complete


def test_an_object_is_handed_out_at_its_closing_brace() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.decode(b'[{"a": {"b": 1}') == []
    assert decoder.decode(b"}") == [{"a": {"b": 1}}]


def test_a_number_is_handed_out_when_its_comma_shows_that_no_digit_follows() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.decode(b"[1") == []
    assert decoder.decode(b"2,") == [12]
    assert decoder.decode(b"3]") == [3]


@pytest.mark.parametrize("stream", [b"[]", b" [ ] ", b"\r\n[\n\t]\n"])
def test_an_empty_array_is_complete_and_has_no_items(stream: bytes) -> None:
    decoder = JSONArrayDecoder()
    assert decoded(decoder, every(1, stream)) == []
    assert decoder.complete


@pytest.mark.parametrize("stream", [b"", b" \n ", b"[", b"[1, 2", b'[{"a": 1},', b'[{"a": "]"', b'{"a": [1]'])
def test_a_body_that_ends_early_is_not_complete(stream: bytes) -> None:
    decoder = JSONArrayDecoder()
    decoder.decode(stream)
    decoder.flush()
    assert not decoder.complete


def test_an_item_cut_by_the_end_of_the_body_is_dropped() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.decode(b'[{"a": 1}, {"a": 2') == [{"a": 1}]
    assert decoder.flush() == []


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_bare_object_gives_itself(size: int) -> None:
    decoder = JSONArrayDecoder()
    stream = b'\n{"error": {"code": 400, "details": ["[", "}"]}}\n'
    assert decoded(decoder, every(size, stream)) == [json.loads(stream)]
    assert decoder.complete


@pytest.mark.parametrize(("stream", "value"), [(b"null", None), (b' "a, ]" ', "a, ]"), (b"-1.5e3", -1500.0)])
def test_a_bare_scalar_gives_itself_at_the_end_of_the_body(stream: bytes, value: object) -> None:
    decoder = JSONArrayDecoder()
    assert decoder.decode(stream) == []
    assert decoder.flush() == [value]
    assert decoder.complete


def test_a_body_that_is_not_json_is_one_undecodable() -> None:
    decoder = JSONArrayDecoder()
    page = "<html>[502, Bad Gateway]</html>"
    assert decoded(decoder, [page.encode()]) == [Undecodable(page)]
    assert not decoder.complete


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("bad", ["{bad}", '{"a": ]', "nope", "1 2", "}", '{"a" 1}'])
def test_an_item_of_bad_json_does_not_stop_the_items_after_it(bad: str, size: int) -> None:
    decoder = JSONArrayDecoder()
    stream = f'[{{"a": 1}},{bad},{{"a": 3}}]'.encode()
    assert decoded(decoder, every(size, stream)) == [{"a": 1}, Undecodable(bad), {"a": 3}]
    assert decoder.complete


def test_missing_and_doubled_commas_are_forgiven() -> None:
    assert decoded(JSONArrayDecoder(), [b'[{"a": 1} {"a": 2},, 3, ]']) == [{"a": 1}, {"a": 2}, 3]


def test_nesting_too_deep_to_read_is_undecodable() -> None:
    bad, good = JSONArrayDecoder().decode(b"[" + b"[" * 100_000 + b"]" * 100_000 + b", 1]")
    assert isinstance(bad, Undecodable)
    assert good == 1


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_an_item_over_the_limit_is_an_error_after_the_items_before_it(size: int) -> None:
    result = outcome(JSONArrayDecoder(max_item=8), every(size, b'["123456", "1234567", 1]'))
    assert result.values == ["123456"]
    assert isinstance(result.failure, ItemTooLarge)
    assert "8 bytes" in str(result.failure)


def test_white_space_between_items_never_fills_the_limit() -> None:
    decoder = JSONArrayDecoder(max_item=8)
    for _ in range(100):
        assert decoder.decode(b"  \r\n") == []
    assert decoder.decode(b"[" + b" " * 100 + b"{}" + b" " * 100 + b"]") == [{}]
