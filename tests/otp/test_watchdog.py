from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gevent import monkey

from cortex_actors.otp.actor import ActorRef, call, cast, spawn
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.counters import COUNTERS, Counters
from cortex_actors.otp.errors import ActorUnavailable
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.watchdog import Liveness, Watchdog
from tests.otp.actors import LIMIT, Journal, Worker, eventually, join_thread, waits_for, worker
from tests.otp.supervisors import child

QUIET = {"arm": lambda limit: None, "disarm": lambda: None}


class Tree:
    """A tree with a quick watchdog."""

    def __init__(self, *specs: ChildSpec, liveness: Liveness | None = None, **flags: Any) -> None:
        self.liveness = liveness or Liveness()
        self.root: Root | None = None
        dog = {"beat": 0.01, "grace": 0.05, **QUIET, **flags}
        watchdog = ChildSpec("watchdog", Watchdog, (self.where, self.liveness), dog)
        supervisor = ChildSpec("watched", Supervisor, (specs,), {"max_restarts": 100}, type="supervisor")
        self.root = start_tree([watchdog, supervisor])

    def where(self) -> ActorRef[Any] | None:
        return self.root.ref if self.root is not None else None

    def child(self, child_id: str) -> ActorRef[Any]:
        assert self.root is not None
        return child(child(self.root.ref, "watched"), child_id)

    def stop(self) -> None:
        assert self.root is not None
        assert self.root.stop(LIMIT)


@pytest.fixture
def trees() -> Iterator[list[Tree]]:
    running: list[Tree] = []
    yield running
    for tree in running:
        tree.stop()


def test_a_hung_actor_is_replaced_and_its_thread_reaped_once(
    journal: Journal, gate: threading.Event, trees: list[Tree]
) -> None:  # behaviour 35
    trees.append(tree := Tree(worker("a", journal, hang_timeout=0.05)))
    stuck, entered = tree.child("a"), threading.Event()
    before = COUNTERS.abandoned_now, COUNTERS.abandoned_total
    asked = stuck.ask(waits_for(gate, entered), block=False)
    assert entered.wait(LIMIT)
    journal.wait("start", "a", times=2)
    assert journal.entries[:3] == [("start", "a"), ("kill", "a"), ("start", "a")]
    with pytest.raises(Exception, match="left before"):
        asked.get(timeout=LIMIT)
    assert (COUNTERS.abandoned_now, COUNTERS.abandoned_total) == (before[0] + 1, before[1] + 1)
    fresh = tree.child("a")
    assert call(fresh, "there", LIMIT) == "there"
    assert tree.root is not None
    (node,) = [each for each in tree.root.snapshot().walk() if each.name == "watched/a"]
    assert node.last_exit is not None
    assert node.last_exit.kind is ExitKind.HUNG
    assert "busy with function" in node.last_exit.detail
    gate.set()
    journal.wait("stop", "a")
    # The old thread is on its way out.
    eventually(lambda: COUNTERS.abandoned_now == before[0])
    assert COUNTERS.abandoned_total == before[1] + 1
    assert tree.child("a") is fresh


def test_a_kill_hook_frees_a_blocked_read(journal: Journal, trees: list[Tree]) -> None:  # behaviour 36
    here, there = socket.socketpair()

    class Reader(Worker):
        def kill(self) -> None:
            there.shutdown(socket.SHUT_RDWR)

    trees.append(tree := Tree(ChildSpec("a", Reader, (journal,), hang_timeout=0.05)))
    before, entered = COUNTERS.abandoned_total, threading.Event()
    stuck = tree.child("a")

    def read(actor: Any) -> bytes:
        entered.set()
        try:
            return there.recv(1)
        except OSError:  # how gevent says the same
            return b""

    answer = stuck.ask(read, block=False)
    assert entered.wait(LIMIT)
    assert answer.get(timeout=1.0) == b""
    journal.wait("start", "a", times=2)
    assert COUNTERS.abandoned_total == before, "nobody had to be left behind"
    here.close()
    there.close()


def test_a_long_backlog_is_no_hang(journal: Journal, trees: list[Tree]) -> None:  # behaviour 37
    trees.append(tree := Tree(worker("a", journal, hang_timeout=0.5)))
    beats, start = threading.Event(), time.monotonic()
    ref = tree.child("a")
    for _ in range(60):
        cast(ref, lambda actor: beats.wait(0.02))
    assert call(ref, "at last", LIMIT) == "at last"
    assert time.monotonic() - start > 0.6, "busy for longer than the limit, with many messages"
    assert journal.of("start") == ["a"]


