"""Every option does what it says, with every dialect and with a URL of one's own (E-2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import Chunk, Finish, FinishReason, Usage
from cortex_actors.coordinator import DONE, SKIP, Coordinator, StreamMetrics
from cortex_actors.errors import ContentRejected, StageFailed, TruncatedStream
from cortex_actors.streaming.stages import Skip, deny_patterns
from tests.coordinator.asked import KEY, as_text, chat, raw
from tests.coordinator.conftest import LIMIT
from tests.upstream import Gate, Hang, ScriptedUpstream, openai_stream, sse_stream
from tests.upstream.dialects import DIALECTS, Said

WORDS = ("Ho", "la", " ", "world")


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest, upstream: ScriptedUpstream) -> dict[str, Any]:
    """How to ask in this dialect; it answers with WORDS."""
    dialect = DIALECTS[request.param]
    dialect.script(upstream, "m", dialect.answer(Said(WORDS)))
    bare = request.param in ("anthropic", "gemini", "cohere", "ollama")
    base = upstream.url if bare else f"{upstream.url}/v1"
    return {"provider": request.param, "base_url": base, "key": KEY}


def _texts(chunks: Iterator[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks if chunk.text]


# -- with every dialect


def test_chunks_are_transformed_and_skipped(
    coordinator: Coordinator, upstream: ScriptedUpstream, dialect: dict[str, Any]
) -> None:
    def louder(chunk: Chunk) -> Chunk | Skip:
        return SKIP if chunk.text == "la" else replace(chunk, text=chunk.text.upper())

    stream = chat(coordinator, upstream, **dialect, transform_chunk=louder)
    assert _texts(stream) == ["HO", " ", "WORLD"]
    assert stream.status.finish is FinishReason.STOP, "which no transform can swallow"
    assert stream.status.usage == Usage(9, 2)


def test_chunks_are_validated(
    coordinator: Coordinator, upstream: ScriptedUpstream, dialect: dict[str, Any]
) -> None:
    def calm(chunk: Chunk) -> str | None:
        return "no worlds" if "world" in chunk.text else None

    dropped = chat(coordinator, upstream, **dialect, validate_chunk=calm, on_invalid="drop")
    assert _texts(dropped) == ["Ho", "la", " "]
    assert dropped.status.rejections == {"validate_chunk": 1}
    stopped = chat(coordinator, upstream, **dialect, validate_chunk=calm)
    with pytest.raises(ContentRejected, match="no worlds"):
        stopped.text()
    assert stopped.status.state == "failed"


def test_chunks_are_buffered_and_joined(
    coordinator: Coordinator, upstream: ScriptedUpstream, dialect: dict[str, Any]
) -> None:
    chunks = _texts(chat(coordinator, upstream, **dialect, buffer_chunks=100))
    assert chunks == ["Hola world"]


def test_metrics_are_real_numbers(
    coordinator: Coordinator, upstream: ScriptedUpstream, dialect: dict[str, Any]
) -> None:  # E-3
    reports: list[StreamMetrics] = []
    stream = chat(coordinator, upstream, **dialect, track_metrics=True, on_metrics=reports.append)
    stream.text()
    last = reports[-1]
    body = DIALECTS[dialect["provider"]].answer(Said(WORDS)).body
    unread = len(b"data: [DONE]\n\n")  # behind the last word of a dialect nothing need be read
    assert len(body) - unread <= last.bytes_received <= len(body), "as they came from the provider"
    assert last.chunks_received >= len(WORDS)
    assert (last.stream_id, last.provider, last.status) == (stream.id, dialect["provider"], "completed")
    assert (last.errors, last.duration_ms > 0, last.chunks_per_second > 0) == (0, True, True)
    assert last.time_to_first_chunk_ms is not None
    assert 0 < last.time_to_first_chunk_ms <= last.duration_ms


# -- metrics in time


def test_metrics_come_each_second_although_nothing_else_does(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    enough = threading.Event()
    upstream.default = openai_stream(WORDS).pause(2, Gate(enough))
    reports: list[StreamMetrics] = []

    def on_metrics(metrics: StreamMetrics) -> None:
        reports.append(metrics)
        if len(reports) == 2:
            enough.set()

    chat(coordinator, upstream, track_metrics=True, on_metrics=on_metrics).text()
    assert [report.status for report in reports] == ["running", "running", "completed"]
    assert [report.chunks_received for report in reports][:2] == [2, 2]
    assert [report.duration_ms > 900 * number for number, report in enumerate(reports[:2], 1)] == [True, True]
    for name in ("duration_ms", "chunks_received", "bytes_received"):
        figures = [getattr(report, name) for report in reports]
        assert figures == sorted(figures), f"{name} only grows"


def test_without_tracking_the_end_alone_is_told(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    reports: list[StreamMetrics] = []
    stream = chat(coordinator, upstream, on_metrics=reports.append, timeout=1.5)
    with pytest.raises(Exception, match="total limit"):
        stream.text()
    assert [(report.status, report.errors) for report in reports] == [("failed", 1)]


def test_a_cancel_is_told_as_one(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    reports: list[StreamMetrics] = []
    stream = chat(coordinator, upstream, track_metrics=True, on_metrics=reports.append)
    next(stream)
    stream.cancel()
    assert [report.status for report in reports] == ["cancelled"]


def test_metrics_that_cannot_be_told_harm_nobody(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS)
    stream = chat(coordinator, upstream, track_metrics=True, on_metrics=lambda metrics: 1 / 0)
    assert (stream.text(), stream.status.state) == ("Hola world", "completed")


# -- buffers in time


def test_a_buffer_waits_for_no_longer_than_its_interval(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(2, Gate(gate))
    stream = chat(coordinator, upstream, buffer_chunks=100, buffer_interval=0.05)
    assert next(stream).text == "Hola", "although the provider says nothing more"
    gate.set()
    assert stream.text() == " world"


def test_a_buffer_keeps_no_tail_of_a_stream_that_breaks(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, finish=None, done=False)
    got: list[str] = []
    stream = chat(coordinator, upstream, buffer_chunks=3, callback=lambda chunk: got.append(chunk.text))
    assert stream.wait(LIMIT).state == "failed"
    assert got == ["Hola ", "world"]


# -- stages


def test_any_stage_may_be_given(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["the sec", "ret is", " out"])
    hidden = deny_patterns(patterns=["secret"], policy="replace", replacement="***")
    assert chat(coordinator, upstream, stages=(hidden,)).text() == "the *** is out"


def test_a_transform_that_raises_ends_the_stream_with_its_name(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    stream = chat(coordinator, upstream, transform_chunk=lambda chunk: 1 / 0)
    with pytest.raises(StageFailed, match="The stage transform_chunk failed"):
        stream.text()
    assert upstream.request(0).closed.wait(LIMIT), "and the provider hears of it"


# -- parse_chunk


def test_a_function_reads_the_data_of_each_event(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = sse_stream("Ho", "la", "two\ndata: lines", "[DONE]", "never read")
    stream = raw(coordinator, upstream, as_text, provider="mine")
    assert _texts(stream) == ["Ho", "la", "two\nlines"]
    assert (stream.status.state, stream.status.finish) == ("completed", None), "no reason is made up"
    assert stream.status.provider == "mine"


def test_it_may_say_several_things_or_nothing(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    def parse_chunk(data: str) -> Any:
        if data == "ping":
            return None
        if data == "end":
            return [Chunk("!"), Usage(1, 2), Finish(FinishReason.LENGTH)]
        return (Chunk(data),)

    upstream.default = sse_stream("Ho", "ping", "la", "end")
    stream = raw(coordinator, upstream, parse_chunk)
    assert stream.text() == "Hola!"
    assert (stream.status.finish, stream.status.usage) == (FinishReason.LENGTH, Usage(1, 2))


def test_it_may_say_that_this_was_all(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = sse_stream("Ho", "la", "over", "never read").then(Hang())
    stream = raw(coordinator, upstream, lambda data: DONE if data == "over" else Chunk(data))
    assert (stream.text(), stream.status.state) == ("Hola", "completed")


def test_what_it_cannot_read_is_passed_over_and_counted(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    def parse_chunk(data: str) -> Chunk:
        if data == "{":
            raise ValueError("no JSON")
        return Chunk(data)

    upstream.default = sse_stream("Ho", "{", "la", "{", "[DONE]")
    stream = raw(coordinator, upstream, parse_chunk)
    assert stream.text() == "Hola"
    assert stream.status.metrics.errors == 2


@pytest.mark.parametrize("parse_chunk", [lambda data: {}[data], lambda data: 5, lambda data: [Chunk("x"), 5]])
def test_a_function_that_fails_ends_the_stream_with_its_name(
    coordinator: Coordinator, upstream: ScriptedUpstream, parse_chunk: Any
) -> None:
    upstream.default = sse_stream("Ho", "[DONE]")
    with pytest.raises(StageFailed, match="The stage parse_chunk"):
        raw(coordinator, upstream, parse_chunk).text()


def test_a_body_that_ends_without_a_word_was_cut(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = sse_stream("Ho", "la")
    with pytest.raises(TruncatedStream):
        raw(coordinator, upstream, as_text).text()


def test_request_and_headers_are_sent_as_given(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = sse_stream("[DONE]")
    coordinator.start_stream(
        f"{upstream.url}/v1/chat", {"prompt": "ñ"}, {"X-Api-Key": KEY, "accept": "a/b"}, parse_chunk=as_text
    ).text()
    request = upstream.request(0)
    assert (request.method, request.path, request.json) == ("POST", "/v1/chat", {"prompt": "ñ"})
    assert request.headers["x-api-key"] == KEY
    assert (request.headers["accept"], request.headers["content-type"]) == ("a/b", "application/json")
