"""What operators may ask of a supervisor, with OTP's answers and OTP's words of refusal.

                 unknown      running           restarting        stopped or ended
    start        starts       already_started   already_present   already_present
    terminate    not_found    stops             calls off         nothing to do
    restart      not_found    running           restarting        starts
    delete       not_found    running           restarting        forgets

Runs on:   the supervisor's thread.
Receives:  StartChild, TerminateChild, RestartChild, DeleteChild, WhichChildren, CountChildren, GetChildSpec.
An operator's order never counts toward the restart intensity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pykka import ActorRef

from cortex_actors.otp import messages
from cortex_actors.otp.child_spec import AutoShutdown, ChildSpec, ChildType, check_child_specs
from cortex_actors.otp.children import Child, Children
from cortex_actors.otp.errors import ChildRefused, StartError
from cortex_actors.otp.reasons import SHUTDOWN
from cortex_actors.otp.tree import ChildView

#: Everything an operator may say.
OPERATOR_MESSAGES = (
    messages.WhichChildren,
    messages.CountChildren,
    messages.StartChild,
    messages.TerminateChild,
    messages.RestartChild,
    messages.DeleteChild,
    messages.GetChildSpec,
)


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One line of `which_children`: `ref` is None for a child that is stopped or has ended."""

    id: str
    ref: ActorRef[Any] | Literal["restarting"] | None
    type: ChildType
    actor: str


@dataclass(frozen=True, slots=True)
class ChildCount:
    """The answer of `count_children`; supervisors and workers are counted whether they live or not."""

    specs: int
    active: int
    supervisors: int
    workers: int


class Administration:
    """An operator's hand in one table of children."""

    def __init__(self, children: Children, auto_shutdown: AutoShutdown) -> None:
        self._children = children
        self._auto_shutdown = auto_shutdown

    def answer(self, message: object) -> Any:
        """Does what an operator's message says."""
        match message:
            case messages.WhichChildren():
                return which(self._children.views())
            case messages.CountChildren():
                return count(self._children.views())
            case messages.StartChild(spec):
                return self.start(spec)
            case messages.TerminateChild(child_id):
                return self.terminate(child_id)
            case messages.RestartChild(child_id):
                return self.restart(child_id)
            case messages.DeleteChild(child_id):
                return self.delete(child_id)
            case messages.GetChildSpec(child_id):
                return self._find(child_id).spec
        raise ChildRefused("not_supported", type(message).__name__)

    def start(self, spec: ChildSpec) -> ActorRef[Any]:
        """Adds a child after all others and starts it."""
        mistakes = check_child_specs((spec,), self._auto_shutdown)
        if mistakes:
            raise ChildRefused("invalid_child_spec", "; ".join(mistakes))
        present = self._children.find(spec.id)
        if present is not None:
            raise ChildRefused(
                "already_started" if present.state == "running" else "already_present", spec.id
            )
        child = self._children.add(spec)
        try:
            return self._children.start(child)
        except StartError as error:
            self._children.remove(child)
            self._children.stop_survivors(child)
            raise ChildRefused("start_failed", str(error)) from error

    def terminate(self, child_id: str) -> None:
        """Stops a child and keeps its spec; a temporary child has none to keep."""
        child = self._find(child_id)
        self._children.stop(child, SHUTDOWN)
        if child.spec.restart == "temporary":
            self._children.remove(child)

    def restart(self, child_id: str) -> ActorRef[Any]:
        """Starts a child that has no actor."""
        child = self._at_rest(child_id)
        try:
            return self._children.start(child)
        except StartError as error:
            self._children.stop_survivors(child)
            raise ChildRefused("start_failed", str(error)) from error

    def delete(self, child_id: str) -> None:
        """Forgets a child that has no actor."""
        self._children.remove(self._at_rest(child_id))

    def _find(self, child_id: str) -> Child:
        child = self._children.find(child_id)
        if child is None:
            raise ChildRefused("not_found", child_id)
        return child

    def _at_rest(self, child_id: str) -> Child:
        child = self._find(child_id)
        if child.state == "running" or child.state == "restarting":
            raise ChildRefused(child.state, child_id)
        return child


def which(views: tuple[ChildView, ...]) -> tuple[ChildInfo, ...]:
    """The answer of `which_children`."""
    return tuple(
        ChildInfo(view.id, "restarting" if view.state == "restarting" else view.ref, view.kind, view.cls)
        for view in views
    )


def count(views: tuple[ChildView, ...]) -> ChildCount:
    """The answer of `count_children`."""
    supervisors = sum(view.kind == "supervisor" for view in views)
    return ChildCount(
        specs=len(views),
        active=sum(view.ref is not None and view.ref.is_alive() for view in views),
        supervisors=supervisors,
        workers=len(views) - supervisors,
    )
