"""The handle by which an exchange is stopped from outside."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cortex_actors.errors import AttemptCancelled
from cortex_actors.transport.lifeline import Lifeline


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        theirs.settimeout(10)
        yield ours, theirs


def test_a_cancel_ends_the_socket_it_holds(pair: tuple[socket.socket, socket.socket]) -> None:
    lifeline = Lifeline()
    lifeline.hold(pair[0])
    lifeline.cancel()
    assert pair[0].recv(1) == b""
    assert pair[1].recv(1) == b""


def test_a_cancel_leaves_a_socket_alone_that_was_let_go(pair: tuple[socket.socket, socket.socket]) -> None:
    lifeline = Lifeline()
    lifeline.hold(pair[0])
    assert not lifeline.let_go()
    lifeline.cancel()
    pair[0].sendall(b"x")
    assert pair[1].recv(1) == b"x"


def test_who_lets_go_learns_that_the_socket_is_spent(pair: tuple[socket.socket, socket.socket]) -> None:
    lifeline = Lifeline()
    lifeline.hold(pair[0])
    lifeline.cancel()
    assert lifeline.let_go()


def test_only_the_last_socket_is_held(pair: tuple[socket.socket, socket.socket]) -> None:
    lifeline = Lifeline()
    lifeline.hold(pair[0])
    lifeline.hold(pair[1])
    lifeline.let_go()
    lifeline.cancel()
    pair[0].sendall(b"x")
    assert pair[1].recv(1) == b"x"


def test_after_a_cancel_nothing_is_held_or_connected(pair: tuple[socket.socket, socket.socket]) -> None:
    lifeline = Lifeline()
    lifeline.cancel()
    with pytest.raises(AttemptCancelled):
        lifeline.hold(pair[0])
    with socket.socket() as listener, socket.socket() as caller:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        with pytest.raises(AttemptCancelled):
            lifeline.connect(caller, listener.getsockname())
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_cancel_reaches_a_socket_whose_owner_has_closed_it(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    lifeline = Lifeline()
    lifeline.hold(pair[0])
    pair[0].close()
    lifeline.cancel()
    assert pair[1].recv(1) == b""
    lifeline.let_go()
