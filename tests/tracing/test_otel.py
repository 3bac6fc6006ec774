"""Spans and metrics, as OpenTelemetry's own exporters see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cortex_actors.tracing import AttemptTold, RequestTold
from cortex_actors.tracing.otel import OpenTelemetryTracer

FAILED = AttemptTold(1, "groq-primary", "groq", "llama", "upstream_failure", 503, 1000.0, 0.2)
GOOD = AttemptTold(2, "gemini-spare", "gemini", "flash", "complete", None, 1000.2, 0.8)

TOLD = RequestTold(
    operation="chat",
    asked_model="smart",
    model="flash",
    provider="gemini-spare",
    type="gemini",
    request_id="r-1",
    stream_id="s-1",
    began=1000.0,
    seconds=1.0,
    ttft=0.4,
    end="complete",
    error=None,
    finish="stop",
    prompt_tokens=7,
    completion_tokens=20,
    attempts=(FAILED, GOOD),
)


class Collected:
    """A tracer whose spans and metrics stay here."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer = OpenTelemetryTracer(
            "1.0", {"smart", "flash"}, SimpleSpanProcessor(self._exporter), self._reader
        )

    def spans(self) -> tuple[ReadableSpan, ...]:
        """All spans, the attempts before their request: they end first."""
        return self._exporter.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def collected() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.tracer.close()


def test_a_request_is_a_span_with_one_below_it_for_each_attempt(collected: Collected) -> None:
    collected.tracer.request_ended(TOLD)
    first, second, request = collected.spans()

    assert [span.name for span in (request, first, second)] == ["chat smart", "chat llama", "chat flash"]
    assert request.kind is SpanKind.SERVER
    assert {first.kind, second.kind} == {SpanKind.CLIENT}
    for attempt in (first, second):
        assert attempt.parent is not None
        assert attempt.parent.span_id == request.context.span_id
    assert (request.start_time, request.end_time) == (1_000_000_000_000, 1_001_000_000_000)
    assert (first.start_time, first.end_time) == (1_000_000_000_000, 1_000_200_000_000)


def test_a_request_says_what_the_conventions_ask_for(collected: Collected) -> None:
    collected.tracer.request_ended(TOLD)
    *_, request = collected.spans()

    assert dict(request.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "smart",
        "gen_ai.response.model": "flash",
        "gen_ai.response.id": "s-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.server.time_to_first_token": 0.4,
        "cortex.provider": "gemini-spare",
        "cortex.request_id": "r-1",
        "cortex.end": "complete",
        "cortex.attempts": 2,
    }
    assert request.status.status_code is StatusCode.UNSET


def test_a_failed_attempt_says_why(collected: Collected) -> None:
    collected.tracer.request_ended(TOLD)
    failed, *_ = collected.spans()

    said = dict(failed.attributes or {})
    assert (said["error.type"], said["http.response.status_code"]) == ("upstream_failure", 503)
    assert failed.status.status_code is StatusCode.ERROR


def test_a_failed_request_is_an_error_of_its_kind(collected: Collected) -> None:
    collected.tracer.request_ended(replace(TOLD, end="truncated", error="truncated_stream", finish=None))
    *_, request = collected.spans()

    assert request.status.status_code is StatusCode.ERROR
    assert dict(request.attributes or {})["error.type"] == "truncated_stream"


def test_the_trace_of_the_caller_is_gone_on_with(collected: Collected) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    collected.tracer.request_ended(replace(TOLD, traceparent=caller))
    *_, request = collected.spans()

    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{request.parent.span_id:016x}" == "b7ad6b7169203331"


@pytest.mark.parametrize("nonsense", ["", "hello", "00-0-0-00", "x" * 10_000])
def test_a_header_that_is_no_trace_begins_a_new_one(collected: Collected, nonsense: str) -> None:
    collected.tracer.request_ended(replace(TOLD, traceparent=nonsense))
    *_, request = collected.spans()

    assert request.parent is None


def test_the_metrics_are_those_of_the_conventions(collected: Collected) -> None:
    collected.tracer.request_ended(TOLD)

    (duration,) = collected.points("gen_ai.server.request.duration")
    (first_token,) = collected.points("gen_ai.server.time_to_first_token")
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in collected.points("gen_ai.client.token.usage")
    }
    assert (duration.count, duration.sum) == (1, 1.0)
    assert first_token.sum == 0.4
    assert tokens == {"input": 7, "output": 20}
    assert duration.attributes["gen_ai.provider.name"] == "gcp.gemini"


def test_callers_cannot_make_series_with_models_of_their_own(collected: Collected) -> None:
    for number in range(1000):
        collected.tracer.request_ended(
            replace(TOLD, asked_model=f"m{number}", model=f"n{number}", attempts=())
        )

    assert len(collected.points("gen_ai.server.request.duration")) == 1
