"""Actors for tests, and the journal they write: a test waits for an entry instead of for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pykka import ActorRef

from cortex_actors.otp.actor import Actor, HostedActor
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.errors import Refused
from cortex_actors.otp.messages import Exit
from cortex_actors.otp.reasons import ExitReason

#: Seconds after which a test gives up; nothing here takes a tenth of it.
LIMIT = 10.0


class Boom(Exception):
    """What a test lets escape."""


class Journal:
    """A list that can be waited for."""

    def __init__(self) -> None:
        self._entries: list[Any] = []
        self._changed = threading.Condition()

    def write(self, *entry: Any) -> None:
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def wait(self, *entry: Any, times: int = 1) -> None:
        """Waits until this entry has been written so many times."""
        self.wait_for(lambda entries: entries.count(entry) >= times, f"{entry!r} x {times}")

    def wait_for(self, seen: Callable[[list[Any]], bool], what: str = "the condition") -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: seen(self._entries), LIMIT), (
                f"{what} not in {self._entries}"
            )

    @property
    def entries(self) -> list[Any]:
        with self._changed:
            return list(self._entries)

    def of(self, kind: str) -> list[Any]:
        """The second part of all entries of one kind, like the ids of all that started."""
        return [entry[1] for entry in self.entries if entry[0] == kind]

    def clear(self) -> None:
        with self._changed:
            self._entries.clear()


class Worker(Actor):
    """Writes down its life, and does what it is told: a callable is called with the actor."""

    def __init__(self, journal: Journal, *, on_init: Callable[[Worker], object] | None = None) -> None:
        super().__init__()
        self.journal = journal
        self.on_init = on_init
        self.reason: ExitReason | None = None

    @property
    def id(self) -> str:
        return self.name.rpartition("/")[2]

    def init(self) -> None:
        if self.on_init is not None:
            self.on_init(self)
        self.journal.write("start", self.id)

    def handle(self, message: Any) -> Any:
        if callable(message):
            return message(self)
        self.journal.write("message", message)
        return message

    def terminate(self, reason: ExitReason) -> None:
        self.journal.write("stop", self.id)
        self.reason = reason

    def kill(self) -> None:
        self.journal.write("kill", self.id)


class Hosted(HostedActor):
    """A hosted actor that writes down its end."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal

    def handle(self, message: Any) -> Any:
        return message(self) if callable(message) else message

    def terminate(self, reason: ExitReason) -> None:
        self.journal.write("finish", reason.kind)


class Recorder:
    """A link that keeps the exits it hears of."""

    def __init__(self) -> None:
        self.journal = Journal()

    def __call__(self, exit_: Exit) -> None:
        self.journal.write("exit", exit_)

    def one(self) -> Exit:
        """The exit, once there is one."""
        self.journal.wait_for(lambda entries: bool(entries), "an exit")
        exits: list[Exit] = self.journal.of("exit")
        assert len(exits) == 1
        return exits[0]


def worker(child_id: str, journal: Journal, **flags: Any) -> ChildSpec:
    """The spec of a Worker; flags go to the spec, `on_init` to the actor."""
    on_init = flags.pop("on_init", None)
    return ChildSpec(child_id, Worker, args=(journal,), kwargs={"on_init": on_init}, **flags)


def raises(error: BaseException) -> Callable[[Any], Any]:
    """A message, or an `on_init`, that raises."""

    def do(actor: Any) -> None:
        raise error

    return do


def crash(actor: Any) -> None:
    """A message that crashes its receiver."""
    raise Boom("as told")


def refuse(actor: Any) -> None:
    """A message that is declined."""
    raise Refused("not today")


def waits_for(gate: threading.Event, entered: threading.Event | None = None) -> Callable[[Any], Any]:
    """A message that keeps its receiver busy until the gate opens."""

    def do(actor: Any) -> str:
        if entered is not None:
            entered.set()
        gate.wait()
        return "through"

    return do


def eventually(true: Callable[[], object]) -> None:
    """Waits for something nobody announces, looking again and again."""
    never, give_up = threading.Event(), time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < give_up
        never.wait(0.001)


def gone(ref: ActorRef[Any]) -> None:
    """Waits until an actor has left."""
    assert ref.actor_stopped.wait(LIMIT)


def join_thread(name: str) -> None:
    """Waits until no thread of this name is left."""
    for thread in threads(name):
        thread.join(LIMIT)
        assert not thread.is_alive()


def threads(name: str) -> list[threading.Thread]:
    """The threads of this name."""
    return [thread for thread in threading.enumerate() if thread.name == name]
