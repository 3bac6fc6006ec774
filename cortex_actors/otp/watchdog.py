"""The watchdog: a beat a second, a sweep for hung actors, and a fuse for the whole process.

    an actor too long at one message   its kill hook, `grace` seconds, then it is left behind; its supervisor
                                       gets Exit(HUNG) either way and starts another
    too many threads left behind       `Liveness.alive` is False: only a new process helps
    the interpreter itself stands      nobody re-arms `faulthandler`: it prints all stacks and exits

Runs on:   its own thread; `Liveness` is read by any. A long backlog is no hang: time at one message counts.
Receives:  Beat, from its own timer.
Sends:     Kill to hung actors.
"""

from __future__ import annotations

import faulthandler
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pykka import ActorRef

from cortex_actors.otp import tree
from cortex_actors.otp.base_actor import Actor
from cortex_actors.otp.counters import COUNTERS, Counters
from cortex_actors.otp.incarnation import Incarnation
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.stopping import leave_behind

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """A second has passed."""


class Liveness:
    """Whether a new process would do better; made by whoever composes the tree, outlives the watchdog."""

    def __init__(
        self,
        max_abandoned: int = 16,
        max_silence: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        counters: Counters = COUNTERS,
    ) -> None:
        self._max_abandoned = max_abandoned
        self._max_silence = max_silence
        self._clock = clock
        self._counters = counters
        self._last_beat: float | None = None

    def beat(self) -> None:
        """When the watchdog had its turn."""
        self._last_beat = self._clock()

    @property
    def beat_age(self) -> float | None:
        """Seconds since the last beat; None before the first."""
        return self._clock() - self._last_beat if self._last_beat is not None else None

    @property
    def alive(self) -> bool:
        """Whether there is nothing that only a new process would cure."""
        return not self.problems()

    def problems(self) -> tuple[str, ...]:
        """What only a new process would cure, in words."""
        age, left_behind = self.beat_age, self._counters.abandoned_now
        found = []
        if age is not None and age > self._max_silence:
            found.append(f"the watchdog has been silent for {age:.0f} s")
        if left_behind > self._max_abandoned:
            found.append(f"{left_behind} threads are stuck")
        return tuple(found)


class Watchdog(Actor):
    """Looks after those who cannot say that they are stuck."""

    def __init__(
        self,
        root: Callable[[], ActorRef[Any] | None],
        liveness: Liveness,
        beat: float = 1.0,
        grace: float = 1.0,
        limit: float = 30.0,
        arm: Callable[[float], object] = lambda limit: faulthandler.dump_traceback_later(limit, exit=True),
        disarm: Callable[[], object] = faulthandler.cancel_dump_traceback_later,
    ) -> None:
        """Times in seconds; `root` gives the root once there is one, `limit` is the length of the fuse."""
        super().__init__()
        self._root = root
        self._liveness = liveness
        self._beat = beat
        self._grace = grace
        self._limit = limit
        self._arm = arm
        self._disarm = disarm
        #: When the kill hook of whom was pulled.
        self._killed_at: dict[str, float] = {}

    def init(self) -> None:
        """Takes the first beat."""
        self._next_beat()

    def handle(self, message: Any) -> None:
        """Beats."""
        if isinstance(message, Beat):
            self._sweep()
            self._next_beat()
        else:
            self.unexpected(message)

    def terminate(self, reason: ExitReason) -> None:
        """Takes the fuse out: without a watchdog nobody would re-arm it."""
        self._disarm()

    def _next_beat(self) -> None:
        self._arm(self._limit)
        self._liveness.beat()
        self.send_after(self._beat, Beat())

    def _sweep(self) -> None:
        root = self._root()
        if root is None:
            return
        before, self._killed_at = self._killed_at, {}
        for incarnation in tree.living(root):
            reason = _hung(incarnation)
            if reason is not None:
                self._step_in(incarnation, reason, before.get(incarnation.ref.actor_urn))

    def _step_in(self, incarnation: Incarnation, reason: ExitReason, killed_at: float | None) -> None:
        """Kills an actor when it is found the first time, and leaves it behind when that did not help."""
        now = self.mailbox.clock()
        if killed_at is None:
            logger.error("%s hangs: %s", incarnation.name, reason.detail)
            if incarnation.household is not None:
                told = LifeEvent("hung", incarnation.name, incarnation.generation, reason)
                incarnation.household.tell(told)
            incarnation.kill(reason)
            killed_at = now
        if now - killed_at >= self._grace:
            leave_behind(incarnation, reason)
        else:
            self._killed_at[incarnation.ref.actor_urn] = killed_at


def _hung(incarnation: Incarnation) -> ExitReason | None:
    """What to call it when an actor is at one message for too long; None when it is not."""
    mailbox, limit = incarnation.mailbox, incarnation.hang_timeout
    since, busy_with = mailbox.busy_since, mailbox.busy_with
    if limit is None or since is None:
        return None
    busy_for = mailbox.clock() - since
    if busy_for <= limit:
        return None
    return ExitReason(ExitKind.HUNG, f"busy with {busy_with} for {busy_for:.1f} s")
