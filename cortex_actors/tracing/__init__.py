"""Traces for OpenTelemetry: a span for each request and one for each of its attempts, and its GenAI metrics.

    told      what is told of a request that is over: plain values, no prompt and no answer among them
    otel      the exporter; the only user of opentelemetry, imported when `[tracing] endpoint` is set

May import: nothing of the project. Imported by: gateway.
"""

from cortex_actors.tracing.told import AttemptTold, RequestTold, Tracer

__all__ = ["AttemptTold", "RequestTold", "Tracer"]
