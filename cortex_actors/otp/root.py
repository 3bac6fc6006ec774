"""The root of a tree: how a whole tree is started, stopped, and noticed when it gives up.

    root = start_tree([ChildSpec("registry", Registry, args=(names,)), ...], on_exit=leave_the_process)
    root.stop(timeout=10)

Runs on:   the caller's thread; `on_exit` on the root supervisor's, as its last act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pykka import ActorRef

from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.household import Household
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.launch import construct, launch
from cortex_actors.otp.life import Observer
from cortex_actors.otp.messages import Shutdown
from cortex_actors.otp.name_table import NameTable
from cortex_actors.otp.reasons import SHUTDOWN, ExitReason
from cortex_actors.otp.strategies import Strategy
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.tree import TreeNode, snapshot


class Root:
    """A running tree."""

    def __init__(
        self, ref: ActorRef[Any], names: NameTable, on_exit: Callable[[ExitReason], object] | None
    ) -> None:
        self.ref = ref
        self.names = names
        self._on_exit = on_exit
        self._stopping = False
        incarnation_of(ref).watch("root", self._ended)

    @property
    def reason(self) -> ExitReason | None:
        """Why the tree ended; None while it runs."""
        return incarnation_of(self.ref).reason

    def stop(self, timeout: float | None = None) -> bool:
        """Stops everything, the last started first; False when that took longer than `timeout` seconds."""
        self._stopping = True
        incarnation_of(self.ref).post(Shutdown(SHUTDOWN))
        return self.join(timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Waits until the tree has ended, for whatever reason; False when it still runs."""
        return self.ref.actor_stopped.wait(timeout)

    def snapshot(self, *, temporary: bool = True) -> TreeNode:
        """The tree as it is now; see `tree.snapshot`."""
        return snapshot(self.ref, temporary=temporary)

    def _ended(self, reason: ExitReason) -> None:
        if not self._stopping and self._on_exit is not None:
            self._on_exit(reason)


def start_tree(
    specs: Sequence[ChildSpec],
    *,
    name: str = "root",
    strategy: Strategy = "rest_for_one",
    max_restarts: int = 3,
    max_seconds: float = 5.0,
    names: NameTable | None = None,
    on_exit: Callable[[ExitReason], object] | None = None,
    observer: Observer | None = None,
) -> Root:
    """Starts a tree, first to last; StartError names the child that did not come to life.

    `on_exit` is called when the tree ends by itself: then nothing is left but to leave the process.
    `observer` is told what becomes of its actors; see `life`.
    """
    household = Household(names, observer)
    flags = {"strategy": strategy, "max_restarts": max_restarts, "max_seconds": max_seconds}
    supervisor = construct(Supervisor, (tuple(specs),), flags, name)
    ref = launch(supervisor, name=name, household=household, start_timeout=None)
    return Root(ref, household.names, on_exit)
