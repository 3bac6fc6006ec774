"""The gateway as one thing: settings in, a running actor tree out, and the few calls the front end makes.

Runs on:   whoever calls; `open_stream` on the request's own thread.
Receives:  calls only; it is no actor. It starts the tree, holds what outlives every actor, and stops it.

    cortex            rest_for_one
    ├─ registry
    ├─ watchdog
    ├─ providers      one_for_one with back-off
    │  └─ NAME        one_for_all: streams (dynamic), worker, prober
    ├─ router
    ├─ dispatchers    dynamic: one dispatcher a running request
    └─ health

Probes and views (`health`, `ready`, `live`, `tree`) read published snapshots and ask no actor.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.health import Health, OverallStatus, StatusHistory, overall
from cortex_actors.dispatch.messages import AttemptRecord, Caller, Cancel, EndName, ProviderView, StreamEnd
from cortex_actors.dispatch.models import KnownModel, ModelNames
from cortex_actors.dispatch.prober import Prober
from cortex_actors.dispatch.provider import Board, Provider
from cortex_actors.dispatch.provider_worker import ProviderWorker
from cortex_actors.dispatch.router import Router
from cortex_actors.dispatch.stream import Completion, Embeddings, Stream, collect, collect_vectors
from cortex_actors.dispatch.switchboard import ROUTER, Switchboard
from cortex_actors.errors import CortexError, GatewayBusy, GatewayDraining
from cortex_actors.metrics import Metrics
from cortex_actors.otp.actor import ActorRef, cast
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.errors import MaxChildren, NotAccepting
from cortex_actors.otp.registry import NameTable, Registry
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.tree import TreeNode
from cortex_actors.otp.watchdog import Liveness, Watchdog
from cortex_actors.providers.catalog import create, transport_for
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.settings import ProviderSettings, Settings
from cortex_actors.transport import HTTPTransport

_log = logging.getLogger(__name__)

#: How long a restarting supervisor is waited for, and how often it is looked for meanwhile, in seconds.
_PATIENCE = 1.5
_LOOK = 0.01

#: How long the tree may take to stop once nothing runs any more, in seconds.
_STOP = 10.0

#: How long streams that were told to end at the drain limit may take to say so, in seconds.
_FAREWELL = 2.0


@dataclass(frozen=True, slots=True)
class HealthView:
    """What GET /api/health tells; `since` is when each provider got its status, in epoch seconds."""

    status: OverallStatus
    providers: tuple[ProviderView, ...]
    since: dict[str, float]
    uptime: float

    @property
    def http_status(self) -> int:
        """200 while somebody can be asked, else 503."""
        return 200 if self.status in ("healthy", "degraded") else 503


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer to a liveness or readiness probe."""

    ok: bool
    reasons: tuple[str, ...] = ()


