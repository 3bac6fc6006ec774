"""Bodies: bounded, complete, JSON, an object; or an error that says what is wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.errors import InvalidRequest, PayloadTooLarge, RequestTimeout
from cortex_actors.web.body import MOST_NESTED, BodyReader, json_object

LIMIT = 100


def read(body: bytes, **environ: Any) -> bytes:
    return BodyReader(LIMIT, 5.0).read({"wsgi.input": io.BytesIO(body), **environ})


def test_a_body_of_announced_length_is_read_to_that_length_and_no_further() -> None:
    assert read(b"12345678", CONTENT_LENGTH="5") == b"12345"


def test_a_chunked_body_is_read_to_its_end() -> None:
    assert read(b"x" * LIMIT, **{"wsgi.input_terminated": True}) == b"x" * LIMIT


def test_a_request_with_neither_length_nor_chunks_has_no_body() -> None:
    assert read(b"the next request") == b""


def test_a_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    class Untouchable(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read")

    with pytest.raises(PayloadTooLarge, match="100 bytes"):
        BodyReader(LIMIT, 5.0).read({"wsgi.input": Untouchable(), "CONTENT_LENGTH": str(LIMIT + 1)})


def test_a_chunked_body_over_the_limit_is_refused_one_byte_after_it() -> None:
    source = io.BytesIO(b"x" * 10_000)

    with pytest.raises(PayloadTooLarge):
        BodyReader(LIMIT, 5.0).read({"wsgi.input": source, "wsgi.input_terminated": True})

    assert source.tell() == LIMIT + 1


def test_a_source_that_gives_little_at_a_time_is_asked_again() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size or 0))

    body = b"0123456789"

    assert BodyReader(LIMIT, 5.0).read({"wsgi.input": Trickle(body), "CONTENT_LENGTH": "10"}) == body


def test_a_body_shorter_than_announced_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="ended after 3 of 10 bytes"):
        read(b"123", CONTENT_LENGTH="10")


@pytest.mark.parametrize("length", ["-1", "1e3", "+5", "5,5", "\u0665", "9" * 30])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(b"", CONTENT_LENGTH=length)

    assert caught.value.field == "Content-Length"


def test_a_read_that_takes_too_long_is_a_408() -> None:
    class Stalled(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise TimeoutError("timed out")

    with pytest.raises(RequestTimeout, match="5 s"):
        BodyReader(LIMIT, 5.0).read({"wsgi.input": Stalled(), "CONTENT_LENGTH": "10"})


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("bad chunk size"), EOFError()])
def test_whatever_a_server_raises_for_a_broken_body_is_a_400(error: Exception) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise error

    with pytest.raises(InvalidRequest, match="could not be read"):
        BodyReader(LIMIT, 5.0).read({"wsgi.input": Broken(), "wsgi.input_terminated": True})


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "gzip, identity"])
def test_a_compressed_body_is_refused_and_the_header_named(encoding: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(b"{}", CONTENT_LENGTH="2", HTTP_CONTENT_ENCODING=encoding)

    assert caught.value.field == "Content-Encoding"


def test_the_identity_encoding_is_no_encoding() -> None:
    assert read(b"{}", CONTENT_LENGTH="2", HTTP_CONTENT_ENCODING="identity") == b"{}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"hello", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of all bounds"),
        (b'{"a": "\xff"}', "not UTF-8: see byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "half \\ud83d"}', "half a character"),
        (b"[" * 100_000, "nested deeper than 128 levels"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested deeper than 128 levels"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        json_object(body)


def test_escaped_pairs_of_surrogates_are_characters() -> None:
    assert json_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_a_byte_order_mark_is_skipped() -> None:
    assert json_object(b"\xef\xbb\xbf{}") == {}


def test_the_last_of_duplicated_keys_wins() -> None:
    assert json_object(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "content_type",
    ["", "application/x-www-form-urlencoded", "text/plain", "application/json; charset=UTF-8", "nonsense"],
)
def test_any_content_type_will_do(content_type: str) -> None:
    assert json_object(b"{}", content_type) == {}


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", '"cp1252"'])
def test_another_charset_is_refused(charset: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        json_object(b"{}", f"application/json; charset={charset}")

    assert caught.value.field == "Content-Type"


def test_every_character_survives() -> None:
    text = "".join(map(chr, [*range(0x20, 0x7F), 0x00, 0xE9, 0x20AC, 0x1F600, 0x10FFFF]))

    assert json_object(json.dumps({"a": text}, ensure_ascii=False).encode()) == {"a": text}


@settings(deadline=None)
@given(
    st.integers(100, 160),
    st.sampled_from(["[", '{"a":', '[1,{"b":"]}"},']),
    st.text('ab"\\\\[]{},', max_size=40),
)
def test_a_body_may_be_nested_so_deeply_and_no_deeper(levels: int, opening: str, text: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    inner = json.dumps([text] * 9)
    body = f'{{"deep": {opening * (levels - 2)}{inner}{closing * (levels - 2)}}}'

    assert depth_of(json.loads(body)) == levels
    if levels <= MOST_NESTED:
        assert json_object(body.encode())
    else:
        with pytest.raises(InvalidRequest, match="nested deeper"):
            json_object(body.encode())


def depth_of(value: object) -> int:
    """How many containers are inside one another."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth_of, inside), default=0)


@settings(deadline=None)
@given(
    st.recursive(
        st.text() | st.none() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_not_too_deep_is_read(value: object) -> None:
    body = {"value": value, "many": [[]] * 200}

    assert json_object(json.dumps(body).encode()) == body


@pytest.mark.parametrize("text", ['"[[["', '"]]]"', '"\\""', '"\\\\"', '"\\\\\\""'])
def test_brackets_in_strings_are_letters(text: str) -> None:
    many = ",".join([text] * 5000)

    assert json_object(f'{{"a": [{many}]}}'.encode())
    with pytest.raises(InvalidRequest, match="nested deeper"):
        json_object(f'{{"a": {f"[{text}," * 500}1{"]" * 500}}}'.encode())


def test_a_body_of_very_many_parts_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(InvalidRequest, match="more than 100000 objects and lists"):
        json_object(b'{"a": [' + b"{}," * 200_000 + b"{}]}")
