"""The tree of a gateway: which actor stands where, under whom, with which arguments.

    cortex            rest_for_one
    ├─ registry
    ├─ watchdog
    ├─ providers      one_for_one with back-off
    │  └─ NAME        one_for_all: streams (dynamic), worker, prober
    ├─ router
    ├─ dispatchers    dynamic: one dispatcher a running request
    └─ health

Runs on:   whoever starts the gateway, or changes its providers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cortex_actors.dispatch.health import Health
from cortex_actors.dispatch.mandate import Mandate
from cortex_actors.dispatch.prober import Prober
from cortex_actors.dispatch.provider_worker import ProviderWorker
from cortex_actors.dispatch.router import Router
from cortex_actors.dispatch.switchboard import ROUTER
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.roll import PROVIDERS
from cortex_actors.otp.actor import ActorRef
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor
from cortex_actors.otp.registry import Registry
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.watchdog import Watchdog


def root_specs(parts: Parts, root_ref: Callable[[], ActorRef[Any] | None]) -> tuple[ChildSpec, ...]:
    """The children of the root, in the order in which they start."""
    budget = parts.settings.supervision
    return (
        ChildSpec("registry", Registry, args=(parts.names,)),
        ChildSpec("watchdog", Watchdog, args=(root_ref, parts.liveness), kwargs=_fuse(budget.stall_limit)),
        ChildSpec(
            PROVIDERS,
            Providers,
            args=(parts,),
            kwargs={
                "backoff": Backoff(budget.backoff_min, budget.backoff_max, reset_after=budget.reset_after)
            },
            type="supervisor",
        ),
        ChildSpec(ROUTER, Router, args=(parts.board, parts.directory), hang_timeout=budget.hang_timeout),
        ChildSpec("dispatchers", DynamicSupervisor, args=(parts.dispatchers,), type="supervisor"),
        ChildSpec(
            "health",
            Health,
            args=(parts.board, parts.history, parts.chronicle),
            hang_timeout=budget.hang_timeout,
        ),
    )


class Providers(Supervisor):
    """The supervisor of the providers: of those that there are when it starts, whatever was reloaded."""

    def __init__(self, parts: Parts, backoff: Backoff) -> None:
        specs = tuple(provider_spec(parts, mandate) for mandate in parts.roll.mandates.values())
        super().__init__(specs, strategy="one_for_one", max_restarts=None, backoff=backoff)


def provider_spec(parts: Parts, mandate: Mandate) -> ChildSpec:
    """One provider's subtree, with a restart budget of its own."""
    provider, budget = mandate.terms.provider, parts.settings.supervision
    worker = ChildSpec(
        "worker",
        ProviderWorker,
        args=(mandate, parts.board, partial(parts.roll.dismiss, mandate), parts.chronicle.breakers_moved),
        hang_timeout=budget.hang_timeout,
    )
    prober = ChildSpec(
        "prober",
        Prober,
        args=(mandate, parts.metrics, parts.switchboard.tell),
        restart="transient",
        hang_timeout=budget.hang_timeout,
    )
    streams = ChildSpec("streams", DynamicSupervisor, args=(provider.streams,), type="supervisor")
    return ChildSpec(
        provider.name,
        Supervisor,
        args=((streams, worker, prober),),
        kwargs={
            "strategy": "one_for_all",
            "max_restarts": budget.max_restarts,
            "max_seconds": budget.max_seconds,
        },
        type="supervisor",
    )


def _fuse(limit: float) -> dict[str, Any]:
    """How long the interpreter may stand still before the process ends; no fuse at all when told so."""
    return {"limit": limit} if limit else {"arm": lambda limit: None, "disarm": lambda: None}
