"""Callers against a real server: every end under its name, every lie found, every wait counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.histogram import Histogram
from cortex_actors.loadtest.judgement import Expectation
from cortex_actors.loadtest.rehearsal import rehearse
from cortex_actors.loadtest.runner import Runner
from cortex_actors.loadtest.tally import Tally
from tests.loadtest.gateway import WORDS, echo, gateway, heard, said, scenario, sse
from tests.upstream import (
    Answer,
    Chunk,
    Fin,
    Hang,
    Head,
    RecordedRequest,
    Reset,
    ScriptedUpstream,
    Send,
    Stream,
    Wait,
    json_answer,
)  # fmt: skip

SSE_HEAD = Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})


@pytest.fixture
def server() -> Iterator[ScriptedUpstream]:
    with gateway() as server:
        yield server


def run(server: ScriptedUpstream, expectation: Expectation | None = None, **fields: Any) -> Tally:
    asked = scenario(server, **fields)
    return Runner(asked, expectation or Expectation("You said: Say something about \0.")).run()


def answers(server: ScriptedUpstream, *answers: Answer) -> None:
    """To every SSE request."""
    server.on_path("/api/chat", *answers)


@pytest.mark.parametrize("name", FRAMINGS)
def test_whole_answers_are_exact_in_every_framing(server: ScriptedUpstream, name: str) -> None:
    tally = run(server, framings=(name,))

    assert tally.whole == tally.begun == tally.ended > 0
    assert tally.failed == tally.liars == 0
    assert tally.framings == {name: tally.ended}
    assert tally.first_piece.count == tally.total.count == tally.ended


def test_a_connection_is_used_again_and_again(server: ScriptedUpstream) -> None:
    tally = run(server, connections=2)

    assert tally.whole > 10
    assert server.accepted == 2


def test_a_connection_that_the_server_wants_to_close_is_not_used_again(server: ScriptedUpstream) -> None:
    head = {"Content-Length": "3", "Connection": "close"}
    answers(server, [Head(200, head), Send(b"You")])
    tally = run(server, Expectation("You"), framings=("text",))

    assert tally.whole == tally.ended > 2
    assert server.accepted == tally.ended


def test_a_kept_connection_that_the_server_closed_is_replaced_and_nobody_hears_of_it(
    server: ScriptedUpstream,
) -> None:
    def leaving(request: RecordedRequest) -> Any:
        return [*echo(request).steps(), Reset()]

    server.on_path("/api/chat", leaving)
    tally = run(server, framings=("sse",))

    assert tally.whole == tally.ended > 2
    assert tally.failed == 0


def test_a_short_answer_that_claims_to_be_whole_is_a_lie(server: ScriptedUpstream) -> None:
    answers(server, lambda request: said(request, WORDS))
    tally = run(server, framings=("text", "sse", "ndjson"))

    assert tally.lies == {"short": tally.ended}


def test_an_answer_to_somebody_else_is_a_lie(server: ScriptedUpstream) -> None:
    before: list[str] = ["Say something about mark-9."]

    def mixed_up(request: RecordedRequest) -> Stream:
        before.append(heard(request))
        return said(request, (*WORDS, before[-2]))

    answers(server, mixed_up)
    tally = run(server, framings=("sse",))

    assert tally.lies == {"wrong words": tally.ended}


def test_an_end_that_was_invented_is_a_lie(server: ScriptedUpstream) -> None:
    answers(server, [SSE_HEAD, Chunk(sse("delta", {"text": "You"})), Send(b"0\r\n\r\n")])
    tally = run(server, framings=("sse",))

    assert tally.lies["no end"] == tally.ended > 0


@pytest.mark.parametrize("how", [Fin(), Reset()])
def test_a_cut_is_a_failure_and_no_lie(server: ScriptedUpstream, how: Any) -> None:
    answers(server, lambda request: echo(request).cut(60, how))
    tally = run(server, framings=("sse",))

    assert tally.errors == {"cut": tally.ended}
    assert tally.liars == 0


def test_what_was_said_before_a_cut_must_be_true_too(server: ScriptedUpstream) -> None:
    answers(server, lambda request: said(request, ["Lies!", " "]).then(Fin()))
    tally = run(server, framings=("text",))

    assert tally.errors == {"cut": tally.ended}
    assert tally.lies == {"wrong words": tally.ended}


def test_an_error_that_is_told_is_counted_by_its_code(server: ScriptedUpstream) -> None:
    told = sse("delta", {"text": "You"}) + sse("error", {"error": "Gone", "code": "idle_timeout"})
    answers(server, Stream((told,), "text/event-stream"))
    tally = run(server, framings=("sse",))

    assert tally.errors == {"error idle_timeout": tally.ended}
    assert tally.liars == 0


def test_a_refusal_is_counted_by_its_status_and_code(server: ScriptedUpstream) -> None:
    answers(server, json_answer(503, {"error": "Busy", "code": "gateway_busy"}))
    tally = run(server, framings=("sse",))

    assert tally.errors == {"error 503 gateway_busy": tally.ended}


def test_a_server_that_hangs_up_without_an_answer_is_not_hammered(server: ScriptedUpstream) -> None:
    answers(server, [Reset()])
    tally = run(server, framings=("sse",), connections=1, duration=1.0)

    assert tally.errors == {"no answer": tally.ended}
    assert tally.ended <= 11


def test_nobody_there_is_a_failure_of_every_request(server: ScriptedUpstream) -> None:
    asked = scenario(server)
    server.down()
    tally = Runner(asked, Expectation()).run()

    assert tally.errors == {"not connected connection refused": tally.ended}


def test_an_answer_without_an_end_is_a_hang(server: ScriptedUpstream) -> None:
    answers(server, [SSE_HEAD, Chunk(sse("delta", {"text": "You"})), Hang()])
    tally = run(server, framings=("sse",), timeout=0.3)

    assert tally.errors == {"hang timeout": tally.ended}
    assert tally.ended > 0


def test_bytes_after_an_answer_are_a_lie(server: ScriptedUpstream) -> None:
    answers(server, [Head(200, {"Content-Length": "3"}), Send(b"YouMORE")])
    tally = run(server, framings=("text",))

    assert tally.lies["bytes after the end of the answer"] == tally.ended > 0


def test_callers_that_leave_are_no_failures_and_their_connections_are_gone(server: ScriptedUpstream) -> None:
    server.on_path("/api/chat", lambda request: echo(request).paced(0.02))
    tally = run(server, framings=("sse",), leave=1.0, connections=4)

    assert tally.ends["left"] > 0
    assert tally.failed == tally.liars == 0
    assert server.wait_for(lambda: server.open_sockets == 0)


def test_slow_readers_read_slowly_and_get_everything(server: ScriptedUpstream) -> None:
    long = "x" * 3000
    answers(server, lambda request: said(request, [long]))
    tally = run(server, Expectation(long), framings=("text",), slow=1.0, slow_rate=10_000)

    assert tally.whole == tally.ended > 0
    assert tally.liars == 0
    assert tally.ended <= 4  # two callers, 0.3 s for each of their answers, and the test takes 0.3 s
    assert tally.first_piece.count == 0


def test_gaps_are_between_the_pieces_of_one_answer(server: ScriptedUpstream) -> None:
    answers(server, lambda request: echo(request).pause(3, Wait(0.15)))
    tally = run(server, framings=("sse",), connections=1, duration=0.1)

    assert tally.gaps.most >= 0.14


def test_in_the_open_model_a_stall_is_felt_by_all_who_would_have_come(server: ScriptedUpstream) -> None:
    def stalled(**fields: Any) -> Tally:
        answers(server, lambda request: echo(request).pause(0, Wait(1.0)), echo)
        return run(server, framings=("sse",), connections=1, duration=1.5, **fields)

    closed, opened = stalled(), stalled(rate=20)

    # One answer took 1 s. In the closed model that is one slow request among many; in the open model those
    # that were due meanwhile waited too, ten of them for more than half of it.
    assert _longer_than(0.5, closed.first_piece) == 1
    assert opened.ended == 30
    assert _longer_than(0.5, opened.first_piece) >= 9
    assert opened.most_waiting >= 9
    assert _longer_than(0.5, opened.first_piece_served) == 1


def test_in_the_open_model_requests_that_found_no_caller_to_the_end_are_told_of(
    server: ScriptedUpstream,
) -> None:
    answers(server, [Hang()])
    tally = run(server, framings=("sse",), connections=1, rate=20, duration=0.5, timeout=0.4)

    assert tally.never_begun + tally.ended == 10
    assert tally.never_begun > 0
    assert tally.failed == 10


def test_progress_is_told_while_it_runs(server: ScriptedUpstream) -> None:
    told: list[int] = []
    asked = scenario(server, framings=("sse",), duration=2.5, connections=1)
    answers(server, lambda request: echo(request).paced(0.02))

    Runner(asked, Expectation()).run(lambda tally: told.append(tally.ended))

    assert len(told) == 2
    assert 0 < told[0] < told[1]


def test_an_interrupt_ends_the_test_and_keeps_what_was_counted(server: ScriptedUpstream) -> None:
    def interrupt(tally: Tally) -> None:
        raise KeyboardInterrupt

    tally = Runner(scenario(server, duration=60.0), Expectation()).run(interrupt)

    assert tally.interrupted
    assert tally.whole > 0
    assert tally.elapsed < 30.0


def test_a_rehearsal_learns_an_echo_and_a_text_that_is_always_the_same(server: ScriptedUpstream) -> None:
    assert rehearse(scenario(server)).template == "You said: Say something about \0."
    server.on_path("/api/chat", lambda request: said(request, ["Hola"]))
    assert rehearse(scenario(server)).template == "Hola"


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(503),
        [Reset()],
        lambda request: echo(request).cut(30),
        lambda request: said(request, [str(id(request))]),
    ],
    ids=["refused", "reset", "cut", "ever different"],
)
def test_a_rehearsal_that_teaches_nothing_leaves_it_to_the_ends(
    server: ScriptedUpstream, answer: Any
) -> None:
    server.on_path("/api/chat", answer)

    assert rehearse(scenario(server)) == Expectation()


def _longer_than(seconds: float, histogram: Histogram) -> int:
    return sum(number for least, _, number in histogram.buckets() if least > seconds)
