"""The dynamic supervisor, and the roster of its children, which outlives it.

The `Roster` is a plain table made by whoever composes the tree. Starting a child goes through it on the
caller's own thread: a request must not wait for a mailbox. A child that leaves frees its place by itself,
whether or not a supervisor is there. All children are temporary and have no order.

Runs on:   `DynamicSupervisor` on its own thread; a `Roster` on any thread, under one short lock.
Receives:  Exit of children that fell; a normal end is no news and would cost a wake-up for each.
Sends:     Shutdown and Kill to all children at once when the stop is final, with one shared deadline.

Unlike OTP, by design: when the supervisor crashes, is killed, or is shut down with `restarting`, its children
run on and the next incarnation adopts them. No running stream is cut because somebody else fell.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

from pykka import ActorRef

from cortex_actors.otp import administration, messages
from cortex_actors.otp.base_actor import Actor
from cortex_actors.otp.errors import ChildRefused, MaxChildren, NotAccepting
from cortex_actors.otp.hosted_actor import HostedActor
from cortex_actors.otp.household import Household
from cortex_actors.otp.incarnation import Incarnation
from cortex_actors.otp.launch import construct, launch
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.messages import Exit
from cortex_actors.otp.reasons import SHUTDOWN, ExitReason
from cortex_actors.otp.stopping import ShutdownLimit, stop_together
from cortex_actors.otp.tree import ChildView, SupervisorView

logger = logging.getLogger(__name__)

Hosted = TypeVar("Hosted", bound=HostedActor)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One child of a roster."""

    label: str
    ref: ActorRef[Any]


class Roster:
    """The children of a dynamic supervisor; bounded, readable by all, alive longer than the supervisor."""

    def __init__(
        self,
        name: str,
        max_children: int | None = None,
        shutdown: ShutdownLimit = 5.0,
        start_timeout: float = 5.0,
    ) -> None:
        self.name = name
        #: How many children there may be at once; None: any number.
        self.max_children = max_children
        self.high_water = 0
        self.refused = 0
        self.started = 0
        #: Children that ended abnormally.
        self.fallen = 0
        self.draining = False
        self._shutdown: ShutdownLimit = shutdown
        self._start_timeout = start_timeout
        self._supervisor: Incarnation | None = None
        self._entries: dict[str, _Entry] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def start_child(
        self, actor_class: type[Actor], *args: Any, name: str | None = None, **kwargs: Any
    ) -> ActorRef[Any]:
        """Starts a child on the caller's thread; a name that is in use gets a number.

        Raises MaxChildren when there is no place, NotAccepting when no supervisor lives or the roster drains,
        and StartError.
        """
        return self._start(actor_class, args, kwargs, name).ref

    def host_child(
        self, actor_class: type[Hosted], *args: Any, name: str | None = None, **kwargs: Any
    ) -> Hosted:
        """Starts a hosted child and gives the actor itself to its host; raises as `start_child` does."""
        actor = self._start(actor_class, args, kwargs, name)
        assert isinstance(actor, actor_class)
        return actor

    @property
    def count(self) -> int:
        """How many children there are now."""
        return len(self._entries)

    @property
    def accepting(self) -> bool:
        """Whether a child could be started now, if there were a place for it."""
        supervisor = self._supervisor
        return supervisor is not None and not supervisor.departed and not self.draining

    def children(self) -> tuple[ChildView, ...]:
        """All children, in the order of their start."""
        return tuple(
            ChildView(
                id=entry.label,
                cls=entry.ref.actor_class.__name__,
                kind="worker",
                state="running",
                ref=entry.ref,
                generation=1,
                restart="temporary",
            )
            for entry in list(self._entries.values())
        )

    def drain(self) -> None:
        """Takes no more children; those that run may finish."""
        self.draining = True

    def resume(self) -> None:
        """Takes children again."""
        self.draining = False

    def terminate_child(self, label: str) -> None:
        """Stops one child; ChildRefused: not_found."""
        entry = self._entries.get(label)
        if entry is None:
            raise ChildRefused("not_found", label)
        self._stop([entry])

    def stop(self) -> None:
        """Stops all children for good, all told at once; takes none until a supervisor adopts it again."""
        with self._lock:
            self._supervisor = None
            entries = list(self._entries.values())
        self._stop(entries)

    def adopt(self, supervisor: Incarnation) -> None:
        """Puts the children, those that run already too, under this supervisor."""
        with self._lock:
            self._supervisor = supervisor

    def _start(
        self, actor_class: type[Actor], args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None
    ) -> Actor:
        self._check_room()  # before anything is built for nothing
        actor = construct(actor_class, args, kwargs, name or self.name)
        label, supervisor = self._enter(actor, name)
        try:
            launch(
                actor,
                name=supervisor.path_of(label),
                link=partial(self._left, label),
                household=supervisor.household,
                start_timeout=self._start_timeout,
            )
        except BaseException:
            self._remove(label, actor.ref)
            raise
        return actor

    def _check_room(self) -> None:
        if not self.accepting:
            self.refused += 1
            raise NotAccepting(f"{self.name} takes no children now")
        if self.max_children is not None and len(self._entries) >= self.max_children:
            self.refused += 1
            raise MaxChildren(self.name, self.max_children)

    def _enter(self, actor: Actor, name: str | None) -> tuple[str, Incarnation]:
        """Takes a place for a child that is about to start, so that a stop from now on finds it."""
        number = next(self._numbers)
        with self._lock:
            self._check_room()
            supervisor = self._supervisor
            assert supervisor is not None
            label = name or str(number)
            if label in self._entries:
                label = f"{label}~{number}"
            self._entries[label] = _Entry(label, actor.ref)
            self.started += 1
            self.high_water = max(self.high_water, len(self._entries))
        return label, supervisor

    def _left(self, label: str, exit_: Exit) -> None:
        """When a child has left, on its own thread: its place is free before anybody is told."""
        self._remove(label, exit_.ref)
        if exit_.reason.abnormal:
            with self._lock:
                self.fallen += 1
                supervisor = self._supervisor
            if supervisor is not None:
                supervisor.post(exit_)

    def _remove(self, label: str, ref: ActorRef[Any]) -> None:
        with self._lock:
            entry = self._entries.get(label)
            if entry is not None and entry.ref is ref:
                del self._entries[label]

    def _stop(self, entries: list[_Entry]) -> None:
        stop_together([entry.ref for entry in entries], self._shutdown, SHUTDOWN)
        for entry in entries:
            self._remove(entry.label, entry.ref)


