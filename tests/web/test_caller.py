"""The look at the caller's socket, on real sockets of every family."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from cortex_actors.web.caller import SocketCaller, client_socket, limit_waiting
from tests.web.live_app import PATIENCE

Pair = tuple[socket.socket, socket.socket]


def tcp_pair(family: socket.AddressFamily, host: str) -> Pair:
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen(1)
        theirs = socket.socket(family)
        theirs.connect(listener.getsockname())
        ours, _ = listener.accept()
    return ours, theirs


@pytest.fixture(params=["tcp", "tcp6", "unix"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param == "unix":
        ours, theirs = socket.socketpair(socket.AF_UNIX)
    elif request.param == "tcp":
        ours, theirs = tcp_pair(socket.AF_INET, "127.0.0.1")
    else:
        ours, theirs = tcp_pair(socket.AF_INET6, "::1")
    with ours, theirs:
        ours.settimeout(PATIENCE)
        yield ours, theirs


def looking_at(sock: socket.socket) -> SocketCaller:
    return SocketCaller({"gunicorn.socket": sock}, "r1")


def seen_leaving(caller: SocketCaller, ours: socket.socket) -> bool:
    """Whether a departure that reached the kernel is seen; reading to the end is how we know that it did."""
    with contextlib.suppress(OSError):
        while ours.recv(65536):
            pass
    return caller.gone()


def test_a_caller_that_is_there_is_there(pair: Pair) -> None:
    assert not looking_at(pair[0]).gone()


def test_a_caller_that_closed_is_gone(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()

    assert seen_leaving(looking_at(ours), ours)


def test_a_caller_that_sent_more_and_closed_is_gone_though_nobody_read_it(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"GET /pipelined HTTP/1.1\r\n\r\n")
    theirs.close()
    ours.recv(1, socket.MSG_PEEK)

    caller = looking_at(ours)
    for _ in range(1000):
        if caller.gone():
            break
        ours.recv(65536, socket.MSG_PEEK)
    assert caller.gone()


def test_unread_bytes_of_a_caller_that_is_there_do_not_deceive(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"x")
    ours.recv(1, socket.MSG_PEEK)

    assert not looking_at(ours).gone()
    assert ours.recv(1) == b"x"


def test_a_caller_that_reset_the_connection_is_gone(pair: Pair) -> None:
    ours, theirs = pair
    ours.sendall(b"never read")
    theirs.recv(1, socket.MSG_PEEK)
    theirs.close()  # with unread data: a reset

    assert seen_leaving(looking_at(ours), ours)


def test_the_look_does_not_wait_for_a_caller_that_reads_nothing(pair: Pair) -> None:
    ours, _ = pair
    ours.settimeout(0.05)
    with pytest.raises(TimeoutError):
        ours.sendall(b"x" * 2**26)
    ours.settimeout(PATIENCE * 100)  # a look that waited would never return

    assert not looking_at(ours).gone()


def test_a_socket_that_is_closed_on_our_side_counts_as_gone(pair: Pair) -> None:
    ours, _ = pair
    caller = looking_at(ours)
    ours.close()

    assert caller.gone()


def test_without_a_socket_nobody_is_known_to_have_left() -> None:
    assert not SocketCaller({}, "r1").gone()


def test_each_server_shows_the_socket_in_its_own_place(pair: Pair) -> None:
    ours, theirs = pair

    assert client_socket({"gunicorn.socket": ours}) is ours
    assert client_socket({"werkzeug.socket": theirs}) is theirs
    assert client_socket({}) is None


def test_a_limit_on_waiting_holds_until_it_is_lifted(pair: Pair) -> None:
    ours, _ = pair
    ours.settimeout(None)
    lift = limit_waiting(ours, 0.02)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    lift()

    assert ours.gettimeout() is None


def test_a_limit_may_be_lifted_from_a_socket_that_is_closed(pair: Pair) -> None:
    ours, _ = pair
    lift = limit_waiting(ours, 1.0)
    ours.close()
    lift()
