"""One HTTP answer, however its bytes arrive, and what no answer may be."""

from __future__ import annotations

import pytest

from cortex_actors.loadtest.http_answer import BrokenAnswer, HTTPAnswer

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nHol\r\n4;name=value\r\na mu\r\n3\r\nndo\r\n0\r\nTrailer: yes\r\n\r\n"
)
COUNTED = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nHola"


def read(data: bytes, size: int) -> tuple[HTTPAnswer, bytes]:
    """The answer and its body, from pieces of this size."""
    answer = HTTPAnswer()
    body = b"".join(answer.feed(data[start : start + size]) for start in range(0, len(data), size))
    return answer, body


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "body"), [(COUNTED, b"Hola"), (CHUNKED, b"Hola mundo")], ids=["counted", "chunked"]
)
def test_a_body_is_the_same_wherever_it_was_cut(data: bytes, body: bytes, size: int) -> None:
    answer, found = read(data, size)

    assert found == body
    assert answer.complete
    assert answer.keep_alive
    assert answer.status == 200


def test_an_answer_that_lacks_its_last_chunk_is_not_complete() -> None:
    answer, body = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nHola\r\n", 1)

    assert body == b"Hola"
    assert not answer.complete


def test_a_body_without_length_or_chunks_ends_with_its_connection() -> None:
    answer, body = read(b"HTTP/1.0 200 OK\r\n\r\nHola", 5)

    assert body == b"Hola"
    assert answer.ends_with_connection
    assert not answer.keep_alive


def test_an_interim_answer_is_passed_over() -> None:
    answer, body = read(b"HTTP/1.1 100 Continue\r\n\r\n" + COUNTED, 1)

    assert answer.status == 200
    assert body == b"Hola"


def test_an_answer_that_may_have_no_body_is_over_with_its_head() -> None:
    assert read(b"HTTP/1.1 204 No Content\r\n\r\n", 1)[0].complete


def test_a_connection_that_is_to_be_closed_is_not_used_again() -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    assert not read(data, 1)[0].keep_alive


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"SMTP ready\r\n\r\n", "status line"),
        (b"x" * 70_000, "head without an end"),
        (COUNTED + b"H", "after the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\n", "no number"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHola\r\n", "without a size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000, "without a size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHola\r\n", "longer than its size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n", "after the end"),
    ],
)
def test_what_is_not_http_is_told(data: bytes, what: str) -> None:
    with pytest.raises(BrokenAnswer, match=what):
        read(data, len(data))
