"""The registry: keeps the name table tidy, and reaches actors by name.

Supervised actors are in the table under their path by themselves; the registry actor is for all others.
Whoever calls a name whose actor is being restarted is told so at once, instead of waiting for it.

Runs on:   `Registry` on its own thread; `call` and `cast` on the caller's, without asking the registry.
Receives:  Register, Unregister; Down when an actor it registered has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pykka import ActorRef

from cortex_actors.otp import actor
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import ActorUnavailable, NameTaken, Refused
from cortex_actors.otp.messages import Down
from cortex_actors.otp.monitor import monitor
from cortex_actors.otp.name_table import NameTable

__all__ = ["NameTable", "Register", "Registry", "Unregister", "call", "cast"]


@dataclass(frozen=True, slots=True)
class Register:
    """Gives an actor a name; Refused when a living actor has it."""

    name: str
    ref: ActorRef[Any]


@dataclass(frozen=True, slots=True)
class Unregister:
    """Frees the name of an actor."""

    name: str
    ref: ActorRef[Any]


class Registry(actor.Actor):
    """Owns a name table, which outlives it."""

    def __init__(self, table: NameTable) -> None:
        super().__init__()
        self._table = table

    def init(self) -> None:
        """Watches over the names its predecessor has left."""
        for name in self._table.names():
            ref = self._table.whereis(name)
            if ref is not None:
                monitor(ref, self.ref)

    def handle(self, message: Any) -> None:
        """Changes the table."""
        match message:
            case Register(name, ref):
                try:
                    self._table.register(name, ref)
                except NameTaken as error:
                    raise Refused(str(error)) from error
                monitor(ref, self.ref)
            case Unregister(name, ref):
                self._table.forget(name, ref)
            case Down(ref):
                self._table.forget_actor(ref)
            case _:
                self.unexpected(message)


def call(table: NameTable, name: str, message: object, timeout: float) -> Any:
    """Calls the actor of this name; ActorUnavailable at once while it restarts, or when there is none."""
    table.check_process()
    ref = table.whereis(name)
    if ref is None:
        raise ActorUnavailable(f"{name} is not there")
    return actor.call(ref, message, timeout)


def cast(table: NameTable, name: str, message: object) -> bool:
    """Sends a message to the actor of this name; False, and one dead letter more, when nobody takes it."""
    ref = table.whereis(name)
    if ref is None:
        COUNTERS.dead_letter()
        return False
    return actor.cast(ref, message)
