"""Callers that leave, callers that read nothing, and callers there is no room for."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import (
    Gate,
    Hang,
    Head,
    RecordedRequest,
    ScriptedUpstream,
    Stream,
    json_answer,
    openai_stream,
)

#: From a caller's leaving to the closed socket upstream, in seconds: a second to notice, the rest to act.
PROMPT = 1.25

#: A caller that reads nothing is dropped after this time, in seconds.
WRITE_TIMEOUT = 1.0

MEGABYTE = 2**20

#: What kernel buffers and our window may hold for one caller, in bytes; and how much more memory the daemon
#: may take meanwhile.
BOUNDED = 20 * MEGABYTE

SSE_HEAD = Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    return settings(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        server={"write_timeout": WRITE_TIMEOUT},
    )


def the_request(upstream: ScriptedUpstream, model: str) -> RecordedRequest:
    """The one request for this model, once it has arrived."""
    found: list[RecordedRequest] = []

    def arrived() -> bool:
        found[:] = [each for each in upstream.requests if each.model == model]
        return bool(found)

    assert upstream.wait_for(arrived)
    (request,) = found
    return request


def assert_given_up_soon(request: RecordedRequest, left: float) -> None:
    """The upstream saw its caller hang up soon after this moment."""
    assert request.closed.wait(20)
    assert time.monotonic() - left < PROMPT


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize(
    "silence", [[Hang()], [SSE_HEAD, Hang()]], ids=["before the head", "before the first word"]
)
def test_a_caller_that_leaves_in_the_silence_frees_its_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, silence: list[Hang | Head], reset: bool
) -> None:
    upstream.on_model(model, silence)
    connection = daemon.connect()
    connection.ask("POST", "/api/chat", chat(model=model))
    request = the_request(upstream, model)

    left = time.monotonic()
    connection.leave(reset=reset)

    assert_given_up_soon(request, left)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_caller_that_leaves_in_mid_stream_frees_its_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing, reset: bool
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Hang()))
    connection = daemon.connect()
    connection.ask("POST", "/api/chat", chat(model=model), {"Accept": framing.accept})
    answer = connection.answer().read_until("Ho")
    request = the_request(upstream, model)

    left = time.monotonic()
    connection.leave(reset=reset)

    assert_given_up_soon(request, left)
    request_id = answer.headers["X-Request-ID"]
    daemon.wait_for_log(f"end=client_gone provider=one attempts=1 request_id={request_id}")


def test_a_caller_that_leaves_while_words_flow_frees_its_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, openai_stream(["word "] * 2000).paced(0.01))
    connection = daemon.connect()
    connection.ask("POST", "/api/chat", chat(model=model), {"Accept": framing.accept})
    connection.answer().read_until("word")
    request = the_request(upstream, model)

    left = time.monotonic()
    connection.leave()

    assert_given_up_soon(request, left)


def test_a_caller_that_leaves_during_complete_frees_its_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    halfway = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(halfway), Hang()))
    connection = daemon.connect()
    connection.ask("POST", "/api/chat/complete", chat(model=model))
    request = the_request(upstream, model)
    halfway.set()

    left = time.monotonic()
    connection.leave()

    assert_given_up_soon(request, left)


def test_a_caller_that_leaves_in_a_pause_is_not_asked_for_again(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(429, headers={"Retry-After": "5"}), openai_stream(["Hola"]))
    connection = daemon.connect()
    connection.ask("POST", "/api/chat", chat(model=model, provider="one"))
    request = the_request(upstream, model)
    assert request.answered.wait(10)

    connection.leave()
    daemon.wait_for_log("end=client_gone provider=one attempts=1")

    assert [each for each in upstream.requests if each.model == model] == [request]


def endless(upstream_words: int = 1000) -> Stream:
    """Far more than any buffer holds."""
    return openai_stream(["x" * 65536] * upstream_words)


def test_a_caller_that_reads_nothing_is_dropped_and_nobody_else_notices(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, endless())
    words = [f"{number} " for number in range(200)]
    spare.on_model(model, openai_stream(words).paced(0.01))
    before = daemon.resident_bytes()

    with daemon.connect(receive_buffer=4096) as idle:
        idle.ask("POST", "/api/chat", chat(model=model, provider="one"), {"Accept": framing.accept})
        bystander = daemon.stream(chat(model=model, provider="two"), framing.accept)
        request = the_request(upstream, model)
        # Two seconds of words, so that the bystander reads before, while and after the other is dropped.
        framing.assert_complete(bystander, "".join(words))
        assert request.closed.wait(20)

        assert request.sent < BOUNDED
        assert daemon.resident_bytes() - before < BOUNDED
        gaps = [b - a for (a, _), (b, _) in zip(bystander.arrivals, bystander.arrivals[1:], strict=False)]
        assert max(gaps) < WRITE_TIMEOUT, "the bystander was kept waiting"
        daemon.wait_for_log(
            f"end=slow_client provider=one attempts=1 request_id={idle.answer().headers['X-Request-ID']}"
        )


def test_a_caller_that_pauses_for_less_than_the_limit_gets_every_word(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, endless(300))
    with daemon.connect(receive_buffer=4096) as slow:
        slow.ask("POST", "/api/chat", chat(model=model, provider="one"))
        answer = slow.answer()
        request = the_request(upstream, model)
        assert not request.answered.wait(WRITE_TIMEOUT / 2), (
            "the upstream was read although nobody read the answer"
        )
        TEXT.assert_complete(answer, "x" * 65536 * 300)


def test_callers_that_do_not_hang_up_keep_nobody_waiting(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho"], finish=None, done=False))
    began = time.monotonic()
    with ExitStack() as stack:
        for _ in range(3):
            cut = stack.enter_context(daemon.connect())
            cut.ask("POST", "/api/chat", chat(model=model))
            TEXT.assert_failed(cut.answer(), "Ho", "")
            closed = stack.enter_context(daemon.connect())
            closed.sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while closed.sock.recv(65536):
                pass

        assert daemon.get("/livez").status == 200
    assert time.monotonic() - began < 2.0, "somebody waited for callers to hang up"


def test_one_stream_too_many_is_refused_at_once_while_probes_still_answer(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(gate)))
    daemon = launch(settings(provider("one", upstream.url), server={"max_streams": 3, "spare_threads": 4}))
    with ExitStack() as stack:
        answers = []
        for _ in range(3):
            connection = stack.enter_context(daemon.connect())
            connection.ask("POST", "/api/chat", chat(model=model), {"Accept": SSE.accept})
            answers.append(connection.answer().read_until("Ho"))

        refused = daemon.post("/api/chat", chat(model=model))
        assert (refused.status, refused.json["code"]) == (503, "gateway_busy")
        assert int(refused.headers["Retry-After"]) >= 1
        assert daemon.get("/livez").status == 200
        assert daemon.get("/api/health").status == 200
        busy = daemon.get("/readyz")
        assert (busy.status, busy.json["reasons"]) == (503, ["no free stream"])

        gate.set()
        for answer in answers:
            SSE.assert_complete(answer, "Hola")
    assert len([each for each in upstream.requests if each.model == model]) == 3
    wait_until(lambda: daemon.get("/readyz").status == 200, "no stream became free")
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")


def test_a_provider_that_is_full_gives_way_to_another(
    launch: Launch, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(gate)))
    spare.on_model(model, openai_stream(["Otra"]))
    daemon = launch(
        settings(
            provider("one", upstream.url, priority=1, max_streams=1), provider("two", spare.url, priority=2)
        )
    )

    first = daemon.stream(chat(model=model)).read_until("Ho")
    second = daemon.stream(chat(model=model))

    TEXT.assert_complete(second, "Otra")
    assert second.headers["X-Cortex-Provider"] == "two"
    gate.set()
    TEXT.assert_complete(first, "Hola")
