"""Any actor may be killed while streams run: it comes back, and no stream loses a word to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import ALL, SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, openai_stream

STREAMS = 20

#: Everybody in the tree who is not there for one stream alone.
PERMANENT = (
    "providers/one/worker",
    "providers/one/prober",
    "providers/one/streams",
    "providers/one",
    "providers",
    "router",
    "health",
    "registry",
    "watchdog",
    "dispatchers",
)


@pytest.fixture(scope="module")
def backdoor() -> bool:
    return True


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    return settings(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        # Tests kill more in a second than a tree should forgive.
        supervision={"max_restarts": 10_000},
    )


def names(daemon: Daemon) -> dict[str, str]:
    """Everybody who has a name, and who that is now."""
    found: dict[str, str] = daemon.get("/_chaos/counts").json["names"]
    return found


def kill(daemon: Daemon, name: str) -> None:
    """Kills the actor of this name."""
    assert daemon.post(f"/_chaos/kill?actor={name}").status == 200, f"there is no {name}"


def assert_replaced(daemon: Daemon, name: str, before: dict[str, str]) -> None:
    """Another actor has the name, and everybody else is there too."""
    wait_until(
        lambda: (now := names(daemon)).get(name, before[name]) != before[name] and set(PERMANENT) <= set(now),
        lambda: f"{name} did not come back; there are {sorted(names(daemon))}",
    )


@contextmanager
def streams_under_way(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> Iterator[tuple[list[tuple[Framing, Answer]], threading.Event]]:
    """Streams in all framings that have said "Uno" and wait for the event to say the rest."""
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Uno", " dos", " tres"]).pause(1, Gate(gate)))
    try:
        with ExitStack() as stack:
            running = []
            for number in range(STREAMS):
                connection = stack.enter_context(daemon.connect())
                framing = ALL[number % len(ALL)]
                asked = chat(model=model, provider="one")
                connection.ask("POST", "/api/chat", asked, {"Accept": framing.accept})
                running.append((framing, connection.answer().read_until("Uno")))
            yield running, gate
    finally:
        gate.set()


@pytest.mark.parametrize("victim", PERMANENT)
def test_no_stream_loses_a_word_when_an_actor_is_killed(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, victim: str
) -> None:
    before = names(daemon)
    with streams_under_way(daemon, upstream, model) as (running, gate):
        kill(daemon, victim)
        assert_replaced(daemon, victim, before)

        later = f"{model}-later"
        upstream.on_model(later, openai_stream(["De", " nuevo"]))
        TEXT.assert_complete(daemon.stream(chat(model=later, provider="one")), "De nuevo")

        gate.set()
        for framing, answer in running:
            framing.assert_complete(answer, "Uno dos tres")
    assert len([each for each in upstream.requests if each.model == model]) == STREAMS


@pytest.mark.parametrize("victim", PERMANENT)
def test_a_request_in_the_moment_of_a_restart_is_served(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str, victim: str
) -> None:
    for server in (upstream, spare):
        server.on_model(model, openai_stream(["Ho", "la"]))
    for _ in range(10):
        before = names(daemon)
        kill(daemon, victim)
        TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
        assert_replaced(daemon, victim, before)


def test_a_stream_whose_own_worker_is_killed_says_so_and_no_other_does(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    before = names(daemon)
    alone = threading.Event()
    its_model = f"{model}-alone"
    upstream.on_model(its_model, openai_stream(["Ho", "la"]).pause(1, Gate(alone)))
    asked = chat(model=its_model, provider="one")
    told = daemon.stream(asked, SSE.accept).read_until("Ho")
    (worker,) = (
        name for name in names(daemon).keys() - before.keys() if name.startswith("providers/one/streams/")
    )

    with streams_under_way(daemon, upstream, model) as (running, gate):
        kill(daemon, worker)
        SSE.assert_failed(told, "Ho", "internal_error")

        gate.set()
        for framing, answer in running:
            framing.assert_complete(answer, "Uno dos tres")
    (request,) = (each for each in upstream.requests if each.model == its_model)
    assert request.closed.wait(10)


def test_a_stream_whose_dispatcher_is_killed_says_so_and_no_other_does(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    before = names(daemon)
    alone = threading.Event()
    its_model = f"{model}-alone"
    upstream.on_model(its_model, openai_stream(["Ho", "la"]).pause(1, Gate(alone)))
    told = daemon.stream(chat(model=its_model, provider="one"), SSE.accept).read_until("Ho")
    (dispatcher,) = (name for name in names(daemon).keys() - before.keys() if name.startswith("dispatchers/"))

    with streams_under_way(daemon, upstream, model) as (running, gate):
        kill(daemon, dispatcher)
        SSE.assert_failed(told, "Ho", "internal_error")

        gate.set()
        for framing, answer in running:
            framing.assert_complete(answer, "Uno dos tres")
    (request,) = (each for each in upstream.requests if each.model == its_model)
    assert request.closed.wait(10)


def test_the_tree_tells_who_was_restarted(daemon: Daemon) -> None:
    before = names(daemon)
    kill(daemon, "health")
    assert_replaced(daemon, "health", before)

    (health,) = (node for node in _nodes(daemon.get("/api/actors").json) if node.get("name") == "health")
    assert health["restarts"] >= 1
    assert health["last_exit"]["kind"] == "killed"


def test_a_tree_that_gives_up_ends_the_process_with_an_error(
    launch: Launch, upstream: ScriptedUpstream
) -> None:
    daemon = launch(settings(provider("one", upstream.url), supervision={"max_restarts": 0}), backdoor=True)

    kill(daemon, "router")

    assert daemon.wait() == 3
    assert daemon.lines("the supervision tree gave up")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object somewhere inside."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each)