class Gateway:
    """A running gateway. Make one with `Gateway.start`; end it with `drain` and `stop`."""

    def __init__(self, settings: Settings, on_spent: Callable[[str], None]) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._clock = time.monotonic
        self._started = self._clock()
        self._draining = threading.Event()
        self._network = HTTPTransport()
        self._providers = {
            provider.name: self._provider(provider) for provider in settings.providers if provider.enabled
        }
        self._board = Board(tuple(self._providers.values()))
        self._history = StatusHistory()
        self._names = NameTable()
        self._dispatchers = Roster("dispatchers", settings.server.max_streams)
        self._switchboard = Switchboard(self._names, self._providers)
        self._model_names = ModelNames(settings.models, self._default_models())
        self._liveness = Liveness(settings.supervision.max_abandoned)
        self._root: Root | None = None
        self._root = start_tree(
            self._specs(),
            name="cortex",
            max_restarts=settings.supervision.max_restarts,
            max_seconds=settings.supervision.max_seconds,
            names=self._names,
            on_exit=lambda reason: on_spent(str(reason)),
        )
        self._publish_gauges()

    @classmethod
    def start(cls, settings: Settings, on_spent: Callable[[str], None] | None = None) -> Gateway:
        """Starts the whole tree; `on_spent` is told when the root gives up, and the process should end.

        Raises StartError when an actor does not come up; nothing is left running then.
        """
        gateway = cls(settings, on_spent or (lambda reason: None))
        for view in gateway.providers():
            _log.info("provider %s of type %s, priority %d", view.name, view.type, view.priority)
        if settings.demo:
            _log.warning("no provider is configured: the embedded mock answers every request")
        return gateway

    # -- requests

    def open_stream(self, request: ChatRequest | EmbeddingsRequest, caller: Caller) -> Stream:
        """Opens a stream; returns with its first content in hand. Raises the CortexError that it died of."""
        if self._draining.is_set():
            raise self._refused(GatewayDraining())
        stream_id = secrets.token_hex(16)
        try:
            dispatcher = self._host(request, caller, self._bookkeeper(stream_id, caller))
        except GatewayBusy as error:
            raise self._refused(error) from error
        dispatcher.open()
        return Stream(stream_id, caller.request_id, dispatcher)

    def _host(
        self,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        on_end: Callable[[StreamEnd], None],
    ) -> Dispatcher:
        """A dispatcher for this thread; while their supervisor is being restarted, that is waited for."""
        give_up = self._clock() + _PATIENCE
        while True:
            try:
                return self._dispatchers.host_child(
                    Dispatcher, self._switchboard, self.settings, request, caller, on_end
                )
            except MaxChildren as error:
                raise GatewayBusy(f"{error.max_children} streams are running.") from error
            except NotAccepting as error:
                if self._clock() >= give_up or self._draining.wait(_LOOK):
                    raise GatewayBusy("The gateway is recovering.") from error

    def complete(self, request: ChatRequest, caller: Caller) -> Completion:
        """A whole answer at once. Raises a CortexError unless it is whole."""
        stream = self.open_stream(request, caller)
        try:
            return collect(stream)
        finally:
            stream.close()

    def embed(self, request: EmbeddingsRequest, caller: Caller) -> Embeddings:
        """Vectors for texts. Raises a CortexError unless there is one for each."""
        stream = self.open_stream(request, caller)
        try:
            return collect_vectors(stream)
        finally:
            stream.close()

    # -- views and probes: published snapshots only

    def providers(self) -> tuple[ProviderView, ...]:
        """What each provider's worker published last."""
        return self._board.views()

    def models(self) -> tuple[KnownModel, ...]:
        """Every model name worth telling."""
        return self._model_names.listed(self._views_by_name())

    def model(self, name: str) -> KnownModel:
        """One model name, if a request may ask for it. Raises UnknownModel, with near names."""
        return self._model_names.known(name, self._views_by_name())

    def health(self) -> HealthView:
        """The state of all providers in one word, and of each."""
        views = self.providers()
        since = {name: when for name, (_, when) in self._history.since.items()}
        return HealthView(overall(views), views, since, self._clock() - self._started)

    @property
    def names(self) -> NameTable:
        """The living actors by their names in the tree."""
        return self._names

    def tree(self) -> TreeNode:
        """The supervision tree, as its supervisors published it."""
        assert self._root is not None
        return self._root.snapshot()

    def live(self) -> Probe:
        """Whether restarting this process would help: never because of a provider."""
        problems = self._liveness.problems()
        return Probe(not problems, problems)

    def ready(self) -> Probe:
        """Whether this process can serve something now."""
        reasons = list(self.live().reasons)
        if self._draining.is_set():
            reasons.append("draining")
        if self._dispatchers.count >= self.settings.server.max_streams:
            reasons.append("no free stream")
        if self.health().status in ("no_workers", "unhealthy"):
            reasons.append("no usable provider")
        return Probe(not reasons, tuple(reasons))

    def metrics_text(self) -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and their Content-Type."""
        return self.metrics.render()

    # -- the end

    def drain(self, hurry: threading.Event | None = None) -> None:
        """Takes no new streams, waits for the running ones up to the drain limit, then ends the rest.

        The rest get one honest error. Returns when no stream runs, or a moment after the limit.
        """
        self._draining.set()
        _log.info("draining: %d streams run", self._dispatchers.count)
        hurry = hurry or threading.Event()
        if not self._wait_until_idle(self.settings.server.drain_timeout, hurry):
            for child in self._dispatchers.children():
                if child.ref is not None:
                    # One error each: it will carry the story of its stream.
                    error = GatewayDraining("The gateway shut down before the answer was over.")
                    cast(child.ref, Cancel(EndName.SHUTDOWN, error))
            self._wait_until_idle(_FAREWELL, threading.Event())
        _log.info("drained: %d streams were left", self._dispatchers.count)

    def stop(self) -> None:
        """Stops every actor, the youngest first, and closes every connection."""
        self._draining.set()
        if self._root is not None:
            self._root.stop(_STOP)
        for provider in self._providers.values():
            provider.transport.close()

    def _views_by_name(self) -> dict[str, ProviderView]:
        return {view.name: view for view in self.providers()}

    def _wait_until_idle(self, limit: float, hurry: threading.Event) -> bool:
        give_up = self._clock() + limit
        while self._dispatchers.count and self._clock() < give_up and not hurry.wait(0.05):
            pass
        return not self._dispatchers.count

    # -- composition

    def _provider(self, settings: ProviderSettings) -> Provider:
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
            transport=transport_for(adapter) or self._network,
            streams=Roster(f"providers/{settings.name}/streams", settings.max_streams),
        )

    def _specs(self) -> tuple[ChildSpec, ...]:
        """The children of the root, in the order in which they start."""
        budget = self.settings.supervision
        return (
            ChildSpec("registry", Registry, args=(self._names,)),
            ChildSpec("watchdog", Watchdog, args=(self._root_ref, self._liveness), kwargs=self._fuse()),
            ChildSpec(
                "providers",
                Supervisor,
                args=(tuple(self._provider_spec(provider) for provider in self._providers.values()),),
                kwargs={
                    "strategy": "one_for_one",
                    "max_restarts": None,
                    "backoff": Backoff(
                        budget.backoff_min, budget.backoff_max, reset_after=budget.reset_after
                    ),
                },
                type="supervisor",
            ),
            ChildSpec(
                ROUTER,
                Router,
                args=(self._board, self._model_names, self.settings.routing.strategy),
                hang_timeout=budget.hang_timeout,
            ),
            ChildSpec("dispatchers", DynamicSupervisor, args=(self._dispatchers,), type="supervisor"),
            ChildSpec("health", Health, args=(self._board, self._history), hang_timeout=budget.hang_timeout),
        )

    def _root_ref(self) -> ActorRef[Any] | None:
        return self._root.ref if self._root is not None else None

    def _fuse(self) -> dict[str, Any]:
        """How long the interpreter may stand still before the process ends; no fuse at all when told so."""
        limit = self.settings.supervision.stall_limit
        return {"limit": limit} if limit else {"arm": lambda limit: None, "disarm": lambda: None}

    def _provider_spec(self, provider: Provider) -> ChildSpec:
        """One provider's subtree, with a restart budget of its own."""
        budget = self.settings.supervision
        worker = ChildSpec(
            "worker",
            ProviderWorker,
            args=(provider, self._board, self._breaker_limits(), self.settings.keys),
            hang_timeout=budget.hang_timeout,
        )
        prober = ChildSpec(
            "prober",
            Prober,
            args=(
                provider,
                self.settings.health,
                self.metrics,
                lambda result: self._switchboard.tell(provider, result),
            ),
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

    def _breaker_limits(self) -> BreakerLimits:
        said = self.settings.breaker
        return BreakerLimits(
            window=said.window,
            minimum_calls=said.minimum_calls,
            failure_rate=said.failure_rate,
            slow_first_token=said.slow_first_token,
            slow_rate=said.slow_rate,
            open_for=said.open_for,
            open_max=said.open_max,
        )

    def _default_models(self) -> dict[str, str]:
        return {
            name: provider.settings.model or next(iter(provider.settings.models), "")
            for name, provider in self._providers.items()
        }

    def _publish_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("cortex_streams_running", "Streams that run now.", lambda: self._dispatchers.count)
        gauge("cortex_dead_letters", "Messages nobody took.", lambda: COUNTERS.dead_letters)
        gauge("cortex_abandoned_threads", "Threads given up as hung.", lambda: COUNTERS.abandoned_now)

    # -- the books of requests

    def _bookkeeper(self, stream_id: str, caller: Caller) -> Callable[[StreamEnd], None]:
        def enter(end: StreamEnd) -> None:
            self.metrics.stream_ended(end.provider, end.name, end.duration, end.ttft)
            _log.log(
                _level(end),
                "stream ended as %s after %.0f ms: %s",
                end.name,
                end.duration * 1000,
                _story(end.attempts) or "nothing was tried",
                extra={"stream_id": stream_id, "request_id": caller.request_id},
            )

        return enter

    def _refused(self, error: CortexError) -> CortexError:
        """Counts a request that no dispatcher was started for."""
        name = EndName.SHUTDOWN if isinstance(error, GatewayDraining) else EndName.SHED
        self.metrics.stream_ended(None, name, 0.0, None)
        return error


def _level(end: StreamEnd) -> int:
    """By whose fault it ended: what went well has its line in the access log already."""
    quiet = (EndName.COMPLETE, EndName.RECOVERED, EndName.CLIENT_GONE)
    return logging.DEBUG if end.name in quiet else logging.WARNING


def _story(attempts: tuple[AttemptRecord, ...]) -> str:
    """What was tried, in order: `groq-primary 503 upstream_failure 12 ms, then ...`."""
    return ", then ".join(
        f"{attempt.provider} {attempt.status or ''} {attempt.outcome} {attempt.milliseconds} ms".replace(
            "  ", " "
        )
        for attempt in attempts
    )
