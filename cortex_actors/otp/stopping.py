"""How to stop an actor that has a thread: ask, pull its kill hook, leave it behind.

    1 Shutdown in the control lane        `shutdown` seconds        unless brutal_kill
    2 Kill, and the kill hook             KILL_GRACE seconds        frees practically every wait for I/O
    3 abandon                             at once                   a thread cannot be killed

Runs on:   the stopping thread: a supervisor's, a roster's, the watchdog's. Waits on the actors' own events.
Sends:     Shutdown, Kill.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from pykka import ActorRef

from cortex_actors.otp.incarnation import Incarnation, incarnation_of
from cortex_actors.otp.messages import Shutdown
from cortex_actors.otp.reasons import RESTARTING, ExitKind, ExitReason

#: Seconds to end by oneself, or one of OTP's two words.
ShutdownLimit = float | Literal["brutal_kill", "infinity"]

#: Seconds an actor has to let go once its kill hook was pulled.
KILL_GRACE = 1.0

#: Seconds the children of an abandoned supervisor have to end by themselves.
_ORPHAN_SHUTDOWN = 1.0

_TOO_SLOW = ExitReason(ExitKind.KILLED, "shutdown timeout")
_BRUTAL = ExitReason(ExitKind.KILLED, "brutal_kill")


def stop(ref: ActorRef[Any], shutdown: ShutdownLimit, reason: ExitReason) -> None:
    """Stops one actor; when it returns the actor has left, one way or another."""
    stop_together((ref,), shutdown, reason)


def stop_together(refs: Sequence[ActorRef[Any]], shutdown: ShutdownLimit, reason: ExitReason) -> None:
    """Stops actors at the same time, with one shared deadline: as long as the slowest, not as the sum."""
    remaining = [incarnation_of(ref) for ref in refs]
    if shutdown != "brutal_kill":
        for each in remaining:
            each.post(Shutdown(reason))
        remaining = _wait(remaining, None if shutdown == "infinity" else shutdown)
    for each in remaining:
        each.kill(_BRUTAL if shutdown == "brutal_kill" else _TOO_SLOW)
    for each in _wait(remaining, KILL_GRACE):
        leave_behind(each, each.kill_reason or _TOO_SLOW)


def leave_behind(incarnation: Incarnation, reason: ExitReason) -> bool:
    """Abandons an actor, and ends the children that an abandoned supervisor can no longer look after.

    They end before its own supervisor hears of it: the successor's children have the same names.
    """
    publish = incarnation.view

    def end_orphans() -> None:
        view = publish() if publish is not None else None
        if view is not None and not view.children_outlive:
            orphans = [child.ref for child in view.children if child.ref is not None]
            stop_together(orphans, _ORPHAN_SHUTDOWN, RESTARTING)

    return incarnation.abandon(reason, end_orphans)


def _wait(incarnations: Sequence[Incarnation], seconds: float | None) -> list[Incarnation]:
    """Waits until all have left, or the time is over; gives those that have not."""
    deadline = None if seconds is None else time.monotonic() + seconds
    for each in incarnations:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        each.ref.actor_stopped.wait(left)
    return [each for each in incarnations if not each.departed]
