"""Operators and actors: another incarnation of one, or none; refused where the tree cannot stand the loss.

Runs on:   the thread of the request, which waits for a supervisor, never for long.
Sends:     ReplaceChild and TerminateChild to supervisors.

A hung actor cannot hang its operator: its supervisor asks it to leave, pulls its kill hook and leaves it
behind, each within seconds; and what takes longer all the same is told as under way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from cortex_actors.errors import Conflict, GatewayBusy, NotFound, StillUnderWay
from cortex_actors.otp.actor import ActorRef
from cortex_actors.otp.errors import ActorUnavailable, CallTimeout, ChildRefused
from cortex_actors.otp.supervisor import replace_child, terminate_child
from cortex_actors.otp.tree import TreeNode

#: How long an order may take before its operator hears that it still does, in seconds: more than a supervisor
#: gives a child that does not leave.
_LONGEST = 10.0

#: What a supervisor is at while it obeys.
_OBEYING = frozenset({"ReplaceChild", "TerminateChild"})

#: Actors that nobody may terminate, and what to do instead; whoever is not here may be. First match.
_NEEDED: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile("cortex"), "It is the gateway itself: end the process instead, with SIGTERM."),
    (re.compile("registry"), "Without it actors that left would keep their names. It can be restarted."),
    (re.compile("watchdog"), "Without it nobody would notice an actor that hangs. It can be restarted."),
    (re.compile("providers|router|dispatchers"), "Without it no request is served. It can be restarted."),
    (re.compile("providers/[^/]+"), "Its streams would be cut. Drain the provider, or remove it."),
    (
        re.compile("providers/[^/]+/(worker|streams)"),
        "Its provider could not be asked any more. Drain the provider, or remove it. It can be restarted.",
    ),
)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What became of an order about an actor, and the actor as it is now."""

    result: Literal["restarted", "terminated", "under_way"]
    actor: TreeNode | None


class Actors:
    """The hands of operators in the tree."""

    def __init__(self, tree: Callable[[], TreeNode]) -> None:
        self._tree = tree

    def restart(self, name: str) -> Obeyed:
        """Another incarnation of an actor, now. Raises NotFound, Conflict, StillUnderWay, GatewayBusy."""
        node, parent = self._find(name)
        if parent is None:
            raise Conflict(f"{name} is the gateway itself: restart the process instead.")
        if node.restart == "temporary":
            raise Conflict(f"{name} is there for one request alone, and nobody could go on in its place.")
        return self._obeyed("restarted", name, parent, node.id, replace_child)

    def terminate(self, name: str) -> Obeyed:
        """Stops an actor until somebody restarts it, one of a request for good. Raises as `restart`."""
        node, parent = self._find(name)
        for pattern, instead in _NEEDED:
            if pattern.fullmatch(name):
                raise Conflict(f"{name} is needed. {instead}")
        if parent is None:
            raise Conflict(f"{name} has no supervisor.")
        return self._obeyed("terminated", name, parent, node.id, terminate_child)

    def _obeyed(
        self,
        result: Literal["restarted", "terminated"],
        name: str,
        parent: TreeNode,
        child_id: str,
        order: Callable[[ActorRef[Any], str, float], object],
    ) -> Obeyed:
        if parent.ref is None:
            raise GatewayBusy(f"{parent.name} is being restarted, and {name} with it.")
        try:
            order(parent.ref, child_id, _LONGEST)
        except ActorUnavailable as error:
            raise GatewayBusy(f"{parent.name} is being restarted, and {name} with it.") from error
        except ChildRefused as refusal:
            if refusal.word == "not_found":
                raise NotFound(f"{name} has just left.") from refusal
            raise Conflict(f"{parent.name} refuses: {refusal}.") from refusal
        except CallTimeout as error:
            return self._late(name, parent.name, error)
        return Obeyed(result, self._seen(name))

    def _late(self, name: str, supervisor: str, error: CallTimeout) -> Obeyed:
        above = self._seen(supervisor)
        if above is not None and above.busy_with in _OBEYING:
            return Obeyed("under_way", self._seen(name))
        busy = above is not None and above.busy_for is not None
        at = f"has been at {above.busy_with} for {above.busy_for:.0f} s" if above and busy else "is away"
        raise StillUnderWay(f"{supervisor}, the supervisor of {name}, {at}.") from error

    def _find(self, name: str) -> tuple[TreeNode, TreeNode | None]:
        """An actor and its supervisor; None for the root. Raises NotFound with near names."""
        tree = self._tree()
        if tree.name == name:
            return tree, None
        for parent in tree.walk():
            for child in parent.children:
                if child.name == name:
                    return child, parent
        near = get_close_matches(name, sorted({node.name for node in tree.walk()}), n=3, cutoff=0.4)
        told = f" Near names: {', '.join(near)}." if near else ""
        raise NotFound(f"There is no actor {name!r}.{told}")

    def _seen(self, name: str) -> TreeNode | None:
        return next((node for node in self._tree().walk() if node.name == name), None)
