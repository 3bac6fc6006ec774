"""The parts of a gateway that outlive every actor: made once, handed to each incarnation that needs them.

    directory    the settings in force, the providers and their names: all of it replaced by one assignment
    roll         by what each provider's actors work; those of providers that still finish streams included

Runs on:   any thread; what changes in here is replaced by assignment, never edited in place.
"""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors import __version__
from cortex_actors.dispatch.directory import Current, Directory
from cortex_actors.dispatch.health import StatusHistory
from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.models import ModelNames
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.dispatch.staging import Staging
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import SettingsError
from cortex_actors.events import EventRing
from cortex_actors.gateway.audience import Audience
from cortex_actors.gateway.chronicle import Chronicle
from cortex_actors.gateway.rates import RateMeter
from cortex_actors.gateway.roll import Roll
from cortex_actors.gateway.views import StreamTable
from cortex_actors.metrics import Metrics
from cortex_actors.otp.dynamic_supervisor import Roster
from cortex_actors.otp.registry import NameTable
from cortex_actors.otp.watchdog import Liveness
from cortex_actors.providers.catalog import create, transport_for
from cortex_actors.rate_limits import Limiter, Target
from cortex_actors.settings import ProviderSettings, RedisSettings, Settings
from cortex_actors.tracing import Tracer
from cortex_actors.transport import HTTPTransport


class Parts:
    """What the actors of one gateway share."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self.events = EventRing()
        self.chronicle = Chronicle(self.events, self.metrics)
        self.audience = Audience(settings.server.max_followers)
        self.streams = StreamTable(lambda: self.settings)
        self.rates = RateMeter()
        self.tracer = _tracer(settings)
        self.network = HTTPTransport()
        providers = tuple(self.provider(each) for each in settings.providers if each.enabled)
        self.directory = Current(Directory.of(settings, providers, Staging.of(settings)))
        self.board = Board(providers)
        self.history = StatusHistory()
        self.names = NameTable()
        self.dispatchers = Roster("dispatchers", settings.server.max_streams)
        self.switchboard = Switchboard(self.names, self.providers)
        mandates = [Mandate(Terms.of(provider, settings)) for provider in providers]
        self.roll = Roll(mandates, self.switchboard, self.board, self.names)
        self.liveness = Liveness(settings.supervision.max_abandoned)
        self.limiter = Limiter(_redis(settings.redis), on_refused=self.metrics.rate_limited)
        self._publish_gauges()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.directory.value.settings

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Who is configured now."""
        return self.directory.value.providers

    @property
    def model_names(self) -> ModelNames:
        """What they may be asked for."""
        return self.directory.value.names

    def provider(self, settings: ProviderSettings, streams: Roster | None = None) -> Provider:
        """The fixed facts of one provider: its dialect, its road, the roster of its streams.

        Raises SettingsError when its dialect refuses what is said of it. One that had another form before
        keeps its roster, and with it the streams that run.
        """
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
            streams=streams or Roster(f"providers/{settings.name}/streams", settings.max_streams),
        )

    def close(self) -> None:
        """Closes every connection."""
        self.limiter.close()
        self.network.close()
        if self.tracer is not None:
            self.tracer.close()
        for provider in self.providers.values():
            provider.transport.close()

    def _publish_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge(
            "cortex_rate_limit_redis_lost",
            "1 while rate limits are counted in memory because Redis is lost.",
            lambda: self.limiter.lost,
        )
        self.metrics.counters(
            "cortex_rate_limit_redis_losses",
            "How often rate limits lost Redis.",
            (),
            lambda: [((), self.limiter.losses)],
        )


def _tracer(settings: Settings) -> Tracer | None:
    """Who makes traces; nothing of it is imported where nobody wants any."""
    if not settings.tracing.endpoint:
        return None
    try:
        from cortex_actors.tracing.otel import OpenTelemetryTracer
    except ImportError as error:
        mistake = f"tracing.endpoint needs the extra `otel` (pip install 'cortex-actors[otel]'): {error}"
        raise SettingsError((mistake,)) from error
    return OpenTelemetryTracer.to(settings.tracing.endpoint, __version__, _known_models(settings))


def _known_models(settings: Settings) -> frozenset[str]:
    """The models that the settings name: all that may have a series of their own."""
    of_providers = (name for each in settings.providers for name in (each.model, *each.models))
    return frozenset((*(model.name for model in settings.models), *of_providers))


def _redis(said: RedisSettings) -> Target | None:
    if not said.url:
        return None
    password = said.password.reveal() if said.password else None
    return Target(said.url, password, said.timeout, said.retry_every)
