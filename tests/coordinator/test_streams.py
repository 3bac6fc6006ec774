"""The life of a stream: it is iterated or called back, and ends once, under the name of what happened."""

from __future__ import annotations

import gc
import logging
import threading
from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, Chunk, FinishReason, Message, TextPart, Usage
from cortex_actors.coordinator import Coordinator
from cortex_actors.errors import (
    InvalidRequest,
    SettingsError,
    StageFailed,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamFailure,
    UpstreamTimeout,
)
from cortex_actors.settings import Limits
from cortex_actors.streaming.meter import StreamMetrics
from tests.coordinator.asked import KEY, MESSAGES, as_text, chat, eventually, up_to_failure
from tests.coordinator.conftest import LIMIT
from tests.upstream import (
    Gate,
    Hang,
    ScriptedUpstream,
    Stream,
    black_hole,
    json_answer,
    ollama_stream,
    openai_stream,
    refused_url,
    sse_stream,
)
from tests.upstream.dialects import DIALECTS, Call, Said

WORDS = ("Ho", "la", " ", "wörld", "…")
TEXT = "".join(WORDS)


# -- to its end (E-1, E-6)


def test_a_stream_that_delivered_something_ends_as_completed(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, usage=(9, 5), model="m-2026")
    stream = chat(coordinator, upstream)
    assert [chunk.text for chunk in stream if chunk.text] == list(WORDS)
    status = stream.status
    assert (status.state, status.error) == ("completed", None)
    assert (status.finish, status.usage, status.model) == (FinishReason.STOP, Usage(9, 5), "m-2026")


def test_a_plain_loop_ends_when_the_answer_does(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS)
    stream = chat(coordinator, upstream)
    assert stream.text() == TEXT
    assert list(stream) == [], "and is over then"


