"""Stacks, read from outside."""

from __future__ import annotations

import logging
import threading

import pytest

from cortex_actors.otp import stacks
from cortex_actors.otp.actor import Actor, HostedActor, cast, kill, spawn
from cortex_actors.otp.tree import stack_of
from tests.otp.actors import LIMIT, eventually


class Stuck(Actor):
    """Waits inside of a handler until it is let go."""

    def __init__(self, inside: threading.Event, go: threading.Event) -> None:
        super().__init__()
        self._inside = inside
        self._go = go

    def handle(self, message: object) -> None:
        self.stand_here_and_wait()

    def stand_here_and_wait(self) -> None:
        self._inside.set()
        self._go.wait(LIMIT)


class Hosted(HostedActor):
    """Lives on the thread of the test."""


def test_the_stack_of_a_hung_actor_tells_where_it_hangs() -> None:
    inside, go = threading.Event(), threading.Event()
    ref = spawn(Stuck, inside, go, name="stuck")
    try:
        cast(ref, "go")
        assert inside.wait(LIMIT)
        stack = stack_of(ref)
    finally:
        go.set()
        kill(ref)
    assert stack is not None
    assert stack.name == "stuck"
    frame = next(frame for frame in stack.frames if frame.function == "stand_here_and_wait")
    assert frame.file.endswith("tests/otp/test_stacks.py")
    assert frame.code == "self._go.wait(LIMIT)"


def test_an_idle_actor_stands_in_its_mailbox() -> None:
    ref = spawn(Stuck, threading.Event(), threading.Event(), name="idle")
    try:
        eventually(lambda: "get" in functions(stack_of(ref)))
    finally:
        kill(ref)


def test_a_hosted_actor_stands_where_its_host_does() -> None:
    actor = Hosted()
    actor.incarnation.name = "hosted"
    actor._start_actor_loop()
    try:
        assert "test_a_hosted_actor_stands_where_its_host_does" in functions(stack_of(actor.ref))
    finally:
        actor.finish()


def test_an_actor_that_has_left_has_no_stack() -> None:
    ref = spawn(Stuck, threading.Event(), threading.Event(), name="gone")
    kill(ref)
    assert ref.actor_stopped.wait(LIMIT)
    assert stack_of(ref) is None


def test_all_stacks_name_every_actor() -> None:
    refs = [spawn(Stuck, threading.Event(), threading.Event(), name=f"one-{n}") for n in range(3)]
    try:
        names = {stack.name for stack in stacks.all_stacks()}
        assert {"one-0", "one-1", "one-2"} <= names
    finally:
        for ref in refs:
            kill(ref)


def test_a_dump_is_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    ref = spawn(Stuck, threading.Event(), threading.Event(), name="shown")
    try:
        with caplog.at_level(logging.WARNING):
            stacks.dump(logging.getLogger("cortex_actors.test"))
    finally:
        kill(ref)
    (line,) = [record.getMessage() for record in caplog.records if " shown: " in record.getMessage()]
    assert "otp/mailbox.py" in line
    assert "\n" not in line


def functions(stack: stacks.Stack | None) -> list[str]:
    return [frame.function for frame in stack.frames] if stack else []