class DynamicSupervisor(Actor):
    """Looks after the children of one roster while it lives."""

    def __init__(self, roster: Roster) -> None:
        super().__init__()
        self._roster = roster

    def init(self) -> None:
        """Adopts whoever runs already."""
        household = self.incarnation.household
        if household is None:
            household = self.incarnation.household = Household()
        household.keep(self.name, self._roster)
        self.incarnation.view = self._view
        self._roster.adopt(self.incarnation)

    def handle(self, message: Any) -> Any:
        """Reports fallen children, and answers operators as far as temporary children allow."""
        match message:
            case Exit():
                return self._child_fell(message)
            case messages.WhichChildren():
                return administration.which(self._roster.children())
            case messages.CountChildren():
                return administration.count(self._roster.children())
            case messages.TerminateChild():
                return self._roster.terminate_child(message.id)
        if isinstance(message, administration.OPERATOR_MESSAGES):
            raise ChildRefused("not_supported", "the children of a dynamic supervisor are temporary")
        return self.unexpected(message)

    def _child_fell(self, exit_: Exit) -> None:
        logger.warning("%s: child %s ended: %s", self.name, exit_.name, exit_.reason)
        if self.incarnation.household is not None:
            told = LifeEvent("ended", exit_.name, exit_.generation, exit_.reason, permanent=False)
            self.incarnation.household.tell(told)

    def terminate(self, reason: ExitReason) -> None:
        """Stops the children only when nobody will come back for them."""
        if self.incarnation.link is None or not (reason.abnormal or reason.restarting):
            self._roster.stop()

    def _view(self) -> SupervisorView:
        return SupervisorView(self._roster.children(), children_outlive=True)
