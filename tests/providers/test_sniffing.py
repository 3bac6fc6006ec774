"""Reading an answer by what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cortex_actors.providers.sniffing import JSONBodyDecoder, SniffingDecoder
from cortex_actors.streaming.errors import TooLarge, Undecodable
from cortex_actors.streaming.sse import ServerSentEvent

EVENT = ServerSentEvent(data="x")


def decoded(decoder: SniffingDecoder | JSONBodyDecoder, *pieces: bytes) -> list[Any]:
    values = [value for piece in pieces for value in decoder.decode(piece)]
    return [*values, *decoder.flush()]


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"data: x\n\n", [EVENT]),
        (b"\n\n\xef\xbb\xbf data: x\n\n", [EVENT]),
        (b": hi\n\ndata: x\n\n", [EVENT]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\n', [{"a": 1}]),
        (b'\r\n{"a": 1}\r\n{"a": 2}\r\n', [{"a": 1}, {"a": 2}]),
        (b'{\n  "a": 1\n}\n', [{"a": 1}]),
        (b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        (b'[\n{"a": 1}\n,\n{"a": 2}\n]', [{"a": 1}, {"a": 2}]),
        (b'{"a": \n{"a": 2}\n', [Undecodable('{"a":'), {"a": 2}]),
        (b"{", [Undecodable("{")]),
        (b"", []),
        (b" \r\n ", []),
    ],
)
def test_the_first_byte_decides_however_the_bytes_are_cut(body: bytes, values: list[Any]) -> None:
    assert decoded(SniffingDecoder(), body) == values
    assert decoded(SniffingDecoder(), *(body[at : at + 1] for at in range(len(body)))) == values
    for at in range(len(body)):
        assert decoded(SniffingDecoder("application/json"), body[:at], body[at:]) == values


def test_lines_are_handed_out_as_they_come() -> None:
    decoder = SniffingDecoder()
    assert list(decoder.decode(b'{"a": 1}\n{"a"')) == [{"a": 1}]
    assert list(decoder.decode(b": 2}\n")) == [{"a": 2}]
    assert list(decoder.flush()) == []


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "Application/JSONL; a=b", "application/stream+json"]
)
def test_a_body_that_says_it_is_lines_is_read_as_lines_from_the_start(content_type: str) -> None:
    values = decoded(SniffingDecoder(content_type), b'{"a": \n{"a": 2}\nbad\n')
    assert values == [Undecodable('{"a":'), {"a": 2}, Undecodable("bad")]


def test_a_body_that_never_ends_is_cut_at_its_limit() -> None:
    decoder = JSONBodyDecoder(max_body=100)
    decoder.decode(b"{" + b" " * 99)
    with pytest.raises(TooLarge):
        decoder.decode(b" ")


def test_a_large_body_in_small_pieces_is_read() -> None:
    body = json.dumps({"text": "é" * 200_000}, indent=1).encode()
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    assert decoded(SniffingDecoder(), *pieces) == [{"text": "é" * 200_000}]
