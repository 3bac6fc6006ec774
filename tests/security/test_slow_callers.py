"""Slow callers: whoever takes its time costs little and is seen off, and others are served meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.live.caller import Connection
from tests.live.daemon import Daemon, wait_until
from tests.security.conftest import SERVER, SLOWEST
from tests.security.raw import CLOSE, HOST, KEY, exchange, post

ASK = b'{"messages": [{"role": "user", "content": "Hi"}]}'

#: More connections than `threads` mode has threads.
MANY = 120

#: Long enough for a machine that is busy, and far less than a caller could make it last.
SOON = SLOWEST * 10

#: The head of an upload that announces far more than will come.
UPLOAD = b"POST /api/chat/complete HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n"


@pytest.fixture
def many(daemon: Daemon) -> Iterator[list[Connection]]:
    """Open connections, on which nothing has been said."""
    assert SERVER["max_streams"] + SERVER["spare_threads"] + 4 + 8 < MANY
    with ExitStack() as stack:
        yield [stack.enter_context(daemon.connect()) for _ in range(MANY)]


def test_a_slow_body_is_ended_however_steadily_it_dribbles(daemon: Daemon) -> None:
    start = time.monotonic()
    with daemon.connect() as connection:
        connection.sock.sendall(UPLOAD + KEY + b"\r\n")
        connection.sock.settimeout(0.1)
        received = b""
        while b"\r\n\r\n" not in received:
            assert time.monotonic() < start + SOON
            connection.sock.sendall(b" ")
            with suppress(TimeoutError):
                received += connection.sock.recv(65536)
    assert received.startswith(b"HTTP/1.1 408 ")


def test_slow_bodies_of_strangers_are_not_waited_for(daemon: Daemon, many: list[Connection]) -> None:
    start = time.monotonic()
    for connection in many:
        connection.sock.sendall(UPLOAD + b"\r\n ")
    for connection in many:
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() < start + SOON
    assert [answer.status for answer in exchange(daemon, post(ASK), patience=SOON)] == [200]


def test_connections_that_say_nothing_keep_nobody_out(daemon: Daemon, many: list[Connection]) -> None:
    assert [answer.status for answer in exchange(daemon, post(ASK), patience=SOON)] == [200]
    assert daemon.figures().callers >= MANY


def test_connections_that_are_kept_alive_keep_nobody_out(daemon: Daemon, many: list[Connection]) -> None:
    for connection in many:
        connection.sock.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert [answer.status for answer in exchange(daemon, post(ASK), patience=SOON)] == [200]
    assert daemon.figures().callers >= MANY


def test_half_a_head_of_many_is_ended_by_us(daemon: Daemon, many: list[Connection]) -> None:
    for connection in many:
        connection.sock.sendall(b"GET /livez HTTP/1.1\r\nX-A: ")
    assert [answer.status for answer in exchange(daemon, post(ASK), patience=SOON)] == [200]
    wait_until(lambda: daemon.figures().callers == 0, "half a head is still waited for", SOON)


def test_requests_without_end_on_one_connection_are_answered_one_by_one(daemon: Daemon) -> None:
    one = b"GET /livez HTTP/1.1\r\n" + HOST
    sent = (one + b"\r\n") * 300 + one + CLOSE + b"\r\n"
    received = exchange(daemon, sent)
    assert [answer.status for answer in received] == [200] * 301
