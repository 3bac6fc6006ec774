"""Death watch: tells one actor when another has left, also when it had left before.

Runs on:   any thread.
Sends:     Down(ref, reason) into the watcher's control lane, once per watch.
"""

from __future__ import annotations

from typing import Any

from pykka import ActorRef

from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.messages import Down
from cortex_actors.otp.reasons import ExitReason


def monitor(ref: ActorRef[Any], watcher: ActorRef[Any]) -> None:
    """Sends `Down` to the watcher when the actor behind `ref` leaves; watching twice is watching once."""
    receiver = incarnation_of(watcher)

    def tell(reason: ExitReason) -> None:
        receiver.post(Down(ref, reason))

    incarnation_of(ref).watch(watcher.actor_urn, tell)


def demonitor(ref: ActorRef[Any], watcher: ActorRef[Any]) -> None:
    """Stops watching; a `Down` may already be on its way."""
    incarnation_of(ref).unwatch(watcher.actor_urn)
