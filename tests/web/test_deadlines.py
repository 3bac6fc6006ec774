"""Deadlines for reading, with a clock of our own and real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from cortex_actors.web.deadlines import ReadDeadlines
from tests.web.live_app import PATIENCE


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_reader_that_is_late_wakes_with_no_more_data() -> None:
    ours, theirs = socket.socketpair()
    clock = Clock()
    deadlines = ReadDeadlines(clock, look_every=0.01)
    with ours, theirs, deadlines.watch(ours, 5.0) as deadline:
        ours.settimeout(PATIENCE)
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"
        clock.now += 5.0
        with contextlib.suppress(OSError):  # as gevent tells it
            assert ours.recv(1) == b""  # as everybody else does

    assert deadline.passed


def test_a_late_reader_may_still_be_answered() -> None:
    ours, theirs = socket.socketpair()
    clock = Clock()
    deadlines = ReadDeadlines(clock, look_every=3600)
    with ours, theirs:
        with deadlines.watch(ours, 5.0):
            clock.now += 6
            deadlines.sweep()
        ours.sendall(b"408")
        assert theirs.recv(3) == b"408"


def test_who_is_in_time_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    clock = Clock()
    deadlines = ReadDeadlines(clock, look_every=3600)
    with ours, theirs:
        with deadlines.watch(ours, 5.0) as deadline:
            clock.now += 4.9
            deadlines.sweep()
        clock.now += 10
        deadlines.sweep()
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"

    assert not deadline.passed


def test_a_failure_inside_ends_the_watch() -> None:
    ours, theirs = socket.socketpair()
    clock = Clock()
    deadlines = ReadDeadlines(clock, look_every=3600)
    with ours, theirs:
        with pytest.raises(KeyError), deadlines.watch(ours, 5.0):
            raise KeyError
        clock.now += 10
        deadlines.sweep()
        theirs.sendall(b"a")
        assert ours.recv(1) == b"a"


def test_without_a_socket_there_is_nothing_to_end() -> None:
    clock = Clock()
    deadlines = ReadDeadlines(clock, look_every=3600)
    with deadlines.watch(None, 5.0) as deadline:
        clock.now += 10
        deadlines.sweep()

    assert not deadline.passed


def test_one_thread_watches_all() -> None:
    before = set(threading.enumerate())
    deadlines = ReadDeadlines(look_every=3600)
    pairs = [socket.socketpair() for _ in range(20)]
    for ours, _ in pairs:
        with deadlines.watch(ours, 5.0):
            pass
    watching = [thread for thread in set(threading.enumerate()) - before if thread.name == "read-deadlines"]
    for pair in pairs:
        for sock in pair:
            sock.close()

    assert len(watching) == 1
