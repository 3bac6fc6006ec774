"""Streams: lazy, in order, honest about their end, and gone when nobody wants them."""

from __future__ import annotations

import gc
import statistics
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any, cast

import pytest

from cortex_actors.client import (
    APIError,
    ConnectionFailed,
    Event,
    StreamInterrupted,
    StreamResponse,
    TimedOut,
    Timeouts,
    UnexpectedAnswer,
)
from cortex_actors.client.errors import BadRequest
from tests.client import LONG, STREAM
from tests.client.conftest import Connect
from tests.upstream import (
    Chunk,
    Fin,
    Gate,
    Hang,
    Head,
    RecordedRequest,
    Reset,
    Script,
    ScriptedUpstream,
    Send,
    Step,
    Stream,
    json_answer,
    ndjson_stream,
    refused_url,
    sse_stream,
)


def _open(connect: Connect, endpoint: dict[str, Any] | None = None, **options: Any) -> StreamResponse:
    return connect({**STREAM, **(endpoint or {})}, **options).execute_stream("stream_chat")


def _data(events: Iterator[Event]) -> list[str | None]:
    return [event.data for event in events]


def test_a_response_tells_what_was_asked_and_what_came(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = Stream(
        sse_stream("a").events,
        "text/event-stream; charset=utf-8",
        headers={"X-Request-Id": "r", "Set-Cookie": "c"},
    )
    response = _open(connect)
    assert (response.status, response.request_id) == (200, "r")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.metadata["endpoint_id"] == "stream_chat"
    assert response.metadata["method"] == "POST"
    assert response.metadata["url"] == upstream.url + "/chat/completions"


def test_taking_three_reads_three(upstream: ScriptedUpstream, connect: Connect) -> None:
    never = threading.Event()
    upstream.default = sse_stream("1", "2", "3", "4").pause(3, Gate(never))
    with _open(connect) as response:
        assert _data(islice(response, 3)) == ["1", "2", "3"]
    assert upstream.request().closed.wait(LONG)


def test_events_are_handed_out_one_by_one_as_they_arrive(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    gates = [threading.Event() for _ in range(3)]
    stream = sse_stream("1", "2", "3")
    for number, gate in enumerate(gates):
        stream = stream.pause(number, Gate(gate))
    upstream.default = stream
    response = _open(connect)
    for number, gate in enumerate(gates):
        gate.set()
        assert next(response).data == str(number + 1)
    assert list(response) == []


@pytest.mark.parametrize("size", [1, 2, 7])
def test_events_do_not_depend_on_how_the_bytes_were_cut(
    upstream: ScriptedUpstream, connect: Connect, size: int
) -> None:
    stream = sse_stream({"a": "¡Ñandú! 👋"}, "two").crlf().commented().in_pieces(size)
    upstream.default = stream
    assert _data(_open(connect)) == ['{"a": "\\u00a1\\u00d1and\\u00fa! \\ud83d\\udc4b"}', "two"]


def test_lines_and_items_are_events_too(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-15: stream_format is applied.
    upstream.enqueue(ndjson_stream({"a": 1}, [2]), json_answer(200, [{"a": 1}, "ü", 3]))
    assert [event.json() for event in _open(connect, {"stream_format": "ndjson"})] == [{"a": 1}, [2]]
    assert [event.json() for event in _open(connect, {"stream_format": "json_array"})] == [{"a": 1}, "ü", 3]


def test_a_refusal_before_the_stream_is_a_typed_error_with_its_body(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-8: the original handed a JSON error to the SSE decoder, where it vanished.
    upstream.default = json_answer(400, {"error": {"message": "no such model"}})
    with pytest.raises(BadRequest, match="no such model") as error:
        _open(connect)
    assert error.value.data == {"error": {"message": "no such model"}}


def test_an_answer_that_is_no_stream_is_an_error(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-8: content type unchecked.
    upstream.default = json_answer(200, {"a": 1})
    with pytest.raises(UnexpectedAnswer, match="application/json, not a stream of sse"):
        _open(connect)


def test_nobody_listening_and_no_head_in_time_are_errors_of_the_call(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    with pytest.raises(ConnectionFailed):
        _open(connect, base_url=refused_url())
    upstream.default = [Hang()]
    with pytest.raises(TimedOut) as error:
        _open(connect, timeouts=Timeouts(first_byte=0.2, idle=0.2))
    assert error.value.limit == "first_byte"


def test_an_endpoint_that_does_not_stream_says_so(connect: Connect) -> None:
    with pytest.raises(APIError, match="this endpoint does not stream"):
        _open(connect, {"streaming": False})


@pytest.mark.parametrize("how", [Fin(), Reset()], ids=["fin", "reset"])
def test_a_stream_that_breaks_off_raises_behind_its_last_whole_event(
    upstream: ScriptedUpstream, connect: Connect, how: Step
) -> None:
    # P-6: the original ended as if all were well.
    events = (b"id: 7\ndata: one\n\n", b"data: two\n\n", b"data: half")
    upstream.default = Stream(events, "text/event-stream").cut(sum(map(len, events)), how)
    response = _open(connect)
    assert [next(response).data, next(response).data] == ["one", "two"]
    with pytest.raises(StreamInterrupted) as error:
        next(response)
    assert error.value.last_event_id == response.last_event_id == "7"
    assert response.error is error.value
    assert list(response) == [], "an iterator that raised is over"


def test_a_server_that_falls_silent_raises(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = sse_stream("a").then(Hang())
    response = _open(connect, timeouts=0.3)
    assert next(response).data == "a"
    with pytest.raises(TimedOut) as error:
        next(response)
    assert error.value.limit == "idle"
    assert upstream.request().closed.wait(LONG)


def test_the_total_limit_ends_a_stream_that_never_falls_silent(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    def endless(request: RecordedRequest) -> Script:
        return cast(Script, _endless(b"data: a\n\n"))

    upstream.default = endless
    with pytest.raises(TimedOut) as error:
        for _ in _open(connect, timeouts=Timeouts(total=0.3)):
            pass
    assert error.value.limit == "total"


def test_a_slow_consumer_is_not_an_idle_server(upstream: ScriptedUpstream, connect: Connect) -> None:
    slept = threading.Event()
    upstream.default = sse_stream("a", "b").pause(1, Gate(slept))
    response = _open(connect, timeouts=Timeouts(first_byte=30, idle=0.2))
    assert next(response).data == "a"
    assert not threading.Event().wait(0.5)  # the consumer takes longer than the server may
    slept.set()
    assert next(response).data == "b"


def test_an_event_that_is_too_large_ends_the_stream(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-10: no size limit.
    upstream.default = sse_stream("small", "x" * 5000)
    response = _open(connect, max_event_bytes=1000)
    assert next(response).data == "small"
    with pytest.raises(StreamInterrupted, match="larger than the limit of 1000 bytes") as error:
        next(response)
    assert not error.value.retriable


@pytest.mark.parametrize(
    ("framing", "events"), [("chunked", ["a", "[DONE]"]), ("length", ["a", "[DONE]"]), ("close", ["a"])]
)
def test_a_last_event_without_its_blank_line_counts_where_http_says_that_nothing_is_missing(
    upstream: ScriptedUpstream, connect: Connect, framing: Any, events: list[str]
) -> None:
    # P-10: many servers end so; where only the connection ends, it may have been cut.
    upstream.default = Stream((b"data: a\n\n", b"data: [DONE]"), "text/event-stream").framed(framing)
    assert _data(_open(connect)) == events


def test_an_array_that_is_not_closed_is_an_interrupted_stream(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = [
        Head(200, {"Content-Type": "application/json", "Content-Length": "6"}),
        Send(b"[1, 2,"),
    ]
    response = _open(connect, {"stream_format": "json_array"})
    assert _data(islice(response, 2)) == ["1", "2"]
    with pytest.raises(StreamInterrupted, match="ended before it was closed"):
        next(response)


def test_an_event_the_manifest_does_not_know_is_an_error_only_where_events_are_strict(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-15: event_types are applied.
    events = (b"event: delta\ndata: 1\n\n", b"data: [DONE]\n\n", b"event: odd\ndata: 2\n\n")
    upstream.default = Stream(events, "text/event-stream")
    known = {"event_types": ["delta"]}
    assert len(list(_open(connect, known))) == 3
    response = _open(connect, known, strict_events=True)
    assert _data(islice(response, 2)) == ["1", "[DONE]"]
    with pytest.raises(UnexpectedAnswer, match="knows no event 'odd'"):
        next(response)


# -- cancelling


@pytest.mark.parametrize("moment", ["while the consumer waits", "between two events", "before the first"])
def test_cancel_from_another_thread_ends_the_consumer(
    upstream: ScriptedUpstream, connect: Connect, moment: str
) -> None:
    # P-3: events went to the thread that opened the stream, and cancel told that one alone.
    upstream.default = sse_stream("a", "b").then(Hang())
    response = _open(connect)
    seen, waiting = list(islice(response, 1)), threading.Event()

    def consume() -> None:
        for event in response:
            seen.append(event)
            waiting.set()

    if moment == "while the consumer waits":
        thread = threading.Thread(target=consume)
        thread.start()
        assert waiting.wait(LONG)
        response.cancel()
        thread.join(LONG)
        assert not thread.is_alive()
        assert _data(iter(seen)) == ["a", "b"]
    else:
        response.cancel()
        assert list(response) == []
    assert response.is_cancelled
    assert response.error is None
    assert upstream.request().closed.wait(LONG)


def test_cancel_ends_a_blocked_iteration_within_a_quarter_of_a_second(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-3: it looked every now and then whether somebody had cancelled it, and never saw that one had.
    upstream.default = sse_stream("a").then(Hang())
    client, took = connect(STREAM), list[float]()
    for _ in range(9):
        response, blocked = client.execute_stream("stream_chat"), threading.Event()

        def consume(response: StreamResponse = response, blocked: threading.Event = blocked) -> float:
            for _ in response:
                blocked.set()
            return time.monotonic()

        with ThreadPoolExecutor(1) as consumer:
            end = consumer.submit(consume)
            assert blocked.wait(LONG)
            cancelled = time.monotonic()
            response.cancel()
            took.append(end.result(LONG) - cancelled)
    assert statistics.median(took) < 0.25  # a busy machine may delay one of them, not most


def test_cancel_returns_at_once_and_may_be_repeated(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = sse_stream("a").then(Hang())
    response = _open(connect)
    for _ in range(3):
        response.cancel()
    response.close()
    assert list(response) == []


def test_cancel_after_the_end_changes_nothing(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = Stream((b"id: 9\ndata: a\n\n",), "text/event-stream")
    response = _open(connect)
    list(response)
    response.cancel()
    assert response.last_event_id == "9"


def test_a_hundred_streams_are_cancelled_from_other_threads(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = sse_stream("a").then(Hang())
    client = connect(STREAM)
    streams = [client.execute_stream("stream_chat") for _ in range(100)]
    with ThreadPoolExecutor(100) as readers:
        ends = [readers.submit(list, stream) for stream in streams]
        for stream in streams:
            stream.cancel()
        for end in ends:
            end.result(LONG)
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


# -- the last event id


def test_the_last_event_id_is_known_at_every_moment_and_after_the_end(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-4: asking after the end crashed, when it is needed most. P-11: an id stays until it changes.
    events = (b"id: 1\ndata: a\n\ndata: b\n\nid: 3\ndata: c\n\n", b"id: 4\n\n")
    upstream.default = Stream(events, "text/event-stream")
    response = _open(connect)
    assert response.last_event_id == ""
    assert [(event.data, response.last_event_id) for event in islice(response, 2)] == [("a", "1"), ("b", "1")]
    assert next(response).id == "3"
    assert list(response) == []
    assert response.last_event_id == "4"


def test_it_is_known_after_a_cancel_and_counts_only_what_was_handed_out(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-4
    upstream.default = Stream((b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n",), "text/event-stream")
    response = _open(connect)
    next(response)
    response.cancel()
    assert response.last_event_id == "1"


def test_a_call_may_begin_behind_an_event(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-5: the option was ignored.
    upstream.default = sse_stream("a")
    response = connect(STREAM).execute_stream("stream_chat", last_event_id="evt-ü")
    assert upstream.request().headers["last-event-id"].encode("latin-1").decode() == "evt-ü"
    list(response)
    assert response.last_event_id == "evt-ü"


# -- nothing is left behind


def test_the_connection_of_a_stream_that_was_read_is_used_again(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = sse_stream("a")
    client = connect(STREAM)
    for _ in range(3):
        assert len(list(client.execute_stream("stream_chat"))) == 1
    assert upstream.accepted == 1


@pytest.mark.parametrize("way", ["never read", "left early", "an error in the loop", "forgotten"])
def test_a_stream_nobody_reads_on_is_closed(upstream: ScriptedUpstream, connect: Connect, way: str) -> None:
    # P-9: a stream that was never read left a process and a connection behind.
    upstream.default = sse_stream("a", "b").then(Hang())
    client = connect(STREAM, timeouts=Timeouts(first_byte=20, idle=25, total=30))

    def use() -> None:
        response = client.execute_stream("stream_chat")
        if way == "never read":
            response.close()
        elif way == "left early":
            with response:
                next(response)
        elif way == "an error in the loop":
            with suppress(ZeroDivisionError), response:
                for _ in response:
                    raise ZeroDivisionError

    use()
    gc.collect()
    assert upstream.request().closed.wait(LONG)
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_a_listener_that_raises_does_not_touch_the_stream(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-9: whatever fails inside must not take the caller along.
    def fail(event: object) -> None:
        raise ZeroDivisionError

    upstream.default = sse_stream("a", "b")
    assert _data(_open(connect, telemetry=[fail])) == ["a", "b"]


def test_a_stream_belongs_to_no_thread(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-3: opened here, read there, finished elsewhere.
    upstream.default = sse_stream("1", "2", "3")
    response = _open(connect)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        assert one.submit(next, response).result(LONG).data == "1"
        assert other.submit(next, response).result(LONG).data == "2"
        assert _data(one.submit(list, response).result(LONG)) == ["3"]  # type: ignore[arg-type]


def test_two_clients_of_one_manifest_do_not_share_anything(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-12: a pool that was named but missing selected one that belonged to nobody.
    upstream.default = sse_stream("a")
    one, other = connect(STREAM, transport=None), connect(STREAM, transport=None)
    one.close()
    assert _data(other.execute_stream("stream_chat")) == ["a"]
    assert _data(one.execute_stream("stream_chat")) == ["a"], "a closed client opens connections anew"


def _endless(event: bytes) -> Iterator[Step]:
    yield Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    while True:
        yield Chunk(event)


def test_a_slow_consumer_of_an_endless_stream_holds_little(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-7: every event was kept, as fast as the network brought it.
    upstream.default = lambda request: cast(Script, _endless(b"data: " + b"x" * 50_000 + b"\n\n"))
    response = _open(connect)
    next(response)
    tracemalloc.start()
    try:
        _wait_until_stalled(upstream)
        for _ in range(400):
            next(response)
        _wait_until_stalled(upstream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The upstream runs in this process too; what it sends is made once.
    assert peak < 10_000_000
    assert upstream.request().sent > 20_000_000
    response.close()


def _wait_until_stalled(upstream: ScriptedUpstream) -> None:
    """Returns when the upstream has not been able to send for a while: nobody announces a silence."""
    before = -1
    while before != (before := upstream.request().sent):
        threading.Event().wait(0.2)


def test_the_events_of_a_long_stream_are_not_kept(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-7: every event was appended to a list nobody read, at quadratic cost.
    upstream.default = lambda request: cast(Script, _endless(b"data: 0123456789\n\n" * 1000))
    response = _open(connect)
    tracemalloc.start()
    try:
        for _ in islice(response, 300_000):
            pass
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 10_000_000
    response.close()
