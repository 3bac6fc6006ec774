"""A running gateway: the calls that the front end makes, and its end.

Runs on:   whoever calls; `open_stream` on the request's own thread.
Receives:  calls only; it is no actor. It starts the tree, holds what outlives every actor, and stops it.

Probes and views (`health`, `ready`, `live`, `tree`) read published snapshots and ask no actor.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from cortex_actors import __version__
from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.health import overall
from cortex_actors.dispatch.messages import Caller, Cancel, EndName, ProviderView
from cortex_actors.dispatch.models import KnownModel
from cortex_actors.dispatch.permission import Permission
from cortex_actors.dispatch.staged import staged
from cortex_actors.dispatch.stream import Completion, Embeddings, Stream, collect, collect_vectors
from cortex_actors.errors import GatewayBusy, GatewayDraining, InstanceLost
from cortex_actors.events import EventKind, EventRing
from cortex_actors.gateway.administration import Administration
from cortex_actors.gateway.audience import Audience
from cortex_actors.gateway.bookkeeping import Bookkeeper, RequestBook
from cortex_actors.gateway.composition import root_specs
from cortex_actors.gateway.gauges import publish, publish_journal
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.probes import HealthView, Probe
from cortex_actors.gateway.process import ProcessView
from cortex_actors.gateway.rates import RateMeter
from cortex_actors.gateway.reload import Listener, Read, Reload
from cortex_actors.gateway.resumable import Resumables
from cortex_actors.gateway.views import StreamTable
from cortex_actors.metrics import Metrics
from cortex_actors.otp.actor import cast
from cortex_actors.otp.errors import MaxChildren, NotAccepting
from cortex_actors.otp.registry import NameTable
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.tree import TreeNode
from cortex_actors.rate_limits import Limiter
from cortex_actors.settings import Settings

_log = logging.getLogger(__name__)

#: How long a restarting supervisor is waited for, and how often it is looked for meanwhile, in seconds.
_PATIENCE = 1.5
_LOOK = 0.01

#: How long the tree may take to stop once nothing runs any more, in seconds.
_STOP = 10.0

#: How long streams that were told to end at the drain limit may take to say so, in seconds.
_FAREWELL = 2.0


class Gateway:
    """A running gateway. Make one with `Gateway.start`; end it with `drain` and `stop`."""

    def __init__(self, settings: Settings, on_spent: Callable[[str], None], read: Read | None = None) -> None:
        self._clock = time.monotonic
        self._started = self._clock()
        self._draining = threading.Event()
        self._parts = Parts(settings)
        self._reload = Reload(self._parts, read)
        #: What operators may do.
        self.administration = Administration(self._parts, self._reload, self.tree)
        parts = self._parts
        self._books = Bookkeeper(parts.metrics, parts.events, parts.rates, parts.tracer)
        self._root: Root | None = None
        self._root = start_tree(
            root_specs(self._parts, lambda: self._root.ref if self._root is not None else None),
            name="cortex",
            max_restarts=settings.supervision.max_restarts,
            max_seconds=settings.supervision.max_seconds,
            names=self._parts.names,
            on_exit=lambda reason: on_spent(str(reason)),
            observer=parts.chronicle.lived,
        )
        self.resumable = Resumables(settings, self.open_stream)
        publish(parts, lambda: self.tree(temporary=False), self._draining.is_set)
        publish_journal(self.metrics, self.resumable)

    @classmethod
    def start(
        cls,
        settings: Settings,
        on_spent: Callable[[str], None] | None = None,
        read: Read | None = None,
    ) -> Gateway:
        """Starts the whole tree; `on_spent` is told when the root gives up, and the process should end.

        `read` gives the settings anew, for a reload; without it there is none. Raises StartError when an
        actor does not come up; nothing is left running then.
        """
        gateway = cls(settings, on_spent or (lambda reason: None), read)
        for view in gateway.providers():
            _log.info("provider %s of type %s, priority %d", view.name, view.type, view.priority)
        gateway.events.add(EventKind.STARTED, "the gateway has started", version=__version__)
        if settings.demo:
            _log.warning("no provider is configured: the embedded mock answers every request")
        return gateway

    # -- settings

    @property
    def settings(self) -> Settings:
        """The settings in force; read once for each request, as a reload replaces them."""
        return self._parts.settings

    def on_change(self, listener: Listener) -> None:
        """Calls the listener with the settings before and after, when others are in force."""
        self._reload.on_change(listener)

    # -- requests

    def open_stream(
        self, request: ChatRequest | EmbeddingsRequest, caller: Caller, *, delivered: str | None = None
    ) -> Stream:
        """Opens a stream; returns with its first content in hand. Raises the CortexError that it died of.

        `delivered` takes over a stream of somebody who is gone: it is all the text that the caller has of the
        answer, and the stream gives only what is new. See `Dispatcher`.
        """
        if self._draining.is_set():
            raise self._books.refused(GatewayDraining())
        directory = self._parts.directory.value
        asked = directory.staging.asked(request)
        if delivered is not None and asked is not None:
            # The caller has what the stages made of the text, and they may have made anything of it.
            raise InstanceLost("The answer passed stages, and nobody can go on behind them.")
        stream_id = secrets.token_hex(16)
        try:
            book = self._books.open(stream_id, request, caller, self._left)
            dispatcher = self._host(request, caller, book, delivered)
        except GatewayBusy as error:
            raise self._books.refused(error) from error
        self._parts.streams.enter(stream_id, caller, dispatcher)
        dispatcher.open()
        passed = None
        if asked is not None:
            passed = staged(stream_id, dispatcher, asked, caller, directory.settings.server)
        return Stream(stream_id, caller.request_id, dispatcher, passed)

    def _host(
        self,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        book: RequestBook,
        delivered: str | None,
    ) -> Dispatcher:
        """A dispatcher for this thread; while their supervisor is being restarted, that is waited for."""
        parts = self._parts
        give_up = self._clock() + _PATIENCE
        while True:
            try:
                return parts.dispatchers.host_child(
                    Dispatcher,
                    *(parts.switchboard, self.settings, request, caller, book.ended),
                    name=book.stream_id,
                    witness=book,
                    delivered=delivered,
                )
            except MaxChildren as error:
                raise GatewayBusy(f"{error.max_children} streams are running.") from error
            except NotAccepting as error:
                if self._clock() >= give_up or self._draining.wait(_LOOK):
                    raise GatewayBusy("The gateway is recovering.") from error

    def _left(self, stream_id: str) -> None:
        self._parts.streams.leave(stream_id)

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

    @property
    def metrics(self) -> Metrics:
        """The counters, gauges and histograms of this gateway."""
        return self._parts.metrics

    @property
    def limiter(self) -> Limiter:
        """What keeps callers within their share."""
        return self._parts.limiter

    @property
    def names(self) -> NameTable:
        """The living actors by their names in the tree."""
        return self._parts.names

    def providers(self) -> tuple[ProviderView, ...]:
        """What each provider's worker published last."""
        return self._parts.board.views()

    def models(self, may: Permission) -> tuple[KnownModel, ...]:
        """Every model name worth telling to a caller that may have this."""
        return self._parts.model_names.listed(self._views_by_name(), may)

    def model(self, name: str, may: Permission) -> KnownModel:
        """One model name, if a request may ask for it. Raises UnknownModel with near names, or Forbidden."""
        return self._parts.model_names.known(name, self._views_by_name(), may)

    def health(self) -> HealthView:
        """The state of all providers in one word, and of each."""
        views = self.providers()
        since = {name: when for name, (_, when) in self._parts.history.since.items()}
        return HealthView(overall(views), views, since, self._clock() - self._started)

    def tree(self, *, temporary: bool = True) -> TreeNode:
        """The supervision tree, as its supervisors published it; see `otp.tree.snapshot`."""
        assert self._root is not None
        return self._root.snapshot(temporary=temporary)

    @property
    def events(self) -> EventRing:
        """What happened lately."""
        return self._parts.events

    @property
    def audience(self) -> Audience:
        """The places for those who follow it."""
        return self._parts.audience

    @property
    def rates(self) -> RateMeter:
        """What happened in the last minute, in figures."""
        return self._parts.rates

    @property
    def running(self) -> StreamTable:
        """The streams that run."""
        return self._parts.streams

    def process(self) -> ProcessView:
        """This process, in figures."""
        parts = self._parts
        return ProcessView.now(
            mode=self.settings.server.mode,
            uptime=self._clock() - self._started,
            beat_age=parts.liveness.beat_age,
            draining=self._draining.is_set(),
            restarts=parts.events.counts[EventKind.ACTOR_RESTARTED],
            followers=parts.audience.taken,
        )

    def live(self) -> Probe:
        """Whether restarting this process would help: never because of a provider."""
        problems = self._parts.liveness.problems()
        return Probe(not problems, problems)

    def ready(self) -> Probe:
        """Whether this process can serve something now."""
        reasons = list(self.live().reasons)
        if self._draining.is_set():
            reasons.append("draining")
        if self._parts.dispatchers.count >= self.settings.server.max_streams:
            reasons.append("no free stream")
        notes = ["rate limits are counted in memory: Redis is lost"] if self.limiter.lost else []
        if self.resumable.lost:
            notes.append("streams are resumable here alone: Redis is lost")
        if self.health().status in ("no_workers", "unhealthy"):
            # No reason to send nothing here: all instances share the provider, and would all be out at once.
            notes.append("no usable provider")
        return Probe(not reasons, tuple(reasons), tuple(notes))

    def metrics_text(self) -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and their Content-Type."""
        return self.metrics.render()

    def _views_by_name(self) -> dict[str, ProviderView]:
        return {view.name: view for view in self.providers()}

    # -- the end

    def drain(self, hurry: threading.Event | None = None) -> None:
        """Takes no new streams, waits for the running ones up to the drain limit, then ends the rest.

        The rest get one honest error. Returns when no stream runs, or a moment after the limit.
        """
        self._draining.set()
        dispatchers = self._parts.dispatchers
        _log.info("draining: %d streams run", dispatchers.count)
        self.events.add(EventKind.DRAIN, "the gateway drains", level="warning", streams=dispatchers.count)
        hurry = hurry or threading.Event()
        idle = self._wait_until_idle(self.settings.server.drain_timeout, hurry)
        self.resumable.leave()
        if not idle:
            for child in dispatchers.children():
                if child.ref is not None:
                    # One error each: it will carry the story of its stream.
                    error = GatewayDraining("The gateway shut down before the answer was over.")
                    cast(child.ref, Cancel(EndName.SHUTDOWN, error))
            self._wait_until_idle(_FAREWELL, threading.Event())
        _log.info("drained: %d streams were left", dispatchers.count)
        self.events.add(EventKind.DRAIN, "the gateway has drained", streams=dispatchers.count)
        self.events.close()

    def stop(self) -> None:
        """Stops every actor, the youngest first, and closes every connection."""
        self._draining.set()
        self.events.close()
        self.resumable.leave()
        if self._root is not None:
            self._root.stop(_STOP)
        self.resumable.close()
        self._parts.close()

    def _wait_until_idle(self, limit: float, hurry: threading.Event) -> bool:
        give_up = self._clock() + limit
        dispatchers = self._parts.dispatchers
        while dispatchers.count and self._clock() < give_up and not hurry.wait(0.05):
            pass
        return not dispatchers.count