def test_an_actor_without_a_limit_is_left_alone(
    journal: Journal, gate: threading.Event, trees: list[Tree]
) -> None:
    beats = threading.Semaphore(0)
    trees.append(tree := Tree(worker("a", journal), arm=lambda limit: beats.release()))
    stuck, entered = tree.child("a"), threading.Event()
    cast(stuck, waits_for(gate, entered))
    assert entered.wait(LIMIT)
    for _ in range(10):
        assert beats.acquire(timeout=LIMIT)
    assert journal.entries == [("start", "a")]
    gate.set()


def test_a_class_may_set_the_limit_and_a_spec_override_it(journal: Journal) -> None:
    class Limited(Worker):
        hang_timeout = 7.0

    supervisor = spawn(
        Supervisor,
        [ChildSpec("a", Limited, (journal,)), ChildSpec("b", Limited, (journal,), hang_timeout=3.0)],
    )
    assert incarnation_of(child(supervisor, "a")).hang_timeout == 7.0
    assert incarnation_of(child(supervisor, "b")).hang_timeout == 3.0


def test_too_many_abandoned_threads_fail_liveness() -> None:  # behaviour 39
    counters = Counters()
    liveness = Liveness(max_abandoned=2, counters=counters)
    liveness.beat()
    for expected in (True, True, False):
        counters.abandoned()
        assert liveness.alive is expected
    assert liveness.problems() == ("3 threads are stuck",)
    counters.reaped()
    assert liveness.alive


def test_a_silent_watchdog_fails_liveness() -> None:
    now = [100.0]
    liveness = Liveness(max_silence=10.0, clock=lambda: now[0], counters=Counters())
    assert (liveness.alive, liveness.beat_age) == (True, None), "nothing is wrong before the first beat"
    liveness.beat()
    now[0] += 10.0
    assert liveness.alive
    now[0] += 0.1
    assert not liveness.alive
    assert liveness.problems() == ("the watchdog has been silent for 10 s",)


def test_every_beat_renews_the_fuse_and_the_end_takes_it_out() -> None:
    fuse = Journal()
    liveness = Liveness()
    dog = spawn(
        Watchdog,
        lambda: None,
        liveness,
        beat=0.001,
        limit=12.0,
        arm=lambda limit: fuse.write("arm", limit),
        disarm=lambda: fuse.write("disarm", None),
        name="dog",
    )
    fuse.wait("arm", 12.0, times=5)
    assert liveness.beat_age is not None
    dog.stop(block=True, timeout=LIMIT)
    join_thread("dog")
    assert fuse.entries[-1] == ("disarm", None)
    assert fuse.of("disarm") == [None]


def test_a_stranger_does_not_disturb_the_watchdog() -> None:
    dog = spawn(Watchdog, lambda: None, Liveness(), **QUIET)
    assert call(dog, "sit", LIMIT) is None
    dog.stop(block=True, timeout=LIMIT)
    with pytest.raises(ActorUnavailable):
        call(dog, "sit", LIMIT)


HOLD_THE_INTERPRETER = """
{patch}
import re, sys, threading
from cortex_actors.otp import ChildSpec, Liveness, Watchdog, start_tree
dog = ChildSpec("watchdog", Watchdog, (lambda: None, Liveness()), {{"beat": 0.1, "limit": 1.0}})
start_tree([dog])
threading.Event().wait(0.5)
print("holding", flush=True)
re.match(r"(a+)+$", "a" * 60 + "b")
"""


def test_a_held_interpreter_ends_the_process_with_all_stacks(tmp_path: Path) -> None:
    patched = monkey.is_module_patched("threading")
    program = tmp_path / "hold.py"
    patch = "from gevent import monkey; monkey.patch_all()" if patched else ""
    program.write_text(HOLD_THE_INTERPRETER.format(patch=patch))
    done = subprocess.run(
        [sys.executable, str(program)],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.stdout == "holding\n"
    assert done.returncode != 0
    assert "Timeout" in done.stderr
    assert "hold.py" in done.stderr, "the stack of whoever holds it"
