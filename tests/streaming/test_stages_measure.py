"""Measuring: real numbers, each second and once at the end, and nothing it does can harm the stream."""

from __future__ import annotations

import logging

import pytest

from cortex_actors.chat import Chunk, Finish, FinishReason, Usage
from cortex_actors.streaming.meter import Meter, StreamMetrics, StreamState
from cortex_actors.streaming.pipeline import Batch
from cortex_actors.streaming.stages import SKIP, buffer, log_metrics, measure, transform, validate
from tests.streaming.stages_at_work import Bench, Clock, text_of, texts

END: Batch = (Usage(7, 2), Finish(FinishReason.STOP))


def _watched(bench: Bench, *arrivals: tuple[float, Batch]) -> None:
    for _ in bench.at(*arrivals):
        pass


def test_it_reports_each_second_also_when_nothing_comes_and_once_at_the_end() -> None:
    reports: list[StreamMetrics] = []
    bench = Bench([measure(reports.append)])
    _watched(bench, (0.25, texts("Ho", "la")), (3.5, texts("!")), (3.75, END))
    bench.received = 100
    bench.pipeline.finish("completed")
    bench.pipeline.finish("failed")
    assert [report.status for report in reports] == ["running"] * 3 + ["completed"]
    assert [report.duration_ms for report in reports] == [1000.0, 2000.0, 3000.0, 3750.0]
    assert [report.chunks_received for report in reports] == [2, 2, 2, 3]
    assert [report.bytes_received for report in reports] == [0, 0, 0, 100]


def test_the_last_report_holds_all_that_the_stream_was() -> None:
    reports: list[StreamMetrics] = []
    bench = Bench([measure(reports.append, every=None)], received=1234)
    _watched(bench, (0.25, texts("Ho")), (1.0, texts("la")), (8.0, END))
    assert reports == [], "without an interval there is none before the end"
    bench.pipeline.finish("completed")
    assert reports == [
        StreamMetrics(
            stream_id="stream_1",
            provider="mock",
            status="completed",
            duration_ms=8000.0,
            chunks_received=2,
            bytes_received=1234,
            errors=0,
            chunks_per_second=0.25,
            bytes_per_second=154.25,
            time_to_first_chunk_ms=250.0,
        )
    ]


@pytest.mark.parametrize(("status", "errors"), [("completed", 0), ("failed", 1), ("cancelled", 0)])
def test_the_end_is_told_by_its_name_and_a_failure_is_an_error(status: StreamState, errors: int) -> None:
    reports: list[StreamMetrics] = []
    bench = Bench([measure(reports.append)])
    bench.pipeline.run(iter([texts("Ho")]))
    bench.pipeline.finish(status)
    assert [(report.status, report.errors) for report in reports] == [(status, errors)]


def test_chunks_are_counted_before_any_stage_takes_them_away() -> None:
    bench = Bench([buffer(10), transform(lambda chunk: SKIP), measure(lambda metrics: None)])
    bench.through([texts("a", "b"), texts("c"), END])
    assert bench.passage.meter.snapshot().chunks_received == 3


def test_what_could_not_be_read_and_what_was_refused_are_errors() -> None:
    meter = Meter("stream_1", "mock", unreadable=lambda: 2)
    meter.rejected = 3
    assert meter.snapshot().errors == 5
    assert meter.snapshot("failed").errors == 6


def test_at_no_time_there_is_no_rate() -> None:
    metrics = Meter("stream_1", "mock", clock=Clock(), bytes_received=lambda: 10).snapshot()
    assert (metrics.chunks_per_second, metrics.bytes_per_second, metrics.duration_ms) == (0.0, 0.0, 0.0)
    assert metrics.time_to_first_chunk_ms is None


def test_figures_only_grow() -> None:
    reports: list[StreamMetrics] = []
    bench = Bench([measure(reports.append)])
    _watched(bench, *((n / 4, texts("x")) for n in range(40)))
    bench.pipeline.finish("completed")
    counts = [report.chunks_received for report in reports]
    assert len(reports) == 10
    assert counts == sorted(counts)
    assert counts[-1] == 40


def test_a_report_that_raises_is_logged_once_and_the_stream_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    told: list[StreamMetrics] = []

    def fragile(metrics: StreamMetrics) -> None:
        told.append(metrics)
        raise ValueError("oops")

    bench = Bench([measure(fragile, name="watcher"), validate(lambda chunk: None)])
    with caplog.at_level(logging.ERROR):
        said = [batch for _, batch in bench.at((0.0, texts("Ho")), (5.0, texts("la")))]
        bench.pipeline.finish("completed")
    assert text_of(said) == "Hola"
    assert len(told) == 1
    assert caplog.text.count("the stage watcher failed") == 1


def test_metrics_can_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench([log_metrics(every=None)], received=10)
    with caplog.at_level(logging.INFO):
        bench.through([(Chunk("Ho"),)])
        bench.pipeline.finish("cancelled")
    assert "stream_id=stream_1 provider=mock status=cancelled" in caplog.text
    assert "chunks_received=1 bytes_received=10" in caplog.text
