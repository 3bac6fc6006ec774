"""One caller against a scripted gateway: however that ends, the outcome says so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.drill.caller import Asked, Caller, Ending, fetch
from cortex_actors.drill.reading import COMPLETE, EVERY, SSE, TEXT, Framing
from cortex_actors.drill.silent_caller import SilentCaller
from cortex_actors.transport import HTTPTransport
from tests.upstream import Chunk, Fin, Gate, Hang, Head, LastChunk, Reset, ScriptedUpstream, Send, json_answer

BODY = {"model": "wall/steady", "messages": []}
_DELTA = b'event: delta\ndata: {"text": "one "}\n\n'
_END = b'event: end\ndata: {"provider": "wall", "model": "steady", "end": "complete", "attempts": [1]}\n\n'


@pytest.fixture
def gateway() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as gateway:
        yield gateway


@pytest.fixture
def caller(gateway: ScriptedUpstream) -> Iterator[Caller]:
    transport = HTTPTransport()
    yield Caller(gateway.url + "/", transport)
    transport.close()


def streamed(*pieces: bytes, content_type: str = "text/event-stream", **headers: str) -> list[Any]:
    about = {"Content-Type": content_type, "Transfer-Encoding": "chunked", **headers}
    return [Head(200, about), *map(Chunk, pieces)]


@pytest.mark.parametrize("framing", EVERY, ids=lambda framing: framing.name)
def test_a_request_asks_for_its_framing_on_its_path(
    gateway: ScriptedUpstream, caller: Caller, framing: Framing
) -> None:
    caller.ask(Asked(BODY, framing))

    request = gateway.request()
    assert (request.method, request.path, request.json) == ("POST", framing.path, BODY)
    assert request.headers["accept"] == framing.accept


def test_a_whole_answer_has_its_text_its_headers_and_its_times(
    gateway: ScriptedUpstream, caller: Caller
) -> None:
    gateway.enqueue([*streamed(_DELTA, _END, **{"X-Cortex-Provider": "wall"}), LastChunk()])

    outcome = caller.ask(Asked(BODY, SSE))

    assert (outcome.ending, outcome.status, outcome.reading.text) == (Ending.WHOLE, 200, "one ")
    assert outcome.reading.attempts == 1
    assert b"X-Cortex-Provider: wall" in outcome.shown
    assert b'"text": "one "' in outcome.shown
    assert 0.0 <= outcome.arrivals[0] <= outcome.seconds
    assert outcome.asked_at <= outcome.over_at


def test_a_text_learns_from_the_headers_who_answered(gateway: ScriptedUpstream, caller: Caller) -> None:
    about = {"X-Cortex-Provider": "wall", "X-Cortex-Model": "steady", "X-Cortex-Attempts": "2"}
    gateway.enqueue([*streamed(b"one", content_type="text/plain", **about), LastChunk()])

    reading = caller.ask(Asked(BODY, TEXT)).reading

    assert (reading.provider, reading.model, reading.attempts, reading.text) == ("wall", "steady", 2, "one")


def test_a_refusal_is_one_error_with_its_status(gateway: ScriptedUpstream, caller: Caller) -> None:
    gateway.enqueue(json_answer(503, {"error": "No", "code": "no_workers_available", "attempts": [1, 2]}))

    outcome = caller.ask(Asked(BODY, TEXT))

    assert (outcome.ending, outcome.status, outcome.code) == (Ending.ERROR, 503, "no_workers_available")
    assert (outcome.reading.attempts, outcome.reading.lies) == (2, [])


def test_a_page_of_html_is_a_lie(gateway: ScriptedUpstream, caller: Caller) -> None:
    gateway.enqueue([Head(502, {"Content-Type": "text/html", "Content-Length": "6"}), Send(b"<html>")])

    outcome = caller.ask(Asked(BODY, SSE))

    assert outcome.ending is Ending.ERROR
    assert outcome.reading.lies


@pytest.mark.parametrize(("framing", "is_lie"), [(TEXT, False), (SSE, True), (COMPLETE, True)])
def test_a_cut_is_a_lie_where_an_error_could_have_been_told(
    gateway: ScriptedUpstream, caller: Caller, framing: Framing, is_lie: bool
) -> None:
    gateway.enqueue([*streamed(b"one"), Fin()])

    outcome = caller.ask(Asked(BODY, framing))

    assert outcome.ending is Ending.CUT
    assert bool(outcome.reading.lies) is is_lie


@pytest.mark.parametrize("script", [[Reset()], [Fin()]])
def test_no_answer_at_all_is_a_lie(gateway: ScriptedUpstream, caller: Caller, script: list[Any]) -> None:
    gateway.enqueue(script)

    outcome = caller.ask(Asked(BODY, SSE))

    assert (outcome.status, outcome.reading.lies) == (None, ["no answer at all"])


@pytest.mark.parametrize("script", [[Hang()], [*streamed(_DELTA), Hang()]])
def test_what_does_not_end_is_a_hang(gateway: ScriptedUpstream, caller: Caller, script: list[Any]) -> None:
    gateway.enqueue(script)

    assert caller.ask(Asked(BODY, SSE, patience=0.3)).ending is Ending.HANG


def test_a_caller_leaves_after_a_time(gateway: ScriptedUpstream, caller: Caller) -> None:
    gateway.enqueue([Hang()])

    outcome = caller.ask(Asked(BODY, SSE, leave_after=0.2))

    assert outcome.ending is Ending.LEFT
    assert outcome.seconds < 5.0
    assert gateway.request().closed.wait(5)


def test_a_caller_leaves_at_a_word(gateway: ScriptedUpstream, caller: Caller) -> None:
    gateway.enqueue([*streamed(_DELTA, _DELTA, _DELTA), Hang()])

    outcome = caller.ask(Asked(BODY, SSE, leave_at_word=2))

    assert outcome.ending is Ending.LEFT
    assert len(outcome.reading.text.split()) >= 2
    assert gateway.request().closed.wait(5)


def test_a_page_is_its_status_and_its_body(gateway: ScriptedUpstream) -> None:
    gateway.on_path("/livez", json_answer(503, {"status": "failing"}))
    transport = HTTPTransport()

    status, body = fetch(transport, "GET", gateway.url + "/livez")

    assert (status, json.loads(body)) == (503, {"status": "failing"})
    transport.close()


def test_a_silent_caller_asks_reads_nothing_and_leaves(gateway: ScriptedUpstream) -> None:
    flood = [*streamed(), *(Chunk(b"x" * 65536) for _ in range(400))]
    gateway.on_path("/api/chat", flood)

    silent = SilentCaller(gateway.url, Asked(BODY, SSE))
    request = gateway.request()
    assert request.json == BODY
    assert not request.answered.wait(0.3), "somebody took 25 MB"
    silent.close()

    assert request.closed.wait(5)


def test_a_gate_that_opens_late_shows_in_the_arrivals(gateway: ScriptedUpstream, caller: Caller) -> None:
    gate = threading.Event()
    gateway.enqueue([*streamed(_DELTA), Gate(gate), Chunk(_END), LastChunk()])
    threading.Timer(0.2, gate.set).start()

    outcome = caller.ask(Asked(BODY, SSE))

    assert len(outcome.arrivals) == 2
    assert outcome.arrivals[1] - outcome.arrivals[0] > 0.1
