"""What is fixed about one configured provider, and the board where its worker publishes what is not.

`Provider` outlives every actor that serves it: a restarted worker finds the same adapter, the same connection
pool and the same roster of running streams. The `Board` holds one immutable `ProviderBooks` a provider,
replaced by its worker with one assignment, so that the router, health and every page read without asking.

Runs on:   any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from cortex_actors.dispatch.messages import ProviderBooks, ProviderView
from cortex_actors.dispatch.prefill import PrefillMemory
from cortex_actors.otp.dynamic_supervisor import Roster
from cortex_actors.providers.adapter import Adapter
from cortex_actors.resilience.breaker_board import BreakerBoard
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KeyRing
from cortex_actors.resilience.provider_status import provider_status
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
    prefill: PrefillMemory = field(default_factory=PrefillMemory, compare=False)

    @property
    def worker_name(self) -> str:
        """The name that its worker is registered under."""
        return f"providers/{self.name}/worker"

    @property
    def upstream(self) -> tuple[str, str]:
        """Whom it speaks to: its dialect, and where that is spoken."""
        return self.settings.type, self.settings.base_url


class Board:
    """The books of each provider, in the order of the settings; written by workers, read by all."""

    def __init__(self, providers: Iterable[Provider], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._books: dict[str, ProviderBooks] = {}
        self._clock = clock

    def replace(self, providers: Iterable[Provider]) -> None:
        """Replaces who is configured; the books of who stays are kept."""
        self._providers = {provider.name: provider for provider in providers}

    def publish(self, name: str, books: ProviderBooks) -> None:
        """Replaces a provider's books."""
        self._books[name] = books

    def forget(self, name: str) -> None:
        """Drops the books of a provider whose worker has left for good."""
        self._books.pop(name, None)

    def view(self, name: str) -> ProviderView:
        """One provider now; raises KeyError for one that is not configured."""
        return self._view(self._providers[name])

    def views(self, providers: Iterable[Provider] | None = None) -> tuple[ProviderView, ...]:
        """These providers now, or every one that is configured."""
        return tuple(map(self._view, self._providers.values() if providers is None else providers))

    def _view(self, provider: Provider) -> ProviderView:
        books = self._books.get(provider.name) or _unwritten(provider)
        settings = provider.settings
        return ProviderView(
            name=provider.name,
            type=settings.type,
            # Both change while nothing happens at the worker: a breaker's wait ends, a stream begins.
            status=provider_status(books.breakers, books.keys, books.evidence, self._clock()),
            in_flight=provider.streams.count,
            priority=settings.priority,
            models=settings.models or books.discovered,
            capabilities=provider.adapter.capabilities,
            max_streams=settings.max_streams,
            local=settings.local,
            draining=provider.streams.draining,
            requests=books.requests,
            failures=books.failures,
            mean_ttft=books.mean_ttft,
            last_error=books.last_error,
            breakers=books.breakers,
            keys=books.keys,
            weight=settings.weight,
        )


def _unwritten(provider: Provider) -> ProviderBooks:
    """The books of a provider that nobody has heard of yet: unknown, which is not unavailable."""
    return ProviderBooks(
        breakers=BreakerBoard(provider.name, BreakerLimits(), Random(0)).snapshot(0.0),
        keys=KeyRing((), Random(0)).snapshot(),
    )
