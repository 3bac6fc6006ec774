"""One registry and everything that is counted in it, one method for each thing that happens.

One `Metrics` owns one registry, so that two gateways in one process, or two tests, never share a number.

Runs on:   any thread; once or twice for a request, never for a piece of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from cortex_actors.metrics.gaps import GapHistogram, Gaps
from cortex_actors.metrics.scraped import Read, ScrapedCounter, ScrapedGauge

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series each that says when the counter was made, and nothing else

#: Seconds; from a local model's first token to the longest answer.
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_FIRST_TOKENS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_OVERHEADS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)

#: The `provider` of a stream that reached none.
NOBODY = "none"

#: Ends under which the caller has the whole answer.
_WHOLE = frozenset({"complete", "recovered"})


class Metrics:
    """The counters and histograms of one gateway, and what is read for it when somebody looks."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, registry=registry)

        def seconds(name: str, what: str, bounds: Sequence[float]) -> Histogram:
            return Histogram(name, what, ["provider"], buckets=bounds, registry=registry)

        self._streams = counter(
            "cortex_streams", "Streams by provider and by how they ended.", "provider", "end"
        )
        self._requests = counter(
            "cortex_chat_requests", "Chat requests by provider and success.", "provider", "status"
        )
        self._duration = seconds("cortex_chat_duration_seconds", "Seconds from request to end.", _DURATIONS)
        self._ttft = seconds(
            "cortex_time_to_first_token_seconds", "Seconds from request to first content.", _FIRST_TOKENS
        )
        self._overhead = seconds(
            "cortex_overhead_seconds",
            "Seconds from request to its first attempt, which are ours.",
            _OVERHEADS,
        )
        self._gaps = GapHistogram(
            "cortex_inter_chunk_gap_seconds", "Seconds between two pieces of an answer; told at its end."
        )
        registry.register(self._gaps)
        self._tokens = counter(
            "cortex_tokens", "Tokens as providers count them, by kind; told at the end.", "provider", "kind"
        )
        self._attempts = counter(
            "cortex_attempts",
            "Attempts by provider and outcome; told when they are over.",
            "provider",
            "outcome",
        )
        self._retries = counter("cortex_retries", "Further attempts on the same provider.", "provider")
        self._failovers = counter(
            "cortex_failovers", "Attempts on another provider, by the one that failed.", "provider"
        )
        self._recoveries = counter(
            "cortex_recoveries", "Attempts to go on with an answer that broke off, by the provider asked.",
            "provider", "result",
        )  # fmt: skip
        self._refusals = counter(
            "cortex_refusals", "Requests that no attempt was made for, by reason.", "reason"
        )
        self._rate_limited = counter("cortex_rate_limited", "Requests over a caller's limit.", "limit")
        self._health_checks = counter(
            "cortex_workers_health_check", "Free health probes by worker and result.", "worker", "status"
        )
        self._breaker_moves = counter(
            "cortex_breaker_transitions", "Moves of circuit breakers, by where they went.", "provider", "to"
        )
        self._restarts = counter("cortex_actor_restarts", "Restarts of actors by their place.", "actor")
        self._exits = counter("cortex_actor_exits", "Ends of actors that nobody ordered, by kind.", "kind")
        self._reloads = counter("cortex_config_reloads", "Reloads of the settings by result.", "result")
        for result in ("applied", "refused"):
            self._reloads.labels(result)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    # -- streams

    def stream_ended(
        self,
        provider: str | None,
        end: str,
        duration: float,
        ttft: float | None,
        overhead: float | None = None,
        tokens: Mapping[str, int] | None = None,
    ) -> None:
        """Counts one stream, once, when it is over; times in seconds, tokens by kind."""
        who = provider or NOBODY
        self._streams.labels(who, end).inc()
        self._requests.labels(who, "success" if end in _WHOLE else "error").inc()
        self._duration.labels(who).observe(duration)
        if ttft is not None:
            self._ttft.labels(who).observe(ttft)
        if overhead is not None:
            self._overhead.labels(who).observe(overhead)
        for kind, number in (tokens or {}).items():
            self._tokens.labels(who, kind).inc(number)

    def attempt_ended(self, provider: str, outcome: str, gaps: Gaps) -> None:
        """Counts one attempt, once, when it is over."""
        self._attempts.labels(provider, outcome).inc()
        self._gaps.add(provider, gaps)

    def retried(self, provider: str) -> None:
        """Counts a further attempt on the same provider."""
        self._retries.labels(provider).inc()

    def failed_over(self, provider: str) -> None:
        """Counts an attempt on another provider than the one that failed."""
        self._failovers.labels(provider).inc()

    def recovered(self, provider: str, result: str) -> None:
        """Counts an attempt to go on with an answer: joined, refused, mismatched or failed."""
        self._recoveries.labels(provider, result).inc()

    def refused(self, reason: str) -> None:
        """Counts a request that no attempt was made for; the reason is the code of its error."""
        self._refusals.labels(reason).inc()

    def rate_limited(self, limit: Literal["requests", "tokens", "streams"]) -> None:
        """Counts a request that was over one of its caller's limits."""
        self._rate_limited.labels(limit).inc()

    # -- providers, actors, settings

    def health_checked(self, worker: str, status: str) -> None:
        """Counts one health probe."""
        self._health_checks.labels(worker, status).inc()

    def breaker_moved(self, provider: str, to: str) -> None:
        """Counts one move of a breaker of this provider."""
        self._breaker_moves.labels(provider, to).inc()

    def actor_restarted(self, name: str) -> None:
        """Counts one restart; the name is a place in the tree that settings make."""
        self._restarts.labels(name).inc()

    def actor_ended(self, kind: str) -> None:
        """Counts an end of an actor that nobody ordered."""
        self._exits.labels(kind).inc()

    def reloaded(self, *, applied: bool) -> None:
        """Counts a reload of the settings that was applied, or refused."""
        self._reloads.labels("applied" if applied else "refused").inc()

    # -- what is kept elsewhere

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody looks, from something published; it must not ask an actor."""
        self.registry.register(ScrapedGauge(name, description, (), lambda: [((), read())]))

    def gauges(self, name: str, description: str, labels: Sequence[str], read: Read) -> None:
        """The same with labels: one series for each reading."""
        self.registry.register(ScrapedGauge(name, description, labels, read))

    def counters(self, name: str, description: str, labels: Sequence[str], read: Read) -> None:
        """The same for figures that only grow."""
        self.registry.register(ScrapedCounter(name, description, labels, read))

    def render(self) -> tuple[bytes, str]:
        """The text exposition and its Content-Type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
