"""The children of one supervisor: their records in start order, and how one of them is started and stopped.

Runs on:   the supervisor's thread; other threads read the views, which are swapped whole.
Sends:     Shutdown and Kill, through `stopping`.

    running ---- left ----> restarting | ended      restarting -- start --> running
    any -------- stop ----> stopped                 ended, stopped: no actor, the spec is kept
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pykka import ActorRef

from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.household import Household
from cortex_actors.otp.incarnation import Incarnation, incarnation_of
from cortex_actors.otp.launch import construct, launch
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.messages import Exit
from cortex_actors.otp.reasons import ExitReason
from cortex_actors.otp.stopping import ShutdownLimit, stop
from cortex_actors.otp.tree import ChildState, ChildView


class Child:
    """The record of one child. `view` is what the world sees of it, and where the supervisor keeps it."""

    __slots__ = ("failures", "spec", "started_at", "token", "view")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.view = ChildView(spec.id, spec.actor.__name__, spec.type, "stopped", restart=spec.restart)
        self.started_at = 0.0
        #: Failures in a row, for the back-off.
        self.failures = 0
        #: Which restart it waits for: a TryAgain with another token is stale.
        self.token = 0

    @property
    def state(self) -> ChildState:
        """Where it stands."""
        return self.view.state

    @property
    def ref(self) -> ActorRef[Any] | None:
        """Its actor, while it has one."""
        return self.view.ref

    def waits(self, until: float | None) -> None:
        """Marks it as waiting for its restart: until a time of its own, or for that of its group."""
        self.token += 1
        self.view = replace(self.view, state="restarting", ref=None, backoff_until=until)

    def rests(self, state: ChildState) -> None:
        """Marks it as without an actor, and not waiting for one."""
        self.view = replace(self.view, state=state, ref=None, backoff_until=None)


class Children:
    """The table of children of one supervisor."""

    def __init__(self, owner: Incarnation, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._clock = clock
        self._by_id: dict[str, Child] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._by_id.values()))

    def views(self) -> tuple[ChildView, ...]:
        """What the world sees; from any thread."""
        return tuple(child.view for child in list(self._by_id.values()))

    def find(self, child_id: str) -> Child | None:
        """The child of this id."""
        return self._by_id.get(child_id)

    def leaver(self, exit_: Exit) -> Child | None:
        """Whose exit this is; None when that incarnation is no longer, or not known to be, a child."""
        child = self._by_id.get(exit_.name.rpartition("/")[2])
        return child if child is not None and child.ref is exit_.ref else None

    def add(self, spec: ChildSpec) -> Child:
        """A new record, the last in order."""
        child = self._by_id[spec.id] = Child(spec)
        return child

    def remove(self, child: Child) -> None:
        """Forgets a child without an actor."""
        self._by_id.pop(child.spec.id, None)

    def start(self, child: Child) -> ActorRef[Any]:
        """Brings a child to life; StartError leaves its record as it was."""
        spec, generation = child.spec, child.view.generation + 1
        name = self._owner.path_of(child.spec.id)
        ref = launch(
            construct(spec.actor, spec.args, dict(spec.kwargs), name),
            name=name,
            generation=generation,
            link=self._owner.post,
            household=self._owner.household,
            start_timeout=spec.start_limit,
            hang_timeout=spec.hang_timeout,
        )
        child.started_at = self._clock()
        child.view = replace(child.view, state="running", ref=ref, generation=generation, backoff_until=None)
        if generation > 1:
            self._household().tell(LifeEvent("restarted", name, generation))
        return ref

    def stop(self, child: Child, reason: ExitReason, limit: ShutdownLimit | None = None) -> None:
        """Stops a child if it runs; for good unless it is `restarting`: then nothing below it survives.

        It has the time that its spec gives it, unless there is another limit.
        """
        ref = child.ref
        if ref is not None:
            stop(ref, child.spec.shutdown_limit if limit is None else limit, reason)
            self.left(child, incarnation_of(ref).reason or reason)
        child.rests("stopped")
        if not reason.restarting:
            self.stop_survivors(child)

    def left(self, child: Child, reason: ExitReason) -> None:
        """Writes down how the actor of a child ended."""
        child.view = replace(
            child.view, ref=None, last_exit=reason.without_error(), last_exit_at=self._clock()
        )

    def stop_survivors(self, child: Child) -> None:
        """Stops whatever below a child outlived its supervisor, because nobody will come back for it."""
        self._household().stop_survivors(self._owner.path_of(child.spec.id))

    def _household(self) -> Household:
        if self._owner.household is None:
            self._owner.household = Household()
        return self._owner.household
