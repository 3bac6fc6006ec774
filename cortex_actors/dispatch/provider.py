"""What is fixed about one configured provider, and the board where its worker publishes what is not.

`Provider` outlives every actor that serves it: a restarted worker finds the same adapter, the same connection
pool and the same roster of running streams. The `Board` holds one immutable `ProviderView` a provider,
replaced by its worker with one assignment, so that the router, health and every page read without asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.otp.dynamic_supervisor import Roster
from cortex_actors.providers.adapter import Adapter
from cortex_actors.resilience.breaker_board import BreakerBoard
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KeyRing
from cortex_actors.settings import ProviderSettings
from cortex_actors.transport import Transport


@dataclass(frozen=True, slots=True)
class Provider:
    """One configured provider: its dialect, its road, its streams."""

    name: str
    settings: ProviderSettings
    adapter: Adapter
    transport: Transport
    streams: Roster

    @property
    def worker_name(self) -> str:
        """The name that its worker is registered under."""
        return f"providers/{self.name}/worker"


class Board:
    """The last view of each provider, in the order of the settings; written by workers, read by all."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._views = {provider.name: unseen(provider) for provider in providers}

    def publish(self, view: ProviderView) -> None:
        """Replaces a provider's view."""
        self._views[view.name] = view

    def view(self, name: str) -> ProviderView:
        """The last view of one provider; raises KeyError for one that is not configured."""
        return self._views[name]

    def views(self) -> tuple[ProviderView, ...]:
        """The last view of every provider."""
        return tuple(self._views.values())


def unseen(provider: Provider) -> ProviderView:
    """The view of a provider that nobody has heard of yet: unknown, which is not unavailable."""
    return ProviderView(
        name=provider.name,
        type=provider.settings.type,
        status="unknown",
        priority=provider.settings.priority,
        models=provider.settings.models,
        capabilities=provider.adapter.capabilities,
        in_flight=provider.streams.count,
        max_streams=provider.settings.max_streams,
        local=provider.settings.local,
        draining=False,
        requests=0,
        failures=0,
        mean_ttft=None,
        last_error=None,
        breakers=BreakerBoard(provider.name, BreakerLimits(), Random(0)).snapshot(0.0),
        keys=KeyRing((), Random(0)).snapshot(),
        weight=provider.settings.weight,
    )
