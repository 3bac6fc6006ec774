"""Looking inside a real daemon: quick while every actor hangs, followed live, and no hindrance to its end."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.noise import Noise, wait_for_quiet
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, openai_stream

STREAMS = 200
REQUESTS = 200
ROUNDS = 3

#: What the promise names, in milliseconds.
PROMISED = 50.0

VIEWS = ("/livez", "/readyz", "/api/actors", "/metrics", "/api/streams", "/api/health?detailed=true")

#: Actors that are there for one stream alone.
OF_STREAMS = ("dispatchers/", "providers/one/streams/")


def text(upstream: ScriptedUpstream, **sections: Any) -> str:
    """Settings for a daemon that hangs: nobody is replaced, and no fuse blows."""
    return settings(
        provider("one", upstream.url, max_streams=STREAMS),
        server={"max_streams": STREAMS, "spare_threads": 8, "max_followers": 4, "drain_timeout": 1.0},
        limits={"first_token": 60.0, "idle": 60.0, "total": 300.0},
        supervision={"hang_timeout": 600.0, "stall_limit": 0},
        **sections,
    )


@contextmanager
def streams_under_way(daemon: Daemon, upstream: ScriptedUpstream) -> Iterator[list[Answer]]:
    """As many streams as may run, each with a word every two seconds."""
    upstream.default = openai_stream(["word "] * 600).paced(2.0)
    with ExitStack() as stack:
        asked = [stack.enter_context(daemon.connect()) for _ in range(STREAMS)]
        for connection in asked:
            connection.ask("POST", "/api/chat", chat(), {"Accept": "text/event-stream"})
        yield [connection.answer().read_until("word") for connection in asked]


def server_times(daemon: Daemon, path: str) -> list[float]:
    """How long the daemon took for each of many requests for this path, in milliseconds, by its own log.

    What the caller measures is, on a machine that others use too, mostly the caller.
    """
    where = path.partition("?")[0]
    line = re.compile(rf"\[.*?\bms=([0-9.]+).*?\] GET {where} \d+")
    before = len(daemon.log)
    for _ in range(REQUESTS):
        daemon.get(path)

    def found() -> list[float]:
        return [float(hit[1]) for each in daemon.log[before:] if (hit := line.search(each))]

    wait_until(lambda: len(found()) == REQUESTS, lambda: f"{len(found())} lines of {path} in the log")
    return sorted(found())


def p99_of(daemon: Daemon, path: str) -> float:
    """The 99th percentile in milliseconds, less what the machine lost to others meanwhile.

    In the first of some rounds that keeps the promise: an actor that somebody waits for spoils all of them, a
    neighbour only some.
    """
    rounds: list[float] = []
    for _ in range(ROUNDS):
        with Noise() as noise:
            times = server_times(daemon, path)
        p99 = times[int(len(times) * 0.99) - 1]
        print(f"{daemon.mode} {path}: p50 {times[len(times) // 2]}, p99 {p99}, noise {noise.p99():.1f} ms")
        rounds.append(p99 - noise.p99())
        if rounds[-1] < PROMISED:
            break
    return min(rounds)


@pytest.mark.parametrize("spared", [OF_STREAMS, ()], ids=["streams go on", "dispatchers hang too"])
def test_views_and_probes_answer_at_once_while_every_actor_hangs(
    launch: Launch, upstream: ScriptedUpstream, spared: tuple[str, ...]
) -> None:
    daemon = launch(text(upstream), backdoor=True)
    with streams_under_way(daemon, upstream):
        hung = daemon.post("/_chaos/hang?" + "&".join(f"but={prefix}" for prefix in spared)).json["hung"]
        assert {"router", "health", "watchdog", "registry", "providers", "providers/one/worker"} <= set(hung)
        assert len(hung) > 9 or spared
        wait_until(lambda: busy_with(daemon, "router") == "Quagmire", "the router does not hang")

        wait_for_quiet(60.0)
        for path in VIEWS:
            assert p99_of(daemon, path) < PROMISED, path
        assert daemon.get("/api/streams?limit=1").json["total"] == STREAMS


def busy_with(daemon: Daemon, name: str) -> str | None:
    found: str | None = daemon.get(f"/api/actors/{name}").json["actor"]["busy_with"]
    return found


# -- following


class Follower:
    """One that follows, and reads when it likes."""

    def __init__(self, daemon: Daemon, path: str, last: str | None = None) -> None:
        self._connection = daemon.connect()
        told = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        self._connection.ask("GET", path, None, told)
        self.answer = self._connection.answer()

    def events(self) -> list[dict[str, Any]]:
        """Every event so far, each with its kind on the wire."""
        found = []
        for block in self.answer.text.split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":"
            )
            if "data" in fields:
                found.append({"on": fields["event"], "id": fields.get("id"), **json.loads(fields["data"])})
        return found

    def leave(self) -> None:
        self._connection.leave()


def state_of(daemon: Daemon) -> dict[str, Any]:
    """What the dashboard shows first."""
    follower = Follower(daemon, "/api/dashboard/feed")
    follower.answer.read_until('"followers":{')
    follower.answer.read_until("}\n\n")
    (state, *_) = (event for event in follower.events() if event["on"] == "state")
    follower.leave()
    return state


@pytest.fixture
def watched(launch: Launch, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Daemon:
    """A daemon with two providers, three threads to spare, and seats for two followers."""
    upstream.default = openai_stream(["Ho", "la"])
    spare.default = openai_stream(["Ho", "la"])
    return launch(
        settings(
            provider("one", upstream.url, priority=1),
            provider("two", spare.url, priority=2),
            server={"max_streams": 4, "spare_threads": 3, "max_followers": 2, "drain_timeout": 10.0},
        ),
        backdoor=True,
    )


def test_a_follower_sees_an_actor_die_and_come_back_and_goes_on_where_it_was(watched: Daemon) -> None:
    follower = Follower(watched, "/api/events")
    follower.answer.read_until("retry: 2000")
    watched.post("/_chaos/kill?actor=health")
    follower.answer.read_until('"kind":"actor_restarted"').read_until('"repeated":0}\n\n')
    ended, restarted = follower.events()
    assert [(event["kind"], event["subject"]) for event in (ended, restarted)] == [
        ("actor_ended", "health"),
        ("actor_restarted", "health"),
    ]
    follower.leave()

    watched.post("/_chaos/kill?actor=health")
    again = Follower(watched, "/api/events", last=ended["id"])
    again.answer.read_until("health is there again, generation 3").read_until('"repeated":0}\n\n')
    assert [(event["kind"], event["fields"]["generation"]) for event in again.events()] == [
        ("actor_restarted", 2),
        ("actor_ended", 2),
        ("actor_restarted", 3),
    ]
    again.leave()

    told = watched.get("/api/actors/health").json["actor"]
    assert (told["restarts"], told["last_exit"]["kind"]) == (2, "killed")
    assert told["last_exit"]["at"] >= restarted["time"]


def test_the_state_of_a_dashboard_has_everything_in_it(watched: Daemon, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    running = watched.stream(chat(), "text/event-stream").read_until("Ho")
    state = state_of(watched)
    gate.set()
    running.read()

    assert (state["status"], state["live"], state["ready"]) == ("healthy", True, True)
    assert state["process"]["mode"] == watched.mode
    assert [each["name"] for each in state["providers"]] == ["one", "two"]
    assert state["providers"][0]["breakers"][0]["state"] == "closed"
    (stream,) = state["streams"]["listed"]
    assert (stream["provider"], stream["state"], stream["chunks"]) == ("one", "streaming", 2)
    assert state["tree"]["name"] == "cortex"
    assert len(state["rates"]["per_second"]) == 60


def test_followers_have_threads_of_their_own(watched: Daemon) -> None:
    followers = [Follower(watched, "/api/dashboard/feed") for _ in range(2)]
    for follower in followers:
        follower.answer.read_until("event: state")
    refused = Follower(watched, "/api/events").answer.read()
    assert (refused.status, refused.json["code"]) == (503, "gateway_busy")

    # All streams that may run do, and somebody is still there for probes.
    for _ in range(12):
        assert watched.get("/livez").status == 200
    assert watched.post("/api/chat/complete", chat()).status == 200
    for follower in followers:
        follower.leave()
    wait_until(
        lambda: watched.get("/api/health?detailed=true").json["process"]["followers"] == 0, "seats are held"
    )


def test_followers_do_not_hold_up_the_end(watched: Daemon) -> None:
    followers = [Follower(watched, path) for path in ("/api/events", "/api/dashboard/feed")]
    for follower in followers:
        follower.answer.read_until("retry: 2000")
    began = time.monotonic()
    watched.terminate()
    for follower in followers:
        follower.answer.read()
        assert follower.answer.whole
        assert [event["text"] for event in follower.events() if event.get("kind") == "drain"] == [
            "the gateway drains",
            "the gateway has drained",
        ]
    assert watched.wait() == 0
    assert time.monotonic() - began < 9.0, "somebody was waited for"
    watched.assert_no_traceback()


def test_a_follower_sees_the_whole_drain_of_a_stream(watched: Daemon, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    running = watched.stream(chat(), "text/event-stream").read_until("Ho")
    follower = Follower(watched, "/api/events")
    follower.answer.read_until("retry: 2000")
    watched.terminate()
    follower.answer.read_until('"text":"the gateway drains"')
    gate.set()
    assert running.read().whole
    follower.answer.read_until('"text":"the gateway has drained"').read()
    assert watched.wait() == 0


# -- stacks


def test_sigusr1_writes_where_every_thread_stands_and_nothing_else_changes(watched: Daemon) -> None:
    watched.signal_worker(signal.SIGUSR1)

    line = watched.wait_for_log(" router: ")
    assert "otp/mailbox.py" in line
    assert watched.wait_for_log("most recent call first"), "the raw dump is missing"
    assert watched.get("/livez").status == 200


def test_the_master_passes_sigusr1_on(watched: Daemon) -> None:
    os.kill(watched.pid, signal.SIGUSR1)

    watched.wait_for_log(" router: ")
    assert watched.get("/livez").status == 200


def test_the_stack_of_a_hung_actor_tells_where_it_hangs(watched: Daemon) -> None:
    watched.post("/_chaos/hang")
    wait_until(lambda: busy_with(watched, "router") == "Quagmire", "the router does not hang")

    told = watched.get("/api/actors/router?stack=true").json
    frames = [frame["function"] for frame in told["stack"]["frames"]]
    assert told["stack"]["kind"] == ("greenlet" if watched.mode == "gevent" else "thread")
    assert "_actor_take" in frames
    assert "__class__" in frames
