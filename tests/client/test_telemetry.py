"""What a call tells while it runs: one start, one stop, and no secrets."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from cortex_actors.client import APIError, Bearer, StreamInterrupted, TelemetryEvent, on
from cortex_actors.client.telemetry import Telemetry
from tests.client import PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import ScriptedUpstream, json_answer, sse_stream


def _names(told: list[TelemetryEvent]) -> list[str]:
    return [event.name for event in told]


def test_a_stream_tells_its_way_to_the_end(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-13: the names were not those of the guide, and no event told of the end.
    told: list[TelemetryEvent] = []
    upstream.default = sse_stream("a", "bc")
    client = connect(
        STREAM, telemetry=[told.append], telemetry_metadata={"app": "test"}, auth=Bearer("CANARY")
    )
    list(client.execute_stream("stream_chat", {"secret": "CANARY"}))
    assert _names(told) == ["stream.start", "stream.connected", "stream.event", "stream.event", "stream.stop"]
    stop = told[-1]
    assert stop.metadata == {"app": "test", "endpoint_id": "stream_chat", "outcome": "complete"}
    assert stop.measurements["events"] == 2
    assert stop.measurements["bytes"] == len(sse_stream("a", "bc").body)
    assert 0 < stop.measurements["first_event"] <= stop.measurements["duration"]
    assert told[0].metadata["method"] == "POST"
    assert told[1].metadata["status"] == 200
    assert "CANARY" not in repr(told)


@pytest.mark.parametrize(
    ("way", "outcome"),
    [("left", "closed"), ("cancelled", "cancelled"), ("broken", "error"), ("read", "complete")],
)
def test_a_stream_tells_how_it_ended_exactly_once(
    upstream: ScriptedUpstream, connect: Connect, way: str, outcome: str
) -> None:
    told: list[TelemetryEvent] = []
    upstream.default = sse_stream("a", "b").cut(12) if way == "broken" else sse_stream("a", "b")
    response = connect(STREAM, telemetry=[told.append]).execute_stream("stream_chat")
    next(response)
    if way == "cancelled":
        response.cancel()
    elif way == "left":
        response.close()
    elif way == "broken":
        with pytest.raises(StreamInterrupted):
            list(response)
    else:
        list(response)
    response.close()
    response.cancel()
    assert [event.metadata["outcome"] for event in told if event.name == "stream.stop"] == [outcome]
    assert ("stream.error" in _names(told)) == (way == "broken")


def test_a_call_tells_its_attempts_and_its_failure(upstream: ScriptedUpstream, connect: Connect) -> None:
    told: list[TelemetryEvent] = []
    upstream.enqueue(json_answer(500), json_answer(404))
    with pytest.raises(APIError):
        connect(PLAIN, telemetry=[told.append]).execute("get_thing", path_params={"id": 1})
    assert _names(told) == ["request.start", "request.retry", "request.error", "request.stop"]
    assert told[2].metadata["error"] == "NotFound"
    assert told[3].metadata["outcome"] == "error"


def test_a_stream_that_never_begins_tells_its_end_as_well(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    told: list[TelemetryEvent] = []
    upstream.default = json_answer(400)
    with pytest.raises(APIError):
        connect(STREAM, telemetry=[told.append]).execute_stream("stream_chat")
    assert _names(told) == ["stream.start", "stream.error", "stream.stop"]


def test_the_manifest_may_name_the_events_of_an_endpoint(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-15: `telemetry` is applied.
    told: list[TelemetryEvent] = []
    upstream.default = json_answer(200, {})
    client = connect({**PLAIN, "telemetry": "billing.things"}, telemetry=[told.append])
    client.execute("get_thing", path_params={"id": 1})
    assert _names(told) == ["billing.things.start", "billing.things.connected", "billing.things.stop"]


def test_listeners_may_choose_what_they_hear() -> None:
    heard: list[str] = []

    def hear(event: TelemetryEvent) -> None:
        heard.append(event.name)

    telemetry = Telemetry([on("a.b", hear), on("c.*", hear)])
    for name in ("a", "a.b", "a.bc", "c", "c.d", "cd"):
        telemetry.emit(name)
    assert heard == ["a.b", "c.d"]


def test_measure_counter_and_gauge_tell_numbers() -> None:
    told: list[Any] = []
    now = iter([1.0, 3.5, 10.0, 11.0])
    telemetry = Telemetry(
        [lambda event: told.append((event.name, event.measurements, event.metadata))], clock=lambda: next(now)
    )
    with telemetry.measure("work", part=1):
        pass
    with pytest.raises(ZeroDivisionError), telemetry.measure("work"):
        raise ZeroDivisionError
    telemetry.counter("hits", 2)
    telemetry.gauge("depth", 7, queue="a")
    assert told == [
        ("work", {"duration": 2.5}, {"outcome": "ok", "part": 1}),
        ("work", {"duration": 1.0}, {"outcome": "error"}),
        ("hits", {"count": 2}, {}),
        ("depth", {"value": 7}, {"queue": "a"}),
    ]


def test_a_listener_that_fails_is_logged_and_the_others_still_hear(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[TelemetryEvent] = []

    def fail(event: TelemetryEvent) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        Telemetry([fail, heard.append]).emit("a")
    assert len(heard) == 1
    assert "a telemetry listener failed on a" in caplog.text
