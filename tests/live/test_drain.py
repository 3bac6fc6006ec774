"""The end of a daemon: nobody is cut short who can finish in time, and nobody is left without an answer."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import ALL, SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, Hang, ScriptedUpstream, openai_stream

STREAMS = 9

#: Longer than any of these tests takes, in seconds; and so short that waiting for its end is no waste.
LONG, SHORT = 20.0, 0.5

Running = list[tuple[Framing, Answer]]


@pytest.fixture
def callers() -> Iterator[ExitStack]:
    """Connections that stay open to the end of the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What gated streams wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


def begun(daemon: Daemon, callers: ExitStack, model: str) -> Running:
    """Streams in all framings that have said "Uno"."""
    running = []
    for number in range(STREAMS):
        connection = callers.enter_context(daemon.connect())
        framing = ALL[number % len(ALL)]
        connection.ask("POST", "/api/chat", chat(model=model), {"Accept": framing.accept})
        running.append((framing, connection.answer().read_until("Uno")))
    return running


def assert_ended_well(daemon: Daemon) -> None:
    assert daemon.wait() == 0
    daemon.assert_no_traceback()
    daemon.wait_for_log("drained: 0 streams were left")


def test_a_daemon_that_is_told_to_end_lets_streams_finish_and_takes_no_new_ones(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos", " tres"]).pause(1, Gate(gate)))
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": LONG}))
    running = begun(daemon, callers, model)

    daemon.terminate()
    daemon.wait_for_log("draining: 9 streams run")

    ready = daemon.get("/readyz")
    assert (ready.status, ready.json["reasons"]) == (503, ["draining"])
    assert daemon.get("/livez").status == 200
    for path in ("/api/chat", "/api/chat/complete"):
        refused = daemon.post(path, chat(model=model))
        assert (refused.status, refused.json["code"]) == (503, "gateway_draining")
        assert int(refused.headers["Retry-After"]) >= 1
    gate.set()
    for framing, answer in running:
        framing.assert_complete(answer, "Uno dos tres")
    assert_ended_well(daemon)
    assert len([each for each in upstream.requests if each.model == model]) == STREAMS


def test_streams_over_the_drain_limit_are_told_and_their_upstreams_freed(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Hang()))
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": SHORT}))
    running = begun(daemon, callers, model)

    daemon.terminate()

    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "gateway_draining")
    assert_ended_well(daemon)
    assert len(daemon.lines(" ended as shutdown ")) == STREAMS
    for request in upstream.requests:
        if request.model == model:
            assert request.closed.wait(10)


def test_a_request_that_still_waits_for_its_first_word_is_told_by_the_status(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, [Hang()])
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": SHORT}))
    connection = callers.enter_context(daemon.connect())
    connection.ask("POST", "/api/chat", chat(model=model))
    assert upstream.wait_for(lambda: any(each.model == model for each in upstream.requests))

    daemon.terminate()
    answer = connection.answer().read()

    assert (answer.status, answer.json["code"]) == (503, "gateway_draining")
    assert_ended_well(daemon)


def test_a_caller_that_reads_nothing_does_not_keep_the_daemon_from_ending(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["x" * 65536] * 1000))
    limits = {"drain_timeout": SHORT, "write_timeout": 1.0}
    daemon = launch(settings(provider("one", upstream.url), server=limits))
    connection = callers.enter_context(daemon.connect(receive_buffer=4096))
    connection.ask("POST", "/api/chat", chat(model=model))
    connection.answer()

    daemon.terminate()

    assert daemon.wait() == 0
    daemon.assert_no_traceback()


def test_idle_connections_do_not_keep_the_daemon_from_ending(
    launch: Launch, upstream: ScriptedUpstream, callers: ExitStack
) -> None:
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": LONG}))
    used, unused = (callers.enter_context(daemon.connect()) for _ in range(2))
    used.ask("GET", "/livez")
    assert used.answer().read().status == 200

    daemon.terminate()

    assert daemon.wait(15) == 0
    assert unused.sock.recv(1) == b""
    assert_ended_well(daemon)


def test_being_told_twice_skips_the_waiting(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Hang()))
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": 1000.0}))
    running = begun(daemon, callers, model)

    daemon.signal_worker(signal.SIGTERM)
    daemon.wait_for_log("draining: 9 streams run")
    daemon.signal_worker(signal.SIGTERM)

    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "gateway_draining")
    daemon.wait_for_log("drained: 0 streams were left")


def test_an_interrupt_from_the_keyboard_ends_at_once_and_tells_everybody(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Hang()))
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": 1000.0}))
    running = begun(daemon, callers, model)

    daemon.interrupt()

    assert daemon.wait() == 0
    daemon.assert_no_traceback()
    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "gateway_draining")


def test_a_worker_process_that_is_killed_is_replaced(
    launch: Launch, upstream: ScriptedUpstream, model: str, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(gate)))
    daemon = launch(settings(provider("one", upstream.url)))
    texts, events = (daemon.stream(chat(model=model), each.accept).read_until("Ho") for each in (TEXT, SSE))
    before = daemon.worker

    daemon.signal_worker(signal.SIGKILL)

    for cut in (texts, events):
        assert cut.read().whole is False
    gate.set()
    wait_until(lambda: daemon.worker != before and daemon.get("/readyz").status == 200, "no new worker")
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    daemon.terminate()
    assert_ended_well(daemon)


def test_a_second_signal_to_end_makes_it_hurry(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno"]).pause(1, Hang()))
    daemon = launch(settings(provider("one", upstream.url), server={"drain_timeout": 10 * LONG}))
    running = begun(daemon, callers, model)

    daemon.terminate()
    daemon.wait_for_log("draining: 9 streams run")
    daemon.terminate()

    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "gateway_draining")
    assert_ended_well(daemon)


def test_a_third_signal_to_end_ends_it_where_it_stands_with_all_stacks_written(
    launch: Launch, upstream: ScriptedUpstream, callers: ExitStack
) -> None:
    daemon = launch(settings(provider("one", upstream.url)))
    worker = daemon.worker
    lingering = callers.enter_context(daemon.connect())
    lingering.ask("GET", "/livez")
    assert lingering.answer().read().status == 200

    daemon.terminate()
    daemon.wait_for_log("drained: 0 streams were left")

    def gone() -> bool:
        daemon.terminate()  # again and again: signals that come together are one
        return not alive(worker)

    wait_until(gone, "the worker has not left")
    assert lingering.sock.recv(1) == b""
    daemon.wait()
    assert daemon.lines("(most recent call first)")


def test_a_daemon_that_cannot_end_ends_itself_and_writes_where_it_stood(
    launch: Launch, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    """Somebody reads nothing, and may take as long as he likes."""
    upstream.on_model(model, openai_stream(["x" * 65536] * 1000))
    limits = {"drain_timeout": 0.1, "write_timeout": 3600.0}
    daemon = launch(settings(provider("one", upstream.url), server=limits))
    connection = callers.enter_context(daemon.connect(receive_buffer=4096))
    connection.ask("POST", "/api/chat", chat(model=model))
    connection.answer()

    daemon.terminate()

    daemon.wait()
    assert daemon.lines("(most recent call first)")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_signals_that_would_make_a_second_worker_or_daemon_change_nothing(
    launch: Launch, upstream: ScriptedUpstream
) -> None:
    daemon = launch(settings(provider("one", upstream.url)))
    for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2):
        os.kill(daemon.pid, number)
    daemon.terminate()  # comes after the others, and is handled after them
    assert daemon.wait() == 0
    assert len(daemon.lines("provider one of type")) == 1
