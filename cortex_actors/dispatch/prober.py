"""The prober: asks a provider for its model list now and then, which costs nothing, and tells its worker.

Runs on:   a thread of its own; blocks in the transport, where each wait has the probe's limit, and so has
           the whole answer.
Receives:  Probe, from its own timer; TermsChanged when a reload changed whom or how often it asks.
Sends:     ProbeResult to the provider's worker.

A probe that fails says something about the provider and nothing about us: it is a value. The interval
is jittered, so that many instances do not ask in step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import ProbeResult, TermsChanged
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import UpstreamError, UpstreamTimeout
from cortex_actors.metrics import Metrics
from cortex_actors.otp.actor import Actor
from cortex_actors.otp.timers import Timer
from cortex_actors.transport import Exchange

#: A probe's answer is read up to this size; a model list is far smaller, in bytes.
_MOST_BYTES = 4 * 2**20


class Probe:
    """Ask now."""


class Prober(Actor):
    """The free health probe of one provider."""

    def __init__(
        self,
        mandate: Mandate,
        metrics: Metrics,
        tell: Callable[[Provider, ProbeResult], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        self._mandate = mandate
        self._terms = mandate.terms
        self._metrics = metrics
        self._tell = tell
        self._clock = clock
        self._random = random or Random()
        self._exchange: Exchange | None = None
        self._next: Timer | None = None

    def init(self) -> None:
        self._ask_in(0.0)

    def handle(self, message: object) -> object:
        match message:
            case Probe():
                self._probe(self._terms)
            case TermsChanged():
                self._terms = self._mandate.terms
                self._ask_in(0.0)
            case _:
                self.unexpected(message)
        return None

    def kill(self) -> None:
        """Frees the thread from the provider's socket; any thread may call this."""
        if self._exchange is not None:
            self._exchange.cancel()

    def _probe(self, terms: Terms) -> None:
        provider = terms.provider
        result = self._ask(provider, terms.health.timeout)
        self._metrics.health_checked(provider.name, "ok" if result.failure_class is None else "failed")
        self._tell(provider, result)
        self._ask_in(terms.health.interval * self._random.uniform(0.9, 1.1))

    def _ask_in(self, seconds: float) -> None:
        """Sets the one timer anew; none for a provider that leaves, nor where nobody is to be asked."""
        if self._next is not None:
            self._next.cancel()
        asks = self._terms.health.interval > 0 and not self._terms.leaving
        self._next = self.send_after(seconds, Probe()) if asks else None

    def _ask(self, provider: Provider, limit: float) -> ProbeResult:
        keys = provider.settings.keys
        request = provider.adapter.health_request(key=keys[0].reveal() if keys else None)
        if request is None:
            return ProbeResult(upstream=provider.upstream)
        self._exchange = provider.transport.exchange(request, connect_timeout=limit, read_timeout=limit)
        try:
            return self._read(provider, self._exchange, limit)
        except UpstreamError as error:
            return ProbeResult((), error.failure_class, error.title, provider.upstream)
        finally:
            self._exchange = None

    def _read(self, provider: Provider, exchange: Exchange, limit: float) -> ProbeResult:
        deadline = self._clock() + limit
        response = exchange.open()
        try:
            if not 200 <= response.status < 300:
                body = response.read_error_body()
                raise provider.adapter.classify_failure(response.status, response.headers, body)
            listed = bytearray()
            while len(listed) < _MOST_BYTES and (data := response.read()):
                listed += data
                if self._clock() > deadline:
                    raise UpstreamTimeout("total", limit)
            return ProbeResult(provider.adapter.models(bytes(listed)), upstream=provider.upstream)
        finally:
            response.close()
