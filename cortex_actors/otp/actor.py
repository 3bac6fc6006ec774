"""The door to the actors: the classes to write one with, and the ways to start, reach and end one.

    spawn(cls, ...)          starts it and returns when its `init` is done; StartError otherwise
    cast(ref, message)       never raises, never waits: what nobody takes is a dead letter
    call(ref, message, s)    always with a limit
    kill(ref, why)           now; its supervisor restarts it
    abandon(ref)             leaves a stuck one behind

Runs on:   the caller's thread. Pykka is imported by this package alone: `ActorRef` is had from here.
"""

from __future__ import annotations

import threading
from typing import Any

import pykka
from pykka import ActorDeadError, ActorRef

from cortex_actors.otp.base_actor import Actor
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import ActorUnavailable, CallTimeout, MailboxFull
from cortex_actors.otp.hosted_actor import HostedActor
from cortex_actors.otp.incarnation import Link, incarnation_of
from cortex_actors.otp.launch import construct, launch
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.stopping import leave_behind

__all__ = ["Actor", "ActorRef", "HostedActor", "abandon", "call", "cast", "kill", "spawn"]


def spawn(
    actor_class: type[Actor],
    *args: Any,
    name: str | None = None,
    link: Link | None = None,
    start_timeout: float | None = 5.0,
    **kwargs: Any,
) -> ActorRef[Any]:
    """Constructs an actor, links, registers and starts it, and waits until its `init` is done.

    Raises StartError when its constructor or its `init` raised, or took longer than `start_timeout` seconds.
    """
    name = name or actor_class.__name__
    return launch(
        construct(actor_class, args, kwargs, name), name=name, link=link, start_timeout=start_timeout
    )


def cast(ref: ActorRef[Any], message: object) -> bool:
    """Sends a message; False, and one dead letter more, when nobody takes it. Never raises, never waits."""
    try:
        ref.tell(message)
    except (ActorDeadError, MailboxFull):
        COUNTERS.dead_letter()
        return False
    return True


def call(ref: ActorRef[Any], message: object, timeout: float) -> Any:
    """Sends a message and waits for its answer at most `timeout` seconds.

    Raises ActorUnavailable, CallTimeout, or what the handler raised.
    """
    if incarnation_of(ref).thread_id == threading.get_ident():
        raise RuntimeError(f"{incarnation_of(ref).name} would wait for itself")
    try:
        return ref.ask(message, block=True, timeout=timeout)
    except ActorDeadError as error:
        raise ActorUnavailable(f"{incarnation_of(ref).name} is not there: {error}") from error
    except pykka.Timeout as error:
        raise CallTimeout(f"{incarnation_of(ref).name} did not answer in {timeout} s") from error


def kill(ref: ActorRef[Any], reason: str | ExitReason = "killed") -> bool:
    """Makes an actor leave as soon as its kill hook frees it; False when it had left already."""
    why = reason if isinstance(reason, ExitReason) else ExitReason(ExitKind.KILLED, reason)
    return incarnation_of(ref).kill(why)


def abandon(ref: ActorRef[Any], reason: ExitReason | None = None) -> bool:
    """Leaves a stuck actor behind: for everybody it has left, its callers are told, its thread is counted."""
    return leave_behind(incarnation_of(ref), reason or ExitReason(ExitKind.KILLED, "abandoned"))
