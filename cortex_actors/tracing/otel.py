"""The OpenTelemetry exporter: GenAI spans and metrics, made when a request is over, sent in the background.

    tracer = OpenTelemetryTracer.to("http://127.0.0.1:4318", known_models=frozenset({"smart"}))
    tracer.request_ended(told)      one span, with one below it for each attempt; three metrics
    tracer.close()

Runs on:   `request_ended` on the request's thread, where it only queues; exporters on threads of their own.
           A collector that does not answer costs spans, never a request.

Names follow the GenAI semantic conventions of OpenTelemetry. No prompt, no answer and no key is in them. A
model that nobody configured is called `_OTHER` in metrics, where each value is a series; spans have its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cortex_actors.tracing.told import AttemptTold, RequestTold

#: How long a collector may take to receive one parcel, retries included, in seconds.
_EXPORT = 2

#: How long the last spans may take to be sent at the end, in milliseconds.
_LAST_FLUSH = 2000

#: What the conventions call our types of providers, where it is not the type itself.
_PROVIDER_NAMES: Mapping[str, str] = {"gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}

#: The value for what would otherwise make a series of its own for each caller's idea.
_OTHER = "_OTHER"

#: As the conventions recommend, in seconds and tokens.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)

_DURATION = "gen_ai.server.request.duration"
_FIRST_TOKEN = "gen_ai.server.time_to_first_token"
_USAGE = "gen_ai.client.token.usage"

Attributes = dict[str, str | int | float | tuple[str, ...]]


class OpenTelemetryTracer:
    """Makes spans and metrics of requests that are over."""

    def __init__(
        self, version: str, known_models: Collection[str], spans: SpanProcessor, metrics: MetricReader
    ) -> None:
        resource = Resource.create({"service.name": "cortex-actors", "service.version": version})
        self._known_models = frozenset(known_models)
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._spans.add_span_processor(spans)
        self._metrics = MeterProvider(
            [metrics],
            resource=resource,
            shutdown_on_exit=False,
            views=[
                _buckets(_DURATION, _SECONDS),
                _buckets(_FIRST_TOKEN, _SECONDS),
                _buckets(_USAGE, _TOKENS),
            ],
        )
        self._tracer = self._spans.get_tracer("cortex_actors", version)
        meter = self._metrics.get_meter("cortex_actors", version)
        self._duration = meter.create_histogram(_DURATION, "s", "From a request to its end.")
        self._first_token = meter.create_histogram(_FIRST_TOKEN, "s", "From a request to its first content.")
        self._usage = meter.create_histogram(
            _USAGE, "{token}", "Tokens of an answer, as its provider counts."
        )

    @classmethod
    def to(cls, endpoint: str, version: str, known_models: Collection[str]) -> OpenTelemetryTracer:
        """One that sends to a collector, by OTLP over HTTP; the endpoint is its root."""
        root = endpoint.rstrip("/")
        return cls(
            version,
            known_models,
            BatchSpanProcessor(OTLPSpanExporter(f"{root}/v1/traces", timeout=_EXPORT)),
            PeriodicExportingMetricReader(OTLPMetricExporter(f"{root}/v1/metrics", timeout=_EXPORT)),
        )

    def request_ended(self, told: RequestTold) -> None:
        """Makes the spans and metrics of a request."""
        span = self._tracer.start_span(
            f"{told.operation} {told.asked_model or told.model or 'auto'}",
            context=_parent(told.traceparent),
            kind=SpanKind.SERVER,
            attributes=_request_attributes(told),
            start_time=_nanoseconds(told.began),
        )
        below = set_span_in_context(span)
        for attempt in told.attempts:
            self._attempt(told, attempt, below)
        _finish(span, told.error, told.began + told.seconds)
        self._measure(told)

    def close(self) -> None:
        """Sends the rest, for a moment, and ends."""
        self._spans.force_flush(_LAST_FLUSH)
        self._spans.shutdown()
        self._metrics.shutdown(_LAST_FLUSH)

    def _attempt(self, told: RequestTold, attempt: AttemptTold, context: Context) -> None:
        attributes: Attributes = {
            "gen_ai.operation.name": told.operation,
            "gen_ai.provider.name": _provider_name(attempt.type),
            "gen_ai.request.model": attempt.model,
            "cortex.provider": attempt.provider,
            "cortex.attempt": attempt.number,
        }
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        failed = None if attempt.outcome == "complete" else attempt.outcome
        if failed is not None:
            attributes["error.type"] = failed
        span = self._tracer.start_span(
            f"{told.operation} {attempt.model}",
            context=context,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=_nanoseconds(attempt.began),
        )
        _finish(span, failed, attempt.began + attempt.seconds)

    def _measure(self, told: RequestTold) -> None:
        attributes: dict[str, str] = {
            "gen_ai.operation.name": told.operation,
            "gen_ai.provider.name": _provider_name(told.type),
            "gen_ai.request.model": self._bounded(told.asked_model),
            "gen_ai.response.model": self._bounded(told.model),
        }
        if told.error is not None:
            attributes["error.type"] = told.error
        self._duration.record(told.seconds, attributes)
        if told.ttft is not None:
            self._first_token.record(told.ttft, attributes)
        for kind, number in (("input", told.prompt_tokens), ("output", told.completion_tokens)):
            if number is not None:
                self._usage.record(number, {**attributes, "gen_ai.token.type": kind})

    def _bounded(self, model: str | None) -> str:
        if model is None:
            return "auto"
        return model if model in self._known_models else _OTHER


def _request_attributes(told: RequestTold) -> Attributes:
    """What a span says of a request: only what there is."""
    said: dict[str, str | int | float | tuple[str, ...] | None] = {
        "gen_ai.operation.name": told.operation,
        "gen_ai.provider.name": _provider_name(told.type),
        "gen_ai.request.model": told.asked_model,
        "gen_ai.response.model": told.model,
        "gen_ai.response.id": told.stream_id,
        "gen_ai.response.finish_reasons": (told.finish,) if told.finish else None,
        "gen_ai.usage.input_tokens": told.prompt_tokens,
        "gen_ai.usage.output_tokens": told.completion_tokens,
        "gen_ai.server.time_to_first_token": told.ttft,
        "error.type": told.error,
        "cortex.provider": told.provider,
        "cortex.request_id": told.request_id,
        "cortex.end": told.end,
        "cortex.attempts": len(told.attempts),
    }
    return {name: value for name, value in said.items() if value is not None}


def _provider_name(type: str | None) -> str:
    return _PROVIDER_NAMES.get(type, type) if type else _OTHER


def _parent(traceparent: str | None) -> Context | None:
    """The caller's own span; a header that is none is passed over."""
    if traceparent is None:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _finish(span: Span, error: str | None, at: float) -> None:
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, error))
    span.end(_nanoseconds(at))


def _buckets(name: str, bounds: tuple[float, ...]) -> View:
    return View(instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(bounds))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
