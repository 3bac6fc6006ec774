"""Supervisors for tests: started alone, with a journal of their children."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cortex_actors.otp.actor import ActorRef, cast, kill, spawn
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.supervisor import Supervisor, which_children
from tests.otp.actors import LIMIT, Journal, Recorder, crash, worker


def supervise(specs: Sequence[ChildSpec], link: Recorder | None = None, **flags: Any) -> ActorRef[Any]:
    """A running supervisor; with a generous restart budget unless a test says otherwise."""
    flags.setdefault("max_restarts", 100)
    return spawn(Supervisor, specs, name="top", link=link, **flags)


def abc(journal: Journal, **flags: Any) -> list[ChildSpec]:
    """The specs of three permanent workers."""
    return [worker(child_id, journal, **flags) for child_id in "abc"]


def child(supervisor: ActorRef[Any], child_id: str) -> ActorRef[Any]:
    """The living actor of a child; asking also lets everything before it happen first."""
    refs = {info.id: info.ref for info in which_children(supervisor, LIMIT)}
    ref = refs[child_id]
    assert isinstance(ref, ActorRef), f"{child_id} is {ref}"
    return ref


def refs(supervisor: ActorRef[Any]) -> dict[str, object]:
    """What `which_children` says of each child."""
    return {info.id: info.ref for info in which_children(supervisor, LIMIT)}


def end(supervisor: ActorRef[Any], child_id: str, kind: ExitKind) -> None:
    """Ends a child in one of the five ways."""
    ref = child(supervisor, child_id)
    if kind is ExitKind.CRASHED:
        cast(ref, crash)
    elif kind is ExitKind.KILLED:
        kill(ref)
    else:
        cast(ref, lambda actor: actor.leave(ExitReason(kind)))
    assert ref.actor_stopped.wait(LIMIT)
