"""Request heads, with a poller, sockets and a clock of our own."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config

from cortex_actors.web import heads
from cortex_actors.web.heads import Conn, Heads

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

IDLE, LIMIT = 75.0, 10.0


class Place:
    """Where heads are waited for."""

    def __init__(self, most: int = 100) -> None:
        self.now = 100.0
        self.served: list[Conn] = []
        self.dropped: list[Conn] = []
        self.poller = selectors.DefaultSelector()
        self.heads = Heads(
            self.poller,
            self.served.append,
            self._drop,
            most=most,
            idle=lambda: IDLE,
            limit=lambda: LIMIT,
            clock=lambda: self.now,
        )
        self._theirs: list[socket.socket] = []

    def caller(self, data: bytes = b"") -> tuple[Conn, socket.socket]:
        """A connection that is waited for, and the caller's end of it."""
        ours, theirs = socket.socketpair()
        self._theirs.append(theirs)
        theirs.settimeout(5.0)
        conn = Conn(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        self.heads.add(conn, data)
        return conn, theirs

    def look(self) -> None:
        """A turn of the loop."""
        for key, _ in self.poller.select(0):
            key.data(key.fileobj)

    def close(self) -> None:
        for theirs in self._theirs:
            theirs.close()
        self.poller.close()

    def _drop(self, conn: Conn) -> None:
        self.dropped.append(conn)
        conn.close()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.close()


def test_a_connection_is_served_when_its_head_is_whole(place: Place) -> None:
    conn, theirs = place.caller()
    for number in range(len(HEAD)):
        assert place.served == []
        theirs.sendall(HEAD[number : number + 1])
        place.look()
    assert place.served == [conn]
    assert bytes(conn.head) == HEAD
    assert len(place.heads) == 0


def test_the_parser_finds_the_head_and_what_came_behind_it(place: Place) -> None:
    conn, theirs = place.caller()
    theirs.sendall(HEAD + b"the next")
    place.look()
    conn.init()
    assert conn.parser is not None
    assert next(conn.parser).path == "/"  # type: ignore[arg-type]
    assert conn.take_read_ahead() == b"the next"


def test_what_came_behind_a_request_is_the_beginning_of_the_next(place: Place) -> None:
    conn, theirs = place.caller(HEAD[:10])
    assert place.served == []
    theirs.sendall(HEAD[10:])
    place.look()
    assert place.served == [conn]
    another, _ = place.caller(HEAD)
    assert place.served == [conn, another]


def test_empty_lines_before_a_request_mean_nothing(place: Place) -> None:
    conn, theirs = place.caller()
    theirs.sendall(b"\r\n\r\n\r\n")
    place.look()
    assert (place.served, bytes(conn.head)) == ([], b"")
    theirs.sendall(HEAD)
    place.look()
    assert place.served == [conn]


def test_a_caller_that_leaves_is_dropped(place: Place) -> None:
    conn, theirs = place.caller()
    theirs.sendall(HEAD[:5])
    theirs.close()
    place.look()
    place.look()
    assert place.dropped == [conn]
    assert len(place.heads) == 0


def test_a_head_has_its_time_from_its_first_byte(place: Place) -> None:
    conn, theirs = place.caller()
    place.now += IDLE - 1
    place.heads.sweep()
    theirs.sendall(HEAD[:5])
    place.look()
    place.now += LIMIT - 1
    theirs.sendall(HEAD[5:9])  # and not from its last one
    place.look()
    place.heads.sweep()
    assert place.dropped == []
    place.now += 1
    place.heads.sweep()
    assert place.dropped == [conn]
    assert theirs.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_dropped_without_a_word(place: Place) -> None:
    conn, theirs = place.caller()
    place.now += IDLE
    place.heads.sweep()
    assert place.dropped == [conn]
    assert theirs.recv(1) == b""


def test_when_there_are_too_many_the_one_that_waits_longest_goes() -> None:
    place = Place(most=3)
    conns = [place.caller(HEAD[:5])[0] for _ in range(5)]
    assert place.dropped == conns[:2]
    assert len(place.heads) == 3
    place.close()


def test_a_head_without_end_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_LONGEST", 100)
    conn, theirs = place.caller()
    theirs.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 100)
    place.look()
    assert place.dropped == [conn]
    assert theirs.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_after_the_last_call_nobody_waits_for_long(place: Place) -> None:
    first, _ = place.caller()
    place.heads.call_last(2.0)
    place.now += 1
    second, theirs = place.caller()
    theirs.sendall(HEAD[:5])
    place.look()
    place.heads.call_last(2.0)  # said again it means the same
    place.heads.sweep()
    assert place.dropped == []
    place.now += 1
    place.heads.sweep()
    assert place.dropped == [first, second]
