"""The parts of a gateway that outlive every actor: made once, handed to each incarnation that needs them.

Runs on:   any thread; what changes in here is replaced by assignment, never edited in place.
"""

from __future__ import annotations

from cortex_actors.dispatch.health import StatusHistory
from cortex_actors.dispatch.models import ModelNames
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.metrics import Metrics
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.dynamic_supervisor import Roster
from cortex_actors.otp.registry import NameTable
from cortex_actors.otp.watchdog import Liveness
from cortex_actors.providers.catalog import create, transport_for
from cortex_actors.settings import ProviderSettings, Settings
from cortex_actors.transport import HTTPTransport


class Parts:
    """What the actors of one gateway share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.network = HTTPTransport()
        self.providers = {
            provider.name: self.provider(provider) for provider in settings.providers if provider.enabled
        }
        self.board = Board(tuple(self.providers.values()))
        self.history = StatusHistory()
        self.names = NameTable()
        self.dispatchers = Roster("dispatchers", settings.server.max_streams)
        self.switchboard = Switchboard(self.names, self.providers)
        self.model_names = ModelNames(settings.models, self._default_models())
        self.liveness = Liveness(settings.supervision.max_abandoned)
        self._publish_gauges()

    def provider(self, settings: ProviderSettings) -> Provider:
        """The fixed facts of one provider: its dialect, its road, the roster of its streams."""
        adapter = create(
            name=settings.name,
            type=settings.type,
            base_url=settings.base_url,
            headers=settings.headers,
            options=settings.options,
        )
        return Provider(
            name=settings.name,
            settings=settings,
            adapter=adapter,
            transport=transport_for(adapter) or self.network,
            streams=Roster(f"providers/{settings.name}/streams", settings.max_streams),
        )

    def close(self) -> None:
        """Closes every connection."""
        for provider in self.providers.values():
            provider.transport.close()

    def _default_models(self) -> dict[str, str]:
        return {
            name: provider.settings.model or next(iter(provider.settings.models), "")
            for name, provider in self.providers.items()
        }

    def _publish_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("cortex_streams_running", "Streams that run now.", lambda: self.dispatchers.count)
        gauge("cortex_dead_letters", "Messages nobody took.", lambda: COUNTERS.dead_letters)
        gauge("cortex_abandoned_threads", "Threads given up as hung.", lambda: COUNTERS.abandoned_now)
