"""Life events: what becomes of the actors of a tree, for whoever keeps its chronicle.

    start_tree(specs, observer=chronicle.enter)

Runs on:   the observer is called on whatever thread it happens: it must be quick, and may not raise.

Normal ends of temporary actors are no event: they are as many as there are requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cortex_actors.otp.reasons import ExitReason

#: What can become of an actor: it left; it is there again; it could not be started again; it is too long at
#: one message; its thread was left behind; as a supervisor, it has no restarts left.
LifeKind = Literal["ended", "restarted", "not_restarted", "hung", "abandoned", "gave_up"]


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """What became of one incarnation; `reason` is why, None where it needs none."""

    kind: LifeKind
    #: Its path in the tree.
    name: str
    generation: int
    reason: ExitReason | None = None
    #: Whether it has a place in the tree of its own, and is no child of a dynamic supervisor.
    permanent: bool = True


Observer = Callable[[LifeEvent], object]
