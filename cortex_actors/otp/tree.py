"""The actor tree as anybody may see it: an immutable snapshot, made without asking any actor.

Runs on:   the reader's thread. It reads what supervisors publish (each change of a child is one swapped
           `ChildView`) and the numbers of the mailboxes, so a hung actor cannot hang a view.

    node = snapshot(root_ref)      node.state, node.children, node.mailbox.depth, node.busy_for, ...
    snapshot(root_ref, temporary=False)    the same without the children of dynamic supervisors
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pykka import ActorRef

from cortex_actors.otp.child_spec import ChildType, Restart
from cortex_actors.otp.incarnation import Incarnation, incarnation_of
from cortex_actors.otp.mailbox import MailboxStats
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.stacks import Stack, stack

#: What a supervisor knows of a child: it runs, waits for its restart, was stopped by an operator, or ended.
ChildState = Literal["running", "restarting", "stopped", "ended"]

#: What a reader may see beside that: too long at one message, or left a moment ago.
NodeState = Literal["running", "restarting", "stopped", "ended", "hung", "exited"]


@dataclass(frozen=True, slots=True)
class ChildView:
    """What a supervisor publishes of one child; times on the supervisor's clock."""

    id: str
    cls: str
    kind: ChildType
    state: ChildState
    ref: ActorRef[Any] | None = None
    generation: int = 0
    last_exit: ExitReason | None = None
    last_exit_at: float | None = None
    backoff_until: float | None = None
    restart: Restart | None = None


@dataclass(frozen=True, slots=True)
class SupervisorView:
    """What a supervisor publishes of itself; `children_outlive` it when they belong to a roster."""

    children: tuple[ChildView, ...]
    restart_times: tuple[float, ...] = ()
    max_restarts: int | None = 0
    max_seconds: float = 0.0
    children_outlive: bool = False


@dataclass(frozen=True, slots=True)
class LastExit:
    """How a child ended last; `ago` in seconds."""

    kind: ExitKind
    detail: str
    ago: float


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One actor at one moment; times in seconds. `max_restarts` is None when unlimited, 0 for a worker."""

    id: str
    name: str
    cls: str
    kind: ChildType
    state: NodeState
    generation: int
    uptime: float | None
    restarts: int
    restarts_in_period: int
    max_restarts: int | None
    last_exit: LastExit | None
    #: Seconds until it is started again; None when it does not wait for that.
    backoff_until: float | None
    mailbox: MailboxStats | None
    busy_with: str | None
    busy_for: float | None
    children: tuple[TreeNode, ...] = ()
    #: How many children there are, also where `children` leaves them out.
    children_count: int = 0
    #: When its supervisor restarts it; None for the root.
    restart: Restart | None = None
    #: The seconds in which `max_restarts` are counted; 0 for a worker.
    period: float = 0.0
    #: The actor itself, for `stack_of`; None while there is none.
    ref: ActorRef[Any] | None = None

    def walk(self) -> Iterator[TreeNode]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


def snapshot(
    root: ActorRef[Any], clock: Callable[[], float] = time.monotonic, *, temporary: bool = True
) -> TreeNode:
    """The tree below and with this actor; without `temporary` the children of rosters are only counted."""
    incarnation = incarnation_of(root)
    is_supervisor = incarnation.view is not None
    view = ChildView(
        id=incarnation.name.rpartition("/")[2],
        cls=root.actor_class.__name__,
        kind="supervisor" if is_supervisor else "worker",
        state="running",
        ref=root,
        generation=incarnation.generation,
    )
    return _node(view, incarnation.name, clock(), temporary)


def stack_of(ref: ActorRef[Any]) -> Stack | None:
    """Where an actor stands at this moment; None when it has left, or has not begun."""
    incarnation = incarnation_of(ref)
    if incarnation.departed or incarnation.carrier is None:
        return None
    return stack(incarnation.name, incarnation.carrier)


def living(root: ActorRef[Any]) -> Iterator[Incarnation]:
    """The incarnations of all living actors of the tree, parents first."""
    incarnation = incarnation_of(root)
    if incarnation.departed:
        return
    yield incarnation
    publish = incarnation.view
    if publish is not None:
        for child in publish().children:
            if child.ref is not None:
                yield from living(child.ref)


def _node(view: ChildView, name: str, now: float, temporary: bool) -> TreeNode:
    incarnation = incarnation_of(view.ref) if view.ref is not None else None
    publish = incarnation.view if incarnation is not None else None
    below = publish() if publish is not None else SupervisorView(())
    since = incarnation.mailbox.busy_since if incarnation is not None else None
    started_at = incarnation.started_at if incarnation is not None else None
    shown = below.children if temporary or not below.children_outlive else ()
    return TreeNode(
        id=view.id,
        name=name,
        cls=view.cls,
        kind=view.kind,
        state=_state(view, incarnation, now),
        generation=view.generation,
        uptime=now - started_at if started_at is not None else None,
        restarts=max(0, view.generation - 1),
        restarts_in_period=sum(at > now - below.max_seconds for at in below.restart_times),
        max_restarts=below.max_restarts,
        last_exit=_last_exit(view, now),
        backoff_until=max(0.0, view.backoff_until - now) if view.backoff_until is not None else None,
        mailbox=incarnation.mailbox.stats() if incarnation is not None else None,
        busy_with=incarnation.mailbox.busy_with if incarnation is not None else None,
        busy_for=now - since if since is not None else None,
        children=tuple(
            _node(child, incarnation.path_of(child.id), now, temporary)
            for child in shown
            if incarnation is not None
        ),
        children_count=len(below.children),
        restart=view.restart,
        period=below.max_seconds,
        ref=view.ref,
    )


def _state(view: ChildView, incarnation: Incarnation | None, now: float) -> NodeState:
    if incarnation is None:
        return view.state
    if incarnation.departed:
        return "exited"
    since, limit = incarnation.mailbox.busy_since, incarnation.hang_timeout
    return "hung" if since is not None and limit is not None and now - since > limit else view.state


def _last_exit(view: ChildView, now: float) -> LastExit | None:
    if view.last_exit is None or view.last_exit_at is None:
        return None
    return LastExit(view.last_exit.kind, view.last_exit.detail, now - view.last_exit_at)
