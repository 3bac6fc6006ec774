"""A body ends where its framing says so, whatever pieces it comes in, and keeps what is there together."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead

import pytest

from cortex_actors.transport.answer import FinalAnswer
from cortex_actors.transport.body import Body

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

WHOLE = {
    "chunked": CHUNKED + b"2\r\nHo\r\n3;x=y\r\nla,\r\n1\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "chunked, bare line feeds": CHUNKED + b"2\nHo\n04\nla,!\n0\n\n",
    "chunked, the size in capitals": CHUNKED + b"0000000000006 \r\nHola,!\r\n0\r\n\r\n",
    "sized": SIZED + b"Hola,!",
    "until close": OPEN + b"Hola,!",
}


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The provider's end and ours."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        ours.settimeout(5)
        yield theirs, ours


def _body(ours: socket.socket) -> Body:
    answer = FinalAnswer(ours, method="POST")
    answer.begin()
    return Body(answer)


def _read_all(body: Body) -> bytes:
    return b"".join(iter(body.read, b""))


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_body_is_exact_in_whatever_pieces_it_comes(
    wire: tuple[socket.socket, socket.socket], answer: bytes, size: int
) -> None:
    theirs, ours = wire
    head, _, _ = answer.partition(b"\r\n\r\n")
    theirs.sendall(answer[: len(head) + 4])
    body = _body(ours)
    told = b""
    for start in range(len(head) + 4, len(answer), size):
        theirs.sendall(answer[start : start + size])
    theirs.shutdown(socket.SHUT_WR)
    told += _read_all(body)
    assert told == b"Hola,!"


def test_chunks_that_are_there_together_are_read_together(
    wire: tuple[socket.socket, socket.socket],
) -> None:
    theirs, ours = wire
    theirs.sendall(CHUNKED + b"2\r\nHo\r\n" * 20)
    assert _body(ours).read() == b"Ho" * 20


def test_what_is_there_of_a_chunk_does_not_wait_for_the_rest(
    wire: tuple[socket.socket, socket.socket],
) -> None:
    theirs, ours = wire
    theirs.sendall(CHUNKED + b"2\r\nHo\r\nff\r\nla")
    body = _body(ours)
    assert body.read() == b"Hola"
    theirs.sendall(b", ")
    assert body.read() == b", "


@pytest.mark.parametrize("answer", [CHUNKED + b"2\r\nHo\r\n", CHUNKED + b"2\r\nH", CHUNKED, SIZED + b"Hola"])
def test_a_connection_that_closes_inside_a_body_is_no_end(
    wire: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    theirs, ours = wire
    theirs.sendall(answer)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(IncompleteRead):
        _read_all(_body(ours))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n", id="two lengths"),
        pytest.param(b"Content-Length: 2, 3\r\n", id="two lengths in one"),
        pytest.param(b"Content-Length: -2\r\n", id="a negative length"),
        pytest.param(b"Content-Length: two\r\n", id="a length in words"),
        pytest.param(b"Transfer-Encoding: gzip, chunked\r\n", id="compressed chunks"),
        pytest.param(b"Transfer-Encoding: chunked, chunked\r\n", id="chunks in chunks"),
    ],
)
def test_a_head_that_does_not_say_where_its_body_ends_is_refused(
    wire: tuple[socket.socket, socket.socket], head: bytes
) -> None:
    theirs, ours = wire
    theirs.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nHo")
    with pytest.raises(HTTPException):
        _body(ours)


@pytest.mark.parametrize(
    ("answer", "reusable"),
    [
        pytest.param(SIZED + b"Hola,!", True, id="read to its end"),
        pytest.param(CHUNKED + b"0\r\n\r\n", True, id="nothing in it"),
        pytest.param(SIZED + b"Hola,! and more", False, id="longer than it said"),
        pytest.param(CHUNKED + b"0\r\n\r\nHTTP/1.1 200 OK", False, id="an answer that nobody asked for"),
        pytest.param(OPEN + b"Hola,!", False, id="ended by its connection"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False, id="told to close"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False, id="an old server"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", False, id="a status that has no body"),
    ],
)
def test_a_connection_serves_again_only_where_the_next_answer_is_sure_to_be_the_next(
    wire: tuple[socket.socket, socket.socket], answer: bytes, reusable: bool
) -> None:
    theirs, ours = wire
    theirs.sendall(answer)
    theirs.shutdown(socket.SHUT_WR)
    body = _body(ours)
    _read_all(body)
    assert body.reusable is reusable
