"""Half-sent heads: however many there are, everybody else is served; and each is ended in its time."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from tests.live.caller import PATIENCE, Connection
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat
from tests.live.framings import TEXT
from tests.live.settings_file import QUICK, provider, settings
from tests.upstream import ScriptedUpstream, openai_stream

#: More than there are threads.
SLOW = 3 * (QUICK["server"]["max_streams"] + QUICK["server"]["spare_threads"])

HALF = b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Le"
WHOLE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def daemon(launch: Launch, upstream: ScriptedUpstream, model: str) -> Daemon:
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    server = {"head_timeout": 60.0, "keep_alive": 60.0, "spare_threads": 8}
    return launch(settings(provider("one", upstream.url), server=server))


def half_sent(stack: ExitStack, daemon: Daemon, number: int = SLOW, data: bytes = HALF) -> list[Connection]:
    """Connections that have said half of something."""
    connections = []
    for _ in range(number):
        connections.append(stack.enter_context(daemon.connect()))
        connections[-1].sock.sendall(data)
    return connections


def assert_served(daemon: Daemon, model: str) -> None:
    begun = time.monotonic()
    assert daemon.get("/livez").status == 200
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    assert time.monotonic() - begun < 5.0, "it had to wait for a slow head"


def test_half_sent_heads_keep_nobody_from_being_served(daemon: Daemon, model: str) -> None:
    with ExitStack() as stack:
        half_sent(stack, daemon)
        assert_served(daemon, model)


def test_nor_do_those_that_come_behind_a_whole_request(daemon: Daemon, model: str) -> None:
    """The server has read them already when it is done with the request."""
    with ExitStack() as stack:
        slow = half_sent(stack, daemon, data=WHOLE + HALF)
        for connection in slow:
            assert connection.sock.recv(100).startswith(b"HTTP/1.1 200 ")
        assert_served(daemon, model)


def test_nor_do_those_of_connections_that_were_kept_alive(daemon: Daemon, model: str) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(daemon.connect()) for _ in range(SLOW)]
        for connection in slow:
            connection.ask("GET", "/livez")
            assert connection.answer().read().status == 200
        for connection in slow:
            connection.sock.sendall(HALF)
        assert_served(daemon, model)


def test_a_head_that_comes_in_pieces_is_served(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        for number in range(len(WHOLE)):
            connection.sock.sendall(WHOLE[number : number + 1])
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 200 ")


def test_requests_that_come_together_are_answered_in_order(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        connection.sock.sendall(WHOLE + b"\r\n" + WHOLE + b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 ") < 3:
            received += connection.sock.recv(65536)
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]


@pytest.fixture
def brisk(launch: Launch, upstream: ScriptedUpstream, mode: str) -> Daemon:
    """Gives a head no time; in gevent mode the time of an idle connection is that of a head, too."""
    server = {"head_timeout": 0.3, "keep_alive": 60.0 if mode == "threads" else 1.0}
    return launch(settings(provider("one", upstream.url), server=server))


def test_a_head_that_takes_too_long_is_ended(brisk: Daemon, mode: str) -> None:
    with brisk.connect() as connection:
        connection.sock.sendall(HALF)
        received = everything(connection.sock)
    if mode == "threads":
        assert received.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in received
    else:
        assert received == b""


def test_however_steadily_it_dribbles(brisk: Daemon) -> None:
    with brisk.connect() as connection:
        connection.sock.sendall(HALF)
        with pytest.raises(ConnectionError):
            dribble(connection.sock)


def dribble(sock: socket.socket) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        sock.sendall(b"x")
        time.sleep(0.05)


def everything(sock: socket.socket) -> bytes:
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
