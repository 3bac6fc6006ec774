"""What the gateway counts; the only user of prometheus-client.

One `Metrics` owns one registry, so that two gateways in one process, or two tests, never share a number.
Labels take values from settings and from our own enums only: no caller can add a series.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series each that says when the counter was made, and nothing else

#: Seconds; from a local model's first token to the longest answer.
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_FIRST_TOKENS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

#: The `provider` of a stream that reached none.
NOBODY = "none"


class Metrics:
    """Counters, gauges and histograms of one gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._streams = Counter(
            "cortex_streams", "Streams by provider and by how they ended.", ["provider", "end"],
            registry=self.registry,
        )  # fmt: skip
        self._requests = Counter(
            "cortex_chat_requests", "Chat requests by provider and success.", ["provider", "status"],
            registry=self.registry,
        )  # fmt: skip
        self._duration = Histogram(
            "cortex_chat_duration_seconds", "Seconds from request to end.", ["provider"],
            buckets=_DURATIONS, registry=self.registry,
        )  # fmt: skip
        self._ttft = Histogram(
            "cortex_time_to_first_token_seconds", "Seconds from request to first content.", ["provider"],
            buckets=_FIRST_TOKENS, registry=self.registry,
        )  # fmt: skip
        self._health_checks = Counter(
            "cortex_workers_health_check", "Free health probes by worker and result.", ["worker", "status"],
            registry=self.registry,
        )  # fmt: skip

    def stream_ended(self, provider: str | None, end: str, duration: float, ttft: float | None) -> None:
        """Counts one stream, once, when it is over; times in seconds."""
        who = provider or NOBODY
        self._streams.labels(who, end).inc()
        self._requests.labels(who, "success" if end in ("complete", "recovered") else "error").inc()
        self._duration.labels(who).observe(duration)
        if ttft is not None:
            self._ttft.labels(who).observe(ttft)

    def health_checked(self, worker: str, status: str) -> None:
        """Counts one health probe."""
        self._health_checks.labels(worker, status).inc()

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody looks, from something published; it must not ask an actor."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def render(self) -> tuple[bytes, str]:
        """The text exposition and its Content-Type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
