"""What supervisors and actors say to one another: every message, immutable, in one file.

    supervisor   -> child         Shutdown                    control lane
    kill(ref)    -> actor         Kill                        control lane
    leaving actor -> supervisor   Exit, exactly one each      control lane
    leaving actor -> watchers     Down                        control lane
    supervisor   -> itself        TryAgain                    a timer: the back-off is over
    operator     -> supervisor    WhichChildren ... GetChildSpec, as calls

A `System` message bypasses the mailbox's bound and overtakes everything that waits there. Subclass it for a
message of your own that must do the same; keep their number bounded by something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pykka import ActorRef

from cortex_actors.otp.reasons import ExitReason

if TYPE_CHECKING:
    from cortex_actors.otp.child_spec import ChildSpec


class System:
    """A message of the control lane."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Shutdown(System):
    """Finish now: run `terminate`, then leave for this reason."""

    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Kill(System):
    """Leave as soon as the current message lets go; the kill hook has been pulled already."""

    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Exit(System):
    """An incarnation has left; its link hears of it exactly once."""

    ref: ActorRef[Any]
    name: str
    generation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Down(System):
    """A monitored actor has left, or had left already."""

    ref: ActorRef[Any]
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The back-off of a child is over; stale when its token is not that of the child's last wait."""

    id: str
    token: int


@dataclass(frozen=True, slots=True)
class WhichChildren:
    """Who are your children?"""


@dataclass(frozen=True, slots=True)
class CountChildren:
    """How many of each are they?"""


@dataclass(frozen=True, slots=True)
class StartChild:
    """Add this child and start it."""

    spec: ChildSpec


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Stop this child and keep its spec (a temporary child has none to keep)."""

    id: str


@dataclass(frozen=True, slots=True)
class RestartChild:
    """Start a stopped child again."""

    id: str


@dataclass(frozen=True, slots=True)
class ReplaceChild:
    """Stop this child if it runs, and start it anew at once; what lives in a roster below it is spared."""

    id: str


@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Forget the spec of a stopped child."""

    id: str


@dataclass(frozen=True, slots=True)
class GetChildSpec:
    """What is the spec of this child?"""

    id: str
