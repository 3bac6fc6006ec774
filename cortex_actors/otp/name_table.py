"""The table of names: from a path in the tree to the living actor behind it.

Runs on:   any thread; reading takes no lock.
It outlives the registry actor and every actor in it; an actor that has left is never returned.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from pykka import ActorRef

from cortex_actors.otp.errors import NameTaken


class NameTable:
    """Names of living actors."""

    def __init__(self) -> None:
        self._refs: dict[str, ActorRef[Any]] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def register(self, name: str, ref: ActorRef[Any]) -> None:
        """Gives a living actor a name; a name whose actor has left is free."""
        self.check_process()
        with self._lock:
            holder = self._refs.get(name)
            if holder is not None and holder is not ref and holder.is_alive():
                raise NameTaken(f"{name} is taken by another living actor")
            self._refs[name] = ref

    def whereis(self, name: str) -> ActorRef[Any] | None:
        """The living actor of this name."""
        ref = self._refs.get(name)
        return ref if ref is not None and ref.is_alive() else None

    def names(self) -> tuple[str, ...]:
        """All names of living actors, in the order of their registration."""
        with self._lock:
            return tuple(name for name, ref in self._refs.items() if ref.is_alive())

    def __len__(self) -> int:
        """How many entries there are, those of actors that left unnoticed included."""
        return len(self._refs)

    def forget(self, name: str, ref: ActorRef[Any]) -> None:
        """Frees a name, if it still belongs to this actor."""
        with self._lock:
            if self._refs.get(name) is ref:
                del self._refs[name]

    def forget_actor(self, ref: ActorRef[Any]) -> None:
        """Frees all names of an actor."""
        with self._lock:
            self._refs = {name: holder for name, holder in self._refs.items() if holder is not ref}

    def check_process(self) -> None:
        """Refuses to work in a forked child: threads do not survive a fork, so all these actors are gone."""
        if os.getpid() != self._process:
            raise RuntimeError(
                "the actor tree was started before a fork; start it in the process that uses it"
            )