def test_a_callback_gets_every_chunk_once_and_in_order(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    texts = [f"{number} " for number in range(500)]
    upstream.default = openai_stream(texts)
    got: list[str] = []
    stream = chat(coordinator, upstream, callback=lambda chunk: got.append(chunk.text))
    assert stream.wait(LIMIT).state == "completed"
    assert [text for text in got if text] == texts


def test_a_stream_with_a_callback_cannot_be_iterated_too(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS)
    stream = chat(coordinator, upstream, callback=lambda chunk: None)
    with pytest.raises(TypeError, match="gives its chunks to that"):
        next(stream)
    stream.wait(LIMIT)


def test_waiting_has_a_limit(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    stream = chat(coordinator, upstream, callback=lambda chunk: None)
    assert stream.wait(0.01).state == "running"
    stream.cancel()


def test_chunks_arrive_while_the_answer_is_being_written(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(1, Gate(gate))
    stream = chat(coordinator, upstream)
    assert next(stream).text == "Ho"
    gate.set()
    assert stream.text() == "la wörld…"


def test_a_whole_request_may_be_given(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS)
    request = ChatRequest((Message("user", (TextPart("Hola"),)),), temperature=0.25, max_tokens=7)
    assert chat(coordinator, upstream, messages=None, request=request).text() == TEXT
    body = upstream.request(0).json
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0.25, 7, "m")


def test_the_embedded_mock_needs_nothing(coordinator: Coordinator) -> None:
    assert coordinator.start_stream(provider="mock", messages=MESSAGES).text().startswith("You said: Hola")


# -- every dialect by its own parser (E-4, E-17), and whatever the network does to it (E-12, E-13)


@pytest.mark.parametrize("type", DIALECTS)
@pytest.mark.parametrize("buffer_chunks", [1, 3])
def test_every_dialect_is_understood_and_no_tail_is_lost(
    coordinator: Coordinator, upstream: ScriptedUpstream, type: str, buffer_chunks: int
) -> None:
    dialect = DIALECTS[type]
    dialect.script(upstream, "m", dialect.answer(Said(WORDS)))
    base = upstream.url if type in ("anthropic", "gemini", "cohere", "ollama") else f"{upstream.url}/v1"
    stream = chat(coordinator, upstream, provider=type, base_url=base, key=KEY, buffer_chunks=buffer_chunks)
    assert stream.text() == TEXT
    assert stream.status.finish is FinishReason.STOP
    assert stream.status.usage == Usage(9, 2)


def test_reasoning_calls_and_usage_are_told_apart_from_the_text(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:  # E-18
    dialect = DIALECTS["openai"]
    answer = dialect.answer(Said(("Ho", "la"), (Call("weather", {"city": "Bern"}),)))
    thought = sse_stream({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]})
    upstream.default = Stream((*thought.events, *answer.events), "text/event-stream")
    chunks = list(stream := chat(coordinator, upstream))
    assert "".join(chunk.text for chunk in chunks) == "Hola"
    assert "".join(chunk.reasoning for chunk in chunks) == "Hm."
    calls = [call for chunk in chunks for call in chunk.tool_calls]
    assert calls[0].name == "weather"
    assert "".join(call.arguments for call in calls) == '{"city": "Bern"}'
    assert stream.status.finish is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "travelling",
    [
        lambda stream: stream.in_pieces(1),
        lambda stream: stream.in_pieces(7).crlf(),
        lambda stream: stream.commented(": OPENROUTER PROCESSING"),
        lambda stream: stream.framed("close"),
        lambda stream: stream.framed("length").crlf().commented(),
    ],
    ids=["byte by byte", "CRLF", "comments", "until closed", "CRLF and comments"],
)
def test_how_the_bytes_travel_makes_no_difference(
    coordinator: Coordinator, upstream: ScriptedUpstream, travelling: Any
) -> None:
    upstream.default = travelling(openai_stream(WORDS))
    assert chat(coordinator, upstream).text() == TEXT


def test_a_last_line_without_a_line_end_is_not_lost(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:  # E-4
    whole = ollama_stream(WORDS)
    last = whole.events[-1].rstrip(b"\n")
    upstream.default = Stream((*whole.events[:-1], last), whole.content_type)
    stream = chat(coordinator, upstream, provider="ollama")
    assert (stream.text(), stream.status.state) == (TEXT, "completed")


# -- an honest end (E-7, E-12)


def test_the_providers_own_reason_to_stop_is_the_only_one(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, finish="length")
    stream = chat(coordinator, upstream)
    assert (stream.text(), stream.status.finish) == (TEXT, FinishReason.LENGTH)


def test_a_cut_stream_is_a_failure_and_its_error_is_no_text(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, finish=None, done=False)
    stream = chat(coordinator, upstream)
    got, error = up_to_failure(stream)
    assert got == list(WORDS)
    assert isinstance(error, TruncatedStream)
    assert (stream.status.state, stream.status.finish, stream.status.error) == ("failed", None, error)
    with pytest.raises(TruncatedStream):
        next(stream)


def test_every_chunk_before_a_failure_is_delivered(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, finish=None, done=False)
    got, error = up_to_failure(chat(coordinator, upstream, buffer_chunks=100))
    assert got == [TEXT], "what was buffered too"
    assert isinstance(error, TruncatedStream)


def test_an_error_inside_the_stream_is_an_error(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    first = openai_stream(["Ho"], finish=None, done=False)
    failure = sse_stream({"error": {"message": "overloaded", "type": "server_error", "code": 500}})
    upstream.default = Stream((*first.events, *failure.events), "text/event-stream")
    told: list[tuple[int | None, str]] = []
    stream = chat(coordinator, upstream, on_error=lambda status, body: told.append((status, body)))
    assert next(stream).text == "Ho"
    with pytest.raises(UpstreamFailure, match="overloaded"):
        next(stream)
    assert [body for _, body in told] == ["overloaded"]


def test_what_follows_the_reason_to_stop_takes_nothing_from_the_answer(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    whole = openai_stream(WORDS, done=False)
    upstream.default = whole.cut(len(whole.body))
    assert chat(coordinator, upstream).text() == TEXT


# -- failures are told (E-2: on_error)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_on_error_is_told_the_status_and_the_body(
    coordinator: Coordinator, upstream: ScriptedUpstream, status: int
) -> None:
    upstream.default = json_answer(status, {"error": {"message": "No."}})
    told: list[tuple[int | None, str]] = []
    stream = chat(coordinator, upstream, on_error=lambda *what: told.append(what))
    with pytest.raises(Exception):  # noqa: B017, PT011  (each status has an error of its own)
        stream.text()
    assert told == [(status, '{"error": {"message": "No."}}')]
    assert len(upstream.requests) == 1, "no second attempt that nobody asked for (E-16)"


def test_a_failure_without_an_answer_has_no_status(coordinator: Coordinator) -> None:
    told: list[tuple[int | None, str]] = []
    stream = coordinator.start_stream(
        f"{refused_url()}/v1", {}, {}, parse_chunk=as_text, on_error=lambda *what: told.append(what)
    )
    with pytest.raises(UpstreamConnectError):
        stream.text()
    assert told == [(None, "The provider could not be reached.")]


def test_on_error_is_called_in_the_background_too(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(500)
    told: list[int | None] = []
    stream = chat(
        coordinator, upstream, callback=lambda chunk: None, on_error=lambda status, body: told.append(status)
    )
    assert stream.wait(LIMIT).state == "failed"
    assert told == [500]


def test_on_error_hears_nothing_of_a_good_end_and_of_a_cancel(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    told: list[Any] = []
    upstream.enqueue(openai_stream(WORDS), openai_stream(WORDS).pause(1, Hang()))
    chat(coordinator, upstream, on_error=lambda *what: told.append(what)).text()
    chat(coordinator, upstream, on_error=lambda *what: told.append(what)).cancel()
    assert told == []


def test_an_on_error_that_raises_changes_nothing(
    coordinator: Coordinator, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.default = json_answer(500)
    stream = chat(coordinator, upstream, on_error=lambda status, body: 1 / 0)
    with pytest.raises(UpstreamFailure):
        stream.text()
    assert "on_error of" in caplog.text


def test_a_callback_that_raises_ends_the_stream_and_lets_go_of_the_provider(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    stream = chat(coordinator, upstream, callback=lambda chunk: 1 / 0)
    status = stream.wait(LIMIT)
    assert status.state == "failed"
    assert isinstance(status.error, StageFailed)
    assert status.error.stage == "callback"
    assert upstream.request(0).closed.wait(LIMIT)


# -- limits


def test_the_whole_stream_has_a_limit(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).paced(0.05).pause(3, Hang())
    got, error = up_to_failure(chat(coordinator, upstream, timeout=0.4))
    assert (got, error.code) == (["Ho", "la", " "], "total_timeout")
    assert upstream.request(0).closed.wait(LIMIT)


@pytest.mark.parametrize(
    ("answer", "limits", "limit"),
    [
        (openai_stream(WORDS).pause(0, Hang()), Limits(first_token=0.1), "first_token"),
        (openai_stream(WORDS).pause(1, Hang()), Limits(idle=0.1), "idle"),
    ],
)
def test_silence_has_limits(
    coordinator: Coordinator, upstream: ScriptedUpstream, answer: Stream, limits: Limits, limit: str
) -> None:
    upstream.default = answer
    with pytest.raises(UpstreamTimeout) as raised:
        chat(coordinator, upstream, limits=limits).text()
    assert raised.value.limit == limit
    assert upstream.request(0).closed.wait(LIMIT)


def test_comments_are_no_content(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    comments = tuple(b": still here\n\n" for _ in range(1000))
    answer = Stream((*openai_stream(["Ho"]).events[:1], *comments), "text/event-stream").paced(0.02)
    upstream.default = answer
    with pytest.raises(UpstreamTimeout, match="idle"):
        chat(coordinator, upstream, limits=Limits(idle=0.2)).text()


def test_a_connection_has_a_limit(coordinator: Coordinator) -> None:
    with black_hole() as url, pytest.raises(UpstreamTimeout, match="connect"):
        coordinator.start_stream(url, {}, {}, parse_chunk=as_text, limits=Limits(connect=0.1)).text()


def test_a_stream_that_nobody_takes_is_let_go_at_its_limit(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["x" * 10_000] * 1000)
    stream = chat(coordinator, upstream, timeout=0.2, window_bytes=1000)
    assert upstream.request(0).closed.wait(LIMIT)
    with pytest.raises(UpstreamTimeout, match="total"):
        stream.text()


# -- cancelled


def test_a_cancel_from_another_thread_ends_who_waits_and_reaches_the_provider(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    stream = chat(coordinator, upstream)
    assert next(stream).text == "Ho"
    canceller = threading.Timer(0.05, stream.cancel)
    canceller.start()
    assert list(stream) == []
    canceller.join()
    assert (stream.status.state, stream.status.error) == ("cancelled", None)
    assert upstream.request(0).closed.wait(LIMIT)


def test_a_cancel_before_the_first_byte_reaches_the_provider(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = [Hang()]
    stream = chat(coordinator, upstream)
    request = upstream.request(0)
    assert stream.cancel()
    assert request.closed.wait(LIMIT)
    assert list(stream) == []


def test_a_callback_may_cancel_its_own_stream(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(2, Hang())
    started, got = threading.Event(), list[str]()

    def callback(chunk: Chunk) -> None:
        started.wait(LIMIT)
        got.append(chunk.text)
        stream.cancel()

    stream = chat(coordinator, upstream, callback=callback)
    started.set()
    assert stream.wait(LIMIT).state == "cancelled"
    assert got == ["Ho"]


def test_what_is_over_cannot_be_cancelled(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS)
    stream = chat(coordinator, upstream)
    stream.text()
    assert not stream.cancel()
    assert stream.status.state == "completed"


def test_leaving_a_with_block_cancels(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    with chat(coordinator, upstream) as stream:
        assert next(stream).text == "Ho"
    assert stream.status.state == "cancelled"


def test_a_handle_that_nobody_holds_is_a_stream_that_nobody_takes(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    reports: list[StreamMetrics] = []
    for chunk in chat(coordinator, upstream, stream_id="left", on_metrics=reports.append):
        assert chunk.text == "Ho"
        break
    gc.collect()
    assert upstream.request(0).closed.wait(LIMIT)
    assert [report.status for report in reports] == ["cancelled"]
    status = coordinator.stream_status("left")
    assert status is not None
    assert status.state == "cancelled"


def test_a_coordinator_that_is_closed_lets_go_of_all(upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    coordinator = Coordinator()
    streams = [chat(coordinator, upstream, callback=lambda chunk: None) for _ in range(3)]
    eventually(lambda: len(upstream.requests) == 3)
    coordinator.close()
    assert [stream.wait(LIMIT).state for stream in streams] == ["cancelled"] * 3


# -- by its id


def test_ids_are_new_each_time_and_begin_alike(coordinator: Coordinator) -> None:
    streams = [coordinator.start_stream(provider="mock", messages=MESSAGES) for _ in range(20)]
    assert len({stream.id for stream in streams}) == 20
    assert all(stream.id.startswith("stream_") for stream in streams)
    for stream in streams:
        stream.text()


def test_a_stream_is_known_by_its_id_while_it_runs_and_after_it(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    stream = chat(coordinator, upstream, stream_id="mine")
    next(stream)
    running = coordinator.stream_status("mine")
    assert running is not None
    assert (running.id, running.state, running.metrics.chunks_received) == ("mine", "running", 1)
    assert coordinator.cancel_stream("mine")
    assert not coordinator.cancel_stream("mine")
    over = coordinator.stream_status("mine")
    assert over is not None
    assert over.state == "cancelled"


def test_an_id_that_nobody_knows_is_nobodys(coordinator: Coordinator) -> None:
    assert coordinator.stream_status("stream_unknown") is None
    assert not coordinator.cancel_stream("stream_unknown")


def test_two_streams_cannot_have_one_id_at_a_time(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS).pause(1, Hang())
    stream = chat(coordinator, upstream, stream_id="mine")
    with pytest.raises(InvalidRequest, match="mine is running already"):
        chat(coordinator, upstream, stream_id="mine")
    stream.cancel()


def test_only_so_many_streams_are_remembered(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cortex_actors.coordinator.coordinator._REMEMBERED", 2)
    for number in range(4):
        asked: dict[str, Any] = {"provider": "mock", "messages": MESSAGES, "stream_id": f"s{number}"}
        coordinator.start_stream(**asked).text()
    known = [coordinator.stream_status(f"s{number}") is not None for number in range(4)]
    assert known == [False, False, True, True]


# -- what cannot begin


@pytest.mark.parametrize(
    ("missing", "error", "complaint"),
    [
        ({}, InvalidRequest, "url or provider is missing"),
        ({"provider": "mock"}, InvalidRequest, "messages is missing"),
        ({"provider": "mock", "messages": []}, InvalidRequest, "messages must not be empty"),
        ({"provider": "mock", "messages": [{"role": "bot", "content": "x"}]}, InvalidRequest, r"\[0\].role"),
        ({"provider": "mock", "messages": [{"role": "user"}]}, InvalidRequest, r"\[0\].content"),
        ({"provider": "nobody", "messages": MESSAGES}, SettingsError, "is none of"),
        ({"provider": "openai_compatible", "messages": MESSAGES}, SettingsError, "base_url"),
        (
            {"provider": "openai_compatible", "messages": MESSAGES, "base_url": "http://127.0.0.1:9"},
            InvalidRequest,
            "model is missing",
        ),
        ({"url": "http://127.0.0.1:9/v1"}, InvalidRequest, "parse_chunk is missing"),
        ({"url": "ftp://127.0.0.1/", "parse_chunk": as_text}, InvalidRequest, "url must be"),
        ({"url": "http://127.0.0.1:9/", "parse_chunk": "x"}, InvalidRequest, "parse_chunk must be"),
        ({"provider": "mock", "messages": MESSAGES, "bufer_chunks": 2}, TypeError, "bufer_chunks"),
        ({"provider": "mock", "messages": MESSAGES, "buffer_chunks": 0}, InvalidRequest, "buffer_chunks"),
        ({"provider": "mock", "messages": MESSAGES, "buffer_interval": 0}, InvalidRequest, "buffer_interval"),
        ({"provider": "mock", "messages": MESSAGES, "timeout": 0}, InvalidRequest, "timeout"),
        ({"provider": "mock", "messages": MESSAGES, "on_invalid": "skip"}, InvalidRequest, "on_invalid"),
        ({"provider": "mock", "messages": MESSAGES, "window_bytes": 0}, InvalidRequest, "window_bytes"),
    ],
)
def test_what_cannot_begin_says_why(
    coordinator: Coordinator, missing: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        coordinator.start_stream(**missing)


# -- secrets (E-11)


def test_a_key_is_in_no_text_that_anybody_sees(
    coordinator: Coordinator, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.default = json_answer(400, {"error": {"message": f"bad key {KEY}"}})
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        stream = chat(coordinator, upstream, key=KEY, on_error=lambda status, body: told.append(body))
        with pytest.raises(Exception) as raised:  # noqa: PT011  (whatever it is, it must not say the key)
            stream.text()
    assert upstream.request(0).headers["authorization"] == f"Bearer {KEY}"
    for text in (str(raised.value), repr(stream), repr(stream.status), caplog.text, *told):
        assert KEY not in text


def test_a_header_of_ones_own_is_kept_secret_too(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(400, {"error": {"message": "bad token tok-12345678"}})
    told: list[str] = []
    stream = coordinator.start_stream(
        f"{upstream.url}/v1",
        {},
        {"Authorization": "Bearer tok-12345678"},
        parse_chunk=as_text,
        on_error=lambda status, body: told.append(body),
    )
    with pytest.raises(Exception):  # noqa: B017, PT011
        stream.text()
    assert told == ['{"error": {"message": "bad token [hidden]"}}']


# -- what is logged


def test_debug_lines_carry_the_stream_and_the_provider(
    coordinator: Coordinator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="cortex_actors.coordinator"):
        coordinator.start_stream(provider="mock", messages=MESSAGES, stream_id="mine").text()
    lines = [record for record in caplog.records if record.name.startswith("cortex_actors.coordinator")]
    assert [record.getMessage() for record in lines] == [
        "the stream mine begins",
        "the stream mine is completed: no error",
    ]
    assert {(record.stream_id, record.provider) for record in lines} == {("mine", "mock")}  # type: ignore[attr-defined]
