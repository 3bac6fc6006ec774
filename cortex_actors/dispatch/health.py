"""Health: what the gateway says of its providers, and the actor that notices when it changes.

Runs on:   a thread of its own, once a second; reads published views and asks nobody.
Receives:  Look, from its own timer.
Sends:     nothing; it publishes since when each provider has its status, logs each change once, of keys too,
           and tells its observer.

`overall` is a pure function of the views, so an answer to GET /api/health is never older than they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.dispatch.provider import Board
from cortex_actors.otp.actor import Actor
from cortex_actors.resilience.key_ring import KeyState

_log = logging.getLogger(__name__)

OverallStatus = Literal["healthy", "degraded", "unhealthy", "no_workers"]

#: Between two looks, in seconds.
_EVERY = 1.0

#: A provider nobody has heard of yet may well answer: unknown is not unavailable.
_USABLE = frozenset({"available", "unknown", "degraded"})
_WELL = frozenset({"available", "unknown"})


def overall(views: Sequence[ProviderView]) -> OverallStatus:
    """All well, some not, none usable, or none at all; one that drains is not asked, and so not counted."""
    if not views:
        return "no_workers"
    asked = [view for view in views if not view.draining]
    if not any(view.status in _USABLE for view in asked):
        return "unhealthy"
    return "healthy" if all(view.status in _WELL for view in asked) else "degraded"


class Look:
    """Compare now with before."""


@dataclass(slots=True)
class StatusHistory:
    """Since when each provider has its status, in epoch seconds; outlives the actor that writes it."""

    since: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    #: The state of each key, by provider and id.
    keys: Mapping[tuple[str, str], KeyState] = field(default_factory=dict)


class HealthObserver(Protocol):
    """Who is told when a provider, or one of its keys, is doing better or worse."""

    def status_changed(self, provider: str, before: str, after: str, *, well: bool) -> None: ...

    def key_changed(self, provider: str, key: str, state: str, *, well: bool) -> None: ...


class Health(Actor):
    """Watches the board for changes of status."""

    def __init__(
        self,
        board: Board,
        history: StatusHistory,
        observer: HealthObserver,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._board = board
        self._history = history
        self._observer = observer
        self._clock = clock
        self._wall_clock = wall_clock

    def init(self) -> None:
        """Takes a first look, so that whatever happens from now on is a change."""
        self._compare()
        self.send_after(_EVERY, Look())

    def handle(self, message: object) -> object:
        if not isinstance(message, Look):
            self.unexpected(message)
            return None
        self._compare()
        self.send_after(_EVERY, Look())
        return None

    def _compare(self) -> None:
        now, before = self._wall_clock(), self._history.since
        views = self._board.views()
        self._compare_keys(views)
        after = {}
        for view in views:
            known = before.get(view.name)
            if known is not None and known[0] == view.status:
                after[view.name] = known
                continue
            after[view.name] = (view.status, now)
            if known is not None:
                level = logging.INFO if view.status in _WELL else logging.WARNING
                _log.log(level, "provider %s: %s -> %s", view.name, known[0], view.status)
                self._observer.status_changed(view.name, known[0], view.status, well=view.status in _WELL)
        self._history.since = after

    def _compare_keys(self, views: Sequence[ProviderView]) -> None:
        now, before = self._clock(), self._history.keys
        after = {(view.name, key.id): key.state(now) for view in views for key in view.keys.keys}
        for (provider, key), state in after.items():
            if before.get((provider, key), "ready") != state:
                level = logging.INFO if state == "ready" else logging.WARNING
                _log.log(level, "key %s of provider %s is %s", key, provider, state)
                self._observer.key_changed(provider, key, state, well=state == "ready")
        self._history.keys = after
