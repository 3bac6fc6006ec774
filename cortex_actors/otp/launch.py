"""From a class to a living actor: construct, link, register, start, and wait until its `init` is done.

Runs on:   the starter's thread. When it cannot return a living actor it raises StartError, and nothing of the
           actor is left registered anywhere; one whose `init` hangs is abandoned.
Supervisors and rosters come in here; everybody else uses `actor.spawn`.
"""

from __future__ import annotations

import threading
from typing import Any

from pykka import ActorRef, ActorRegistry

from cortex_actors.otp.base_actor import Actor
from cortex_actors.otp.errors import StartError
from cortex_actors.otp.household import Household
from cortex_actors.otp.incarnation import Link
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.stopping import leave_behind


def construct(actor_class: type[Actor], args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Actor:
    """Makes an actor object, not yet alive; StartError when its constructor raises."""
    try:
        return actor_class(*args, **kwargs)
    except Exception as error:
        raise StartError(f"{name} could not be constructed: {type(error).__name__}: {error}") from error


def launch(
    actor: Actor,
    *,
    name: str,
    generation: int = 1,
    link: Link | None = None,
    household: Household | None = None,
    start_timeout: float | None = 5.0,
    hang_timeout: float | None = None,
) -> ActorRef[Any]:
    """Brings a constructed actor to life; see `spawn`."""
    incarnation = actor.incarnation
    incarnation.name = name
    incarnation.generation = generation
    incarnation.link = link
    incarnation.household = household
    incarnation.hang_timeout = actor.hang_timeout if hang_timeout is None else hang_timeout
    ActorRegistry.register(incarnation.ref)
    if actor.init_in_caller:
        _start_loop(actor)
    else:
        ready = threading.Event()
        incarnation.on_ready = ready.set
        _start_loop(actor)
        if not ready.wait(start_timeout) and not incarnation.initialised:
            too_slow = ExitReason(ExitKind.HUNG, f"init took longer than {start_timeout} s")
            incarnation.kill(too_slow)
            leave_behind(incarnation, too_slow)
    if not incarnation.initialised:
        cause = incarnation.reason.error if incarnation.reason is not None else None
        raise StartError(f"{name} did not start: {incarnation.reason}") from cause
    return incarnation.ref


def _start_loop(actor: Actor) -> None:
    try:
        actor._start_actor_loop()
    except Exception as error:
        raise StartError(f"{actor.name} did not start: {error}") from error
