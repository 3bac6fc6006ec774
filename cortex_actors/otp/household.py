"""What the actors of one tree share: the table of their names, and what outlives its supervisor.

Runs on:   any thread.
A supervisor hands its household to its children when it starts them. A roster whose supervisor is away stays
here, so that a final stop of any supervisor above finds its children too.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from cortex_actors.otp.life import LifeEvent, Observer
from cortex_actors.otp.name_table import NameTable

logger = logging.getLogger(__name__)


class Survivor(Protocol):
    """Something with children that live on while their supervisor restarts."""

    def stop(self) -> None:
        """Stops the children for good."""
        ...


class Household:
    """One per tree."""

    def __init__(self, names: NameTable | None = None, observer: Observer | None = None) -> None:
        self.names = names if names is not None else NameTable()
        self._observer = observer
        self._survivors: dict[str, Survivor] = {}
        self._lock = threading.Lock()

    def tell(self, event: LifeEvent) -> None:
        """Tells the observer of this tree, if it has one; its mistakes are its own."""
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:
            logger.exception("the observer of the tree failed")

    def keep(self, path: str, survivor: Survivor) -> None:
        """Remembers what outlives the supervisor of this path."""
        with self._lock:
            self._survivors[path] = survivor

    def stop_survivors(self, path: str) -> None:
        """Stops for good whatever survives at this path and below it; nobody will come back for it."""
        with self._lock:
            found = [one for key, one in self._survivors.items() if f"{key}/".startswith(f"{path}/")]
        for survivor in found:
            survivor.stop()
