"""A stream behind its stages: what goes out, when, and how it ends; over real dispatchers and sockets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cortex_actors.chat import (
    AnswerEvent,
    AnswerInfo,
    Chunk,
    FinishReason,
    Recovered,
    Usage,
)
from cortex_actors.dispatch.messages import EndName
from cortex_actors.dispatch.staged import staged
from cortex_actors.dispatch.staging import Asked, Staging
from cortex_actors.dispatch.stream import Stream, collect
from cortex_actors.errors import ContentRejected, StageFailed, TruncatedStream
from cortex_actors.settings import RecoverySettings, ServerSettings
from cortex_actors.streaming.meter import StreamMetrics
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages import (
    SKIP,
    buffer,
    deny_patterns,
    max_chars,
    measure,
    timestamp,
    transform,
    validate,
)
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, Client, Plant, ask, provider, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, openai_stream

WORDS = ("Ho", "la", " ", "wörld")

QUICK = ServerSettings(caller_check=0.02, heartbeat=0.1)


def _open(plant: Plant, *stages: Stage, caller: Client | None = None, **changes: Any) -> Stream:
    """A stream whose answer passes these stages, whoever gives it."""
    who = caller or Client()
    dispatcher = plant.open(ask(**changes), who)
    names = tuple(stage.name for stage in stages)
    asked = Asked(Staging(dict(zip(names, stages, strict=True))), names)
    return Stream(
        "stream-1", "request-1", dispatcher, staged("stream-1", dispatcher, asked, who, plant.settings.server)
    )


def _first_text(stream: Stream) -> str:
    """The text of the first batch that has any."""
    return next(text for batch in stream if (text := text_of(batch)))


def _events(stream: Stream) -> list[AnswerEvent]:
    return [event for batch in stream for event in batch]


# -- what goes out


def test_the_text_behind_the_stages_is_the_answer(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS, usage=(9, 4))
    louder = transform(lambda chunk: Chunk(chunk.text.upper()))
    stream = _open(start(provider("one", upstream.url)), louder, buffer(100))
    events = _events(stream)
    assert [event.text for event in events if isinstance(event, Chunk)] == ["HOLA WÖRLD"]
    assert [type(event).__name__ for event in events][-2:] in (["Finish", "Usage"], ["Usage", "Finish"])
    assert stream.end is not None
    assert (stream.end.name, stream.end.usage) == (EndName.COMPLETE, Usage(9, 4))


def test_an_answer_that_is_collected_passes_the_same_stages(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["a sec", "ret"])
    hide = deny_patterns(patterns=["secret"], policy="replace", replacement="***")
    completion = collect(_open(start(provider("one", upstream.url)), hide))
    assert (completion.text, completion.end.finish) == ("a ***", FinishReason.STOP)


def test_what_stages_note_goes_along(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS)
    chunks = _events(_open(start(provider("one", upstream.url)), timestamp()))
    noted = [event.metadata for event in chunks if isinstance(event, Chunk) and event.text]
    assert len(noted) == len(WORDS)
    assert all(note and note["timestamp"].endswith("Z") for note in noted)


def test_without_stages_there_is_no_pipeline(start: Start, upstream: ScriptedUpstream) -> None:
    plant = start(provider("one", upstream.url))
    upstream.default = openai_stream(WORDS)
    dispatcher = plant.open()
    asked = Asked(Staging(), ())
    assert staged("stream-1", dispatcher, asked, Client(), plant.settings.server) is None


def test_it_may_be_left_and_taken_up_again(start: Start, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(2, Gate(gate))
    stream = _open(start(provider("one", upstream.url)), buffer(2))
    assert _first_text(stream) == "Hola"
    gate.set()
    assert "".join(text_of(batch) for batch in stream) == " wörld"
    assert list(stream) == []


# -- when it goes out


def test_a_buffer_waits_for_no_longer_than_its_interval_although_nothing_comes(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    stream = _open(start(provider("one", upstream.url)), buffer(100, interval=0.05))
    began = time.monotonic()
    assert _first_text(stream) == "Hola"
    assert time.monotonic() - began < 10, "the heartbeat alone would come after 15 s"
    stream.close()


def test_a_stream_that_is_held_back_still_gives_signs_of_life(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["x"] * 500).paced(0.02)
    stream = _open(start(provider("one", upstream.url), server=QUICK), buffer(10_000))
    batches = (batch for batch in stream if not any(isinstance(event, AnswerInfo) for event in batch))
    began = time.monotonic()
    assert [next(batches) for _ in range(3)] == [(), (), ()]
    assert time.monotonic() - began >= 0.25, "and not at every chunk that is held"
    stream.close()


def test_a_caller_that_leaves_while_everything_is_held_back_is_noticed(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["x"] * 2000).paced(0.005)
    client = Client()
    plant = start(provider("one", upstream.url))
    stream = _open(plant, transform(lambda chunk: SKIP), caller=client)
    threading.Timer(0.1, client.left.set).start()
    assert "".join(text_of(batch) for batch in stream) == ""
    assert plant.end_names == [EndName.CLIENT_GONE]
    assert upstream.request(0).closed.wait(LIMIT)


# -- how it ends


def test_a_validation_that_stops_ends_the_stream_with_its_error(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(3, Hang())
    plant = start(provider("one", upstream.url))
    stream = _open(plant, validate(lambda chunk: "bad" if chunk.text == "la" else None, name="calm"))
    assert "".join(text_of(batch) for batch in stream) == "Ho"
    assert stream.end is not None
    assert isinstance(stream.end.error, ContentRejected)
    assert stream.end.error.details == "The stage calm refused the answer: bad"
    assert [end.error for end in plant.ends] == [stream.end.error], "it is told once, under that name"
    assert upstream.request(0).closed.wait(LIMIT), "and the provider is let go"
    assert plant.view("one").failures == 0, "who did nothing wrong"


def test_a_stage_may_end_an_answer_of_which_the_provider_has_said_all(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho", "la"])
    plant = start(provider("one", upstream.url))
    stream = _open(plant, deny_patterns(patterns=["la$"], name="no-la"))
    with pytest.raises(ContentRejected):
        collect(stream)
    (end,) = plant.ends
    assert (end.name, end.finish) == (EndName.UPSTREAM_ERROR, None)
    assert end.error is not None
    assert end.error.code == "content_rejected"


def test_a_stage_that_raises_ends_its_stream_and_nothing_else(
    start: Start, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.default = openai_stream(WORDS)
    plant = start(provider("one", upstream.url))
    with pytest.raises(StageFailed) as raised:
        collect(_open(plant, transform(lambda chunk: 1 / 0, name="fragile")))  # type: ignore[arg-type,return-value]
    assert raised.value.details == "The stage fragile failed."
    assert "ZeroDivisionError" in caplog.text, "the bug is in the log"
    assert collect(_open(plant)).text == "Hola wörld", "and the gateway goes on"


def test_what_is_held_goes_out_before_a_failure_is_told(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS, finish=None, done=False)
    stream = _open(start(provider("one", upstream.url)), buffer(3), deny_patterns(patterns=["world.*x"]))
    assert [text for batch in stream if (text := text_of(batch))] == ["Hola ", "wörld"]
    assert stream.end is not None
    assert isinstance(stream.end.error, TruncatedStream)


def test_closing_it_ends_it(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    plant = start(provider("one", upstream.url))
    stream = _open(plant, buffer(100, interval=0.02))
    assert _first_text(stream) == "Hola"
    stream.close()
    assert list(stream) == []
    assert plant.end_names == [EndName.CLIENT_GONE]


# -- metrics


def _read(stream: Stream) -> None:
    for _ in stream:
        pass


def _close(stream: Stream) -> None:
    next(iter(stream))
    stream.close()
    stream.close()


@pytest.mark.parametrize(
    ("answer", "reading", "status", "errors"),
    [
        (openai_stream(WORDS), _read, "completed", 0),
        (openai_stream(WORDS, finish=None, done=False), _read, "failed", 1),
        (openai_stream(WORDS).pause(2, Hang()), _close, "cancelled", 0),
    ],
    ids=["completed", "failed", "cancelled"],
)
def test_metrics_tell_once_how_a_stream_ended_in_real_numbers(
    start: Start,
    upstream: ScriptedUpstream,
    answer: Any,
    reading: Callable[[Stream], None],
    status: str,
    errors: int,
) -> None:
    upstream.default = answer
    reports: list[StreamMetrics] = []
    reading(_open(start(provider("one", upstream.url)), measure(reports.append)))
    (report,) = reports
    assert (report.status, report.errors, report.stream_id, report.provider) == (
        *(status, errors),
        *("stream-1", "one"),
    )
    assert report.chunks_received >= 2
    assert report.bytes_received > 0
    if status == "completed":
        assert report.bytes_received == len(answer.body)
    assert report.time_to_first_chunk_ms is not None
    assert 0 < report.time_to_first_chunk_ms <= report.duration_ms


def test_metrics_come_each_second_also_while_the_provider_is_silent(
    start: Start, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(2, Gate(gate))
    reports: list[StreamMetrics] = []

    def note(report: StreamMetrics) -> None:
        reports.append(report)
        if len(reports) == 2:
            gate.set()

    _read(_open(start(provider("one", upstream.url)), measure(note)))
    assert [report.status for report in reports] == ["running", "running", "completed"]
    assert [report.chunks_received for report in reports[:2]] == [2, 2]


def test_what_was_taken_out_is_in_the_log(
    start: Start, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.default = openai_stream(WORDS)
    with caplog.at_level(logging.INFO):
        stage = max_chars(limit=2, name="short", policy="drop")
        assert collect(_open(start(provider("one", upstream.url)), stage)).text == "Hola "
    assert "the stage short took out 1 pieces of one answer" in caplog.text


# -- an answer that somebody else goes on with


def test_the_seam_is_placed_where_it_is_in_the_text_that_the_caller_has(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    whole = openai_stream(["Der", " Fluss", " fließt", " nach", " Norden", " und", " ab."])
    upstream.default = whole.cut(len(b"".join(whole.events[:4])))
    spare.default = whole
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=RecoverySettings(enabled=True),
    )
    twice = transform(lambda chunk: Chunk(chunk.text * 2))
    text, offsets = "", []
    for event in _events(_open(plant, twice)):
        if isinstance(event, Chunk):
            text += event.text
        elif isinstance(event, Recovered):
            offsets.append((event.offset, len(text)))
    assert text == "DerDer Fluss Fluss fließt fließt nach nach Norden Norden und und ab. ab."
    assert offsets == [(len("Der Fluss fließt nach") * 2,) * 2]
    assert plant.end_names == [EndName.RECOVERED]


def test_a_pattern_is_found_across_a_seam(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    whole = openai_stream(["The key of the house", " is sk-12", "34 and nothing else."])
    upstream.default = whole.cut(len(b"".join(whole.events[:2])))
    spare.default = whole
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=RecoverySettings(enabled=True),
    )
    hide = deny_patterns(patterns=[r"sk-\d{4}"], policy="replace", replacement="[key]")
    assert collect(_open(plant, hide)).text == "The key of the house is [key] and nothing else."


# -- flow control


def test_a_slow_caller_slows_the_provider_through_the_stages_too(
    start: Start, upstream: ScriptedUpstream
) -> None:
    whole = openai_stream(["x" * 20_000] * 2_000)
    upstream.default = whole
    server = ServerSettings(caller_check=0.02, window_bytes=100_000)
    stages: Sequence[Stage] = (
        transform(lambda chunk: chunk),
        deny_patterns(patterns=["secret", r"\d{4}"], policy="drop"),
        buffer(1_000_000),
    )
    stream = _open(start(provider("one", upstream.url), server=server), *stages)
    held = len(_first_text(stream))
    assert held < 400_000, "what stages hold is bounded"
    request, sent = upstream.request(0), -1
    while sent != request.sent:
        sent = request.sent
        time.sleep(0.2)
    assert sent < len(whole.body) / 4, "and the provider has to wait"
    assert held + sum(len(text_of(batch)) for batch in stream) == 40_000_000, "and nothing is lost"
