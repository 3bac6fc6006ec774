"""The prober: asks a provider for its model list now and then, which costs nothing, and tells its worker.

Runs on:   a thread of its own; blocks in the transport, where each wait has the probe's limit, and so has
           the whole answer.
Receives:  Probe, from its own timer.
Sends:     ProbeResult to the provider's worker.

A probe that fails says something about the provider and nothing about us: it is a value. The interval
is jittered, so that many instances do not ask in step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from cortex_actors.dispatch.messages import ProbeResult
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import UpstreamError, UpstreamTimeout
from cortex_actors.metrics import Metrics
from cortex_actors.otp.actor import Actor
from cortex_actors.settings import HealthSettings
from cortex_actors.transport import Exchange

#: A probe's answer is read up to this size; a model list is far smaller, in bytes.
_MOST_BYTES = 4 * 2**20


class Probe:
    """Ask now."""


class Prober(Actor):
    """The free health probe of one provider."""

    def __init__(
        self,
        provider: Provider,
        settings: HealthSettings,
        metrics: Metrics,
        tell: Callable[[ProbeResult], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        self._provider = provider
        self._settings = settings
        self._metrics = metrics
        self._tell = tell
        self._clock = clock
        self._random = random or Random()
        self._exchange: Exchange | None = None

    def init(self) -> None:
        if self._settings.interval > 0:
            self.send_after(0.0, Probe())

    def handle(self, message: object) -> object:
        if not isinstance(message, Probe):
            self.unexpected(message)
            return None
        result = self._ask()
        self._metrics.health_checked(self._provider.name, "ok" if result.failure_class is None else "failed")
        self._tell(result)
        self.send_after(self._settings.interval * self._random.uniform(0.9, 1.1), Probe())
        return None

    def kill(self) -> None:
        """Frees the thread from the provider's socket; any thread may call this."""
        if self._exchange is not None:
            self._exchange.cancel()

    def _ask(self) -> ProbeResult:
        keys = self._provider.settings.keys
        request = self._provider.adapter.health_request(key=keys[0].reveal() if keys else None)
        if request is None:
            return ProbeResult()
        limit = self._settings.timeout
        self._exchange = self._provider.transport.exchange(request, connect_timeout=limit, read_timeout=limit)
        try:
            return self._read(self._exchange, self._clock() + limit)
        except UpstreamError as error:
            return ProbeResult(failure_class=error.failure_class, error=error.title)
        finally:
            self._exchange = None

    def _read(self, exchange: Exchange, deadline: float) -> ProbeResult:
        response = exchange.open()
        try:
            if not 200 <= response.status < 300:
                body = response.read_error_body()
                error = self._provider.adapter.classify_failure(response.status, response.headers, body)
                return ProbeResult(failure_class=error.failure_class, error=error.title)
            listed = bytearray()
            while len(listed) < _MOST_BYTES and (data := response.read()):
                listed += data
                if self._clock() > deadline:
                    raise UpstreamTimeout("total", self._settings.timeout)
            return ProbeResult(models=self._provider.adapter.models(bytes(listed)))
        finally:
            response.close()
