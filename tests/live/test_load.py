"""Many streams at once, and many one after another: all exact, and nothing left of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.live.caller import PATIENCE
from tests.live.daemon import Daemon, Figures, chat, wait_until
from tests.live.framings import ALL
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, Stream, json_answer, openai_stream

AT_ONCE = 200
IN_A_ROW = 2000

#: Callers that run side by side; as many as this machine keeps busy.
CALLERS = 24

THREADS = AT_ONCE + 16

WORDS = [f"{number} " for number in range(20)]
TEXT_OF_ALL = "".join(WORDS)


@pytest.fixture(scope="module")
def backdoor() -> bool:
    return True


@pytest.fixture(scope="module")
def pool_threads() -> int:
    return THREADS


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    return settings(
        provider("one", upstream.url, priority=1, max_streams=AT_ONCE),
        provider("two", spare.url, priority=2),
        server={"max_streams": AT_ONCE, "spare_threads": THREADS - AT_ONCE, "max_followers": 0},
        journal={"max_readers": 0},
        limits={"first_token": 30.0, "idle": 30.0, "total": 60.0},
    )


def test_two_hundred_streams_at_once_are_all_exact(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(WORDS).pause(1, Gate(gate)))
    with ExitStack() as stack:
        running = []
        for number in range(AT_ONCE):
            framing = ALL[number % len(ALL)]
            connection = stack.enter_context(daemon.connect())
            asked = chat(model=model, provider="one")
            connection.ask("POST", "/api/chat", asked, {"Accept": framing.accept})
            running.append((framing, connection))
        assert upstream.wait_for(lambda: sum(each.model == model for each in upstream.requests) == AT_ONCE)
        gate.set()
        for framing, connection in running:
            framing.assert_complete(connection.answer(), TEXT_OF_ALL)


def complete(daemon: Daemon, model: str, number: int) -> None:
    framing = ALL[number % len(ALL)]
    with daemon.connect() as connection:
        asked = chat(model=f"{model}-whole", provider="one")
        connection.ask("POST", "/api/chat", asked, {"Accept": framing.accept})
        framing.assert_complete(connection.answer(), TEXT_OF_ALL)


def abort(daemon: Daemon, model: str, number: int) -> None:
    with daemon.connect() as connection:
        asked = chat(model=f"{model}-slow", provider="one")
        connection.ask("POST", "/api/chat", asked, {"Accept": ALL[number % len(ALL)].accept})
        if number % 2:
            connection.answer().read_until("0 ")
        connection.leave(reset=number % 4 > 1)


def fail(daemon: Daemon, model: str, number: int) -> None:
    framing = ALL[number % len(ALL)]
    with daemon.connect() as connection:
        kind = "cut" if number % 2 else "refused"
        asked = chat(model=f"{model}-{kind}", provider="one")
        connection.ask("POST", "/api/chat", asked, {"Accept": framing.accept})
        if number % 2:
            framing.assert_failed(connection.answer(), TEXT_OF_ALL, "truncated_stream")
        else:
            assert connection.answer().read().status == 503


def mixed(daemon: Daemon, model: str) -> Iterator[None]:
    """A third of them completes, a third is given up by its caller, a third fails upstream."""
    kinds = (complete, abort, fail)
    with ThreadPoolExecutor(CALLERS) as callers:
        done = [callers.submit(kinds[n % 3], daemon, model, n // 3) for n in range(IN_A_ROW)]
        for each in done:
            yield each.result(PATIENCE)


def test_two_thousand_streams_of_every_fate_leave_nothing_behind(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    whole: Stream = openai_stream(WORDS)
    upstream.on_model(f"{model}-whole", whole)
    upstream.on_model(f"{model}-slow", whole.paced(0.05))
    upstream.on_model(f"{model}-cut", openai_stream(WORDS, finish=None, done=False))
    upstream.on_model(f"{model}-refused", json_answer(402))
    actors = count_actors(daemon)
    before, books = daemon.figures(), unaccounted(daemon)

    assert len(list(mixed(daemon, model))) == IN_A_ROW

    wait_until(lambda: count_actors(daemon) == actors, lambda: f"{count_actors(daemon)} actors, not {actors}")
    wait_until(
        lambda: idle(upstream, daemon.figures(), before),
        lambda: f"left behind: {daemon.figures()}, before: {before}",
    )
    wait_until(
        lambda: unaccounted(daemon) == books, "a request was not counted as exactly one end of a stream"
    )


def count_actors(daemon: Daemon) -> int:
    number: int = daemon.get("/_chaos/counts").json["actors"]
    return number


def idle(upstream: ScriptedUpstream, now: Figures, before: Figures) -> bool:
    """As before, beside the connections upstream that are kept for later; those are alive on both sides."""
    return (
        now.callers == 0 and now.descriptors <= before.descriptors and now.upstreams == upstream.open_sockets
    )


def unaccounted(daemon: Daemon) -> int:
    """Requests in the log, less the ends of streams in the metrics, under whatever name."""
    series = [
        line for line in daemon.get("/metrics").text.splitlines() if line.startswith("cortex_streams_total")
    ]
    return len(daemon.lines(" POST /api/chat ")) - sum(int(float(line.split()[-1])) for line in series)
