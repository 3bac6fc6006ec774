"""Streams that break off and go on: every event once, in order, whatever is cut and wherever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest

from cortex_actors.client import (
    ConnectionFailed,
    InvalidCall,
    Reconnect,
    StreamInterrupted,
    StreamResponse,
    TimedOut,
    Timeouts,
)
from cortex_actors.client.errors import BadRequest
from cortex_actors.client.telemetry import TelemetryEvent
from tests.client import LONG, STREAM
from tests.client.conftest import Connect
from tests.upstream import (
    Fin,
    Gate,
    Hang,
    Head,
    RecordedRequest,
    Reset,
    Script,
    ScriptedUpstream,
    Step,
    Stream,
    json_answer,
    sse_stream,
)

EVENTS = tuple(f"id: {number}\nretry: 1\ndata: {number}\n\n".encode() for number in range(1, 8))
ALL = [str(number) for number in range(1, 8)]
QUICK = Reconnect(delay=0.001)


def _behind(request: RecordedRequest) -> int:
    return int(request.headers.get("last-event-id", 0))


def _cut_after(count: int, how: Step) -> Callable[[RecordedRequest], Script]:
    """A server that breaks off after so many events, and knows where to go on."""

    def answer(request: RecordedRequest) -> Script:
        left = EVENTS[_behind(request) :]
        stream = Stream(left, "text/event-stream")
        return stream.cut(sum(map(len, left[:count])), how) if len(left) > count else stream

    return answer


def _data(response: StreamResponse) -> list[str | None]:
    return [event.data for event in response]


def _open(connect: Connect, reconnect: Reconnect | bool = QUICK, **options: Any) -> StreamResponse:
    return connect(STREAM, **options).execute_stream("stream_chat", {"prompt": "x"}, reconnect=reconnect)


@pytest.mark.parametrize("how", [Fin(), Reset()], ids=["fin", "reset"])
@pytest.mark.parametrize("count", range(1, 7))
def test_a_stream_cut_after_every_event_yields_each_once(
    upstream: ScriptedUpstream, connect: Connect, count: int, how: Step
) -> None:
    upstream.default = _cut_after(count, how)
    response = _open(connect)
    assert _data(response) == ALL
    assert response.last_event_id == "7"
    assert {request.json["prompt"] for request in upstream.requests} == {"x"}


def test_a_stream_cut_at_every_byte_yields_each_event_once(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    body = b"".join(EVENTS[:3])
    client = connect(STREAM)
    for at in range(len(body)):
        upstream.enqueue(Stream(EVENTS[:3], "text/event-stream").cut(at))
        upstream.default = lambda request: Stream(EVENTS[_behind(request) : 3], "text/event-stream")
        assert _data(client.execute_stream("stream_chat", reconnect=QUICK)) == ALL[:3], f"cut at byte {at}"


def test_by_hand_a_stream_goes_on_from_the_last_id(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-4 and P-5: the id after a break, and the option that sends it.
    upstream.default = _cut_after(2, Fin())
    client, seen, last = connect(STREAM), list[str | None](), ""
    while len(seen) < 7:
        response = client.execute_stream("stream_chat", last_event_id=last)
        try:
            for event in response:
                seen.append(event.data)
        except StreamInterrupted as error:
            last = error.last_event_id
    assert seen == ALL


def test_nothing_is_opened_again_unless_asked(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = _cut_after(2, Fin())
    with pytest.raises(StreamInterrupted):
        _data(_open(connect, reconnect=False))
    assert len(upstream.requests) == 1


def test_a_context_may_ask_for_all_its_streams(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = _cut_after(3, Fin())
    assert _data(connect(STREAM, reconnect=QUICK).execute_stream("stream_chat", {})) == ALL


def test_without_ids_nothing_is_delivered_twice(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = sse_stream("a", "b").cut(12)
    response = _open(connect)
    assert next(response).data == "a"
    with pytest.raises(StreamInterrupted):
        next(response)
    assert len(upstream.requests) == 1


def test_without_ids_a_stream_that_delivered_nothing_begins_anew(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(sse_stream("a", "b").cut(5), sse_stream("a", "b"))
    assert _data(_open(connect)) == ["a", "b"]


def test_the_servers_retry_is_the_pause_and_outlives_the_connection(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    told: list[TelemetryEvent] = []
    first = Stream((b"retry: 30\nid: 1\ndata: 1\n\n",), "text/event-stream")
    again = Stream((b"id: 2\ndata: 2\n\n",), "text/event-stream")
    upstream.enqueue(
        first.cut(len(first.body)), again.cut(len(again.body)), Stream((EVENTS[2],), "text/event-stream")
    )
    response = _open(connect, reconnect=True, telemetry=[told.append])
    assert _data(response) == ["1", "2", "3"]
    pauses = [event.measurements["pause"] for event in told if event.name == "stream.reconnect"]
    assert pauses == [0.03, 0.03]


def test_pauses_grow_while_nothing_comes_and_begin_anew_with_an_event() -> None:
    reconnect = Reconnect(delay=1.0, longest=30.0)
    pauses = [reconnect.pause(attempt, None, Random(1)) for attempt in range(1, 9)]
    assert all(one < other for one, other in pairwise(pauses[:5]))
    assert max(pauses) <= 30.0
    assert reconnect.pause(3, 60_000, Random(1)) == 60.0, "a server may ask for more than our longest"


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"delay": -1}, {"longest": -1}])
def test_a_reconnection_that_makes_no_sense_is_refused_when_it_is_made(wrong: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Reconnect(**wrong)


def test_after_so_many_attempts_in_a_row_the_failure_is_told(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(_cut_after(2, Fin()))
    upstream.default = [Reset()]
    response = _open(connect, Reconnect(max_attempts=3, delay=0.001))
    assert [event.data for event in islice(response, 2)] == ["1", "2"]
    with pytest.raises(ConnectionFailed):
        next(response)
    assert len(upstream.requests) == 4
    assert response.last_event_id == "2"


def test_an_outage_in_the_middle_is_survived(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.enqueue(_cut_after(2, Fin()), [Reset()], json_answer(503), json_answer(429))
    upstream.default = _cut_after(99, Fin())
    assert _data(_open(connect)) == ALL


def test_a_refusal_that_will_stay_ends_it(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.enqueue(_cut_after(2, Fin()), json_answer(400, {"error": "the stream is gone"}))
    response = _open(connect)
    list(islice(response, 2))
    with pytest.raises(BadRequest, match="the stream is gone"):
        next(response)


def test_no_content_means_that_there_is_nothing_more(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.enqueue(_cut_after(2, Fin()), [Head(204)])
    assert _data(_open(connect)) == ["1", "2"]


def test_a_silence_is_a_break_like_any_other_but_the_total_limit_is_not(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.enqueue(Stream(EVENTS[:2], "text/event-stream").then(Hang()))
    upstream.default = _cut_after(99, Fin())
    assert _data(_open(connect, timeouts=0.3)) == ALL
    upstream.enqueue(Stream(EVENTS[:2], "text/event-stream").then(Hang()))
    with pytest.raises(TimedOut) as error:
        _data(_open(connect, timeouts=Timeouts(total=0.3)))
    assert error.value.limit == "total"


def test_with_a_last_event_named_a_clean_end_before_it_is_a_break(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = lambda request: Stream(EVENTS[_behind(request) :][:2], "text/event-stream")
    until = Reconnect(delay=0.001, until=lambda event: event.data == "7")
    assert _data(_open(connect, until)) == ALL
    assert len(upstream.requests) == 4


def test_behind_the_last_event_a_break_is_an_end(upstream: ScriptedUpstream, connect: Connect) -> None:
    stream = Stream((*EVENTS, b": and then"), "text/event-stream")
    upstream.default = stream.cut(len(stream.body))
    assert _data(_open(connect, Reconnect(until=lambda event: event.data == "7"))) == ALL


@pytest.mark.parametrize("moment", ["in the pause", "while it is opened"])
def test_cancel_ends_a_stream_that_is_about_to_go_on(
    upstream: ScriptedUpstream, connect: Connect, moment: str
) -> None:
    about = threading.Event()

    def listen(event: TelemetryEvent) -> None:
        if event.name == "stream.reconnect":
            about.set()

    upstream.enqueue(Stream((b"id: 1\ndata: 1\n\n",), "text/event-stream").cut(15), [Hang()])
    delay = 3600.0 if moment == "in the pause" else 0.001
    response = _open(connect, Reconnect(delay=delay, longest=delay), telemetry=[listen])
    seen: list[str | None] = []
    thread = threading.Thread(target=lambda: seen.extend(_data(response)))
    thread.start()
    assert about.wait(LONG)
    if moment == "while it is opened":
        upstream.request(1)
    response.cancel()
    thread.join(LONG)
    assert not thread.is_alive()
    assert seen == ["1"]
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_only_server_sent_events_have_ids_to_go_on_from(connect: Connect) -> None:
    client = connect({**STREAM, "stream_format": "ndjson"})
    with pytest.raises(InvalidCall, match="only server-sent events can be reconnected"):
        client.execute_stream("stream_chat", reconnect=True)


def test_what_was_read_before_a_break_is_handed_out_before_anything_is_opened(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    asked = threading.Event()
    upstream.enqueue(_cut_after(6, Fin()))
    upstream.default = [Gate(asked), *Stream(EVENTS[6:], "text/event-stream").steps()]
    response = _open(connect)
    assert [event.data for event in islice(response, 6)] == ALL[:6]
    asked.set()
    assert _data(response) == ["7"]
