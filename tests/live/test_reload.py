"""A reload: other settings at once and as a whole, or not at all; and nobody who is being served notices."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import ALL, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, RecordedRequest, ScriptedUpstream, json_answer, openai_stream

#: Streams that run on each provider while everything around them changes.
RUNNING = 12

#: Callers that ask all the while, one short answer after another.
CALLERS = 4

RELOADED, REFUSED = "settings reloaded: ", "the settings were not reloaded"

Streams = list[tuple[Framing, Answer]]


@pytest.fixture
def third() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What gated streams wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def callers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def room(**sections: Any) -> dict[str, Any]:
    """Settings under which the load of these tests is no load."""
    return {"server": {"max_streams": 100}, **sections}


def begun(daemon: Daemon, callers: ExitStack, name: str, model: str) -> Streams:
    """Streams of one provider, in all framings, that have said "Uno"."""
    running = []
    for number in range(RUNNING):
        framing = ALL[number % len(ALL)]
        connection = callers.enter_context(daemon.connect())
        connection.ask("POST", "/api/chat", chat(model=model, provider=name), {"Accept": framing.accept})
        running.append((framing, connection.answer().read_until("Uno")))
    return running


@contextmanager
def busy(daemon: Daemon, model: str) -> Iterator[Callable[[], int]]:
    """Callers that ask for short answers until the block ends; every one of them must be whole."""
    stop, asked = threading.Event(), [0] * CALLERS

    def ask(number: int) -> None:
        while not stop.is_set():
            with daemon.connect() as connection:
                connection.ask("POST", "/api/chat", chat(model=model), {"Accept": TEXT.accept})
                TEXT.assert_complete(connection.answer(), "Hola")
            asked[number] += 1

    with ThreadPoolExecutor(CALLERS) as threads:
        work = [threads.submit(ask, number) for number in range(CALLERS)]
        try:
            yield lambda: sum(asked)
        finally:
            stop.set()
        for each in work:
            each.result()


def goes_on(asked: Callable[[], int]) -> None:
    """Waits until everybody has been answered some more times."""
    before = asked()
    wait_until(lambda: asked() >= before + 5 * CALLERS, "nobody is answered any more")


def names(daemon: Daemon) -> list[str]:
    """The providers that can be asked."""
    return [each["name"] for each in daemon.get("/api/providers").json["providers"]]


def actors(daemon: Daemon) -> list[str]:
    """The providers that have actors."""
    tree = daemon.get("/api/actors?temporary=false").json["tree"]
    (providers,) = (child for child in tree["children"] if child["name"] == "providers")
    return [child["id"] for child in providers["children"]]


def of_model(upstream: ScriptedUpstream, model: str) -> list[RecordedRequest]:
    return [request for request in upstream.requests if request.model == model]


def test_a_reload_under_load_cuts_no_stream(
    launch: Launch,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    third: ScriptedUpstream,
    model: str,
    gate: threading.Event,
    callers: ExitStack,
) -> None:
    slow = openai_stream(["Uno", " dos", " tres"]).pause(1, Gate(gate))
    for each in (upstream, spare, third):
        each.on_model(f"{model}-slow", slow)
        each.on_model(model, openai_stream(["Ho", "la"]))
    kept, moving = provider("kept", upstream.url), provider("moving", spare.url)
    leaving, coming = provider("leaving", third.url), provider("coming", third.url)
    moved = provider("moving", third.url, priority=7, max_streams=50)
    daemon = launch(settings(kept, moving, leaving, **room()))
    worker = daemon.worker
    running = [
        stream
        for name in ("kept", "moving", "leaving")
        for stream in begun(daemon, callers, name, f"{model}-slow")
    ]

    with busy(daemon, model) as asked:
        steps = (
            ("providers added: coming", settings(kept, moving, leaving, coming, **room())),
            ("removed: leaving", settings(kept, moving, coming, **room())),
            ("changed: moving", settings(kept, moved, coming, **room())),
        )
        for number, (told, text) in enumerate(steps, 1):
            daemon.hang_up(text)
            assert told in daemon.wait_for_log(RELOADED, number)
            goes_on(asked)
        daemon.hang_up("[[providers]]\nname = 'broken")
        daemon.wait_for_log(REFUSED)
        goes_on(asked)

        assert names(daemon) == ["moving", "coming", "kept"]  # by priority, then by name
        assert actors(daemon) == ["kept", "moving", "leaving", "coming"], "it still has streams"
        gate.set()
        for framing, answer in running:
            framing.assert_complete(answer, "Uno dos tres")

    wait_until(lambda: "leaving" not in actors(daemon), "its actors are still there")
    for each in (upstream, spare, third):
        assert len(of_model(each, f"{model}-slow")) == RUNNING, "somebody was asked twice"
    assert daemon.worker == worker
    daemon.assert_no_traceback()


def test_a_provider_that_moves_is_asked_where_it_is_now(
    launch: Launch, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    for each in (upstream, spare):
        each.on_model(model, openai_stream(["Ho", "la"]))
    daemon = launch(settings(provider("one", upstream.url)))
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")

    daemon.hang_up(settings(provider("one", spare.url)))
    daemon.wait_for_log(RELOADED)
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")

    assert [len(of_model(each, model)) for each in (upstream, spare)] == [1, 1]


def test_what_is_known_of_keys_that_stay_is_kept(
    launch: Launch, upstream: ScriptedUpstream, model: str, tmp_path: Any
) -> None:
    """The first key is refused; another one joins, and nobody tries the refused one again."""

    def script(request: RecordedRequest) -> Any:
        bad = request.headers["authorization"].endswith("bad-key")
        return json_answer(401) if bad else openai_stream(["Ho", "la"])

    upstream.on_model(model, script)
    keys = tmp_path / "keys"
    keys.write_text("the-bad-key\nthe-good-key\n")
    daemon = launch(
        settings(provider("one", upstream.url, keys_env="ONE_KEYS")), environ={"ONE_KEYS_FILE": str(keys)}
    )
    for _ in range(2):
        TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    used = len(of_model(upstream, model))

    keys.write_text("the-bad-key\nthe-good-key\nthe-new-key\n")
    daemon.hang_up()
    assert "changed: one" in daemon.wait_for_log(RELOADED)
    for _ in range(6):
        TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")

    later = [each.headers["authorization"] for each in of_model(upstream, model)[used:]]
    assert sorted(set(later)) == ["Bearer the-good-key", "Bearer the-new-key"]
    assert len(later) == 6
    for secret in ("the-bad-key", "the-good-key", "the-new-key"):
        assert not daemon.lines(secret)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[providers]]\nname = 'x", ["is not valid TOML"]),
        (
            "[routing]\nstrategy = 'luck'\n[server]\nprot = 1\n",
            ["routing.strategy must be", "did you mean port?"],
        ),
        (
            settings(provider("one", "http://127.0.0.1:1", options={"no_such_option": 1})),
            ["no_such_option"],
        ),
    ],
    ids=["no TOML", "two mistakes", "an option no dialect knows"],
)
def test_a_bad_file_is_refused_whole_with_every_mistake(
    launch: Launch, upstream: ScriptedUpstream, model: str, text: str, told: list[str]
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    daemon = launch(settings(provider("one", upstream.url)))

    daemon.hang_up(text)
    line = daemon.wait_for_log(REFUSED)

    assert all(each in line for each in told), line
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    assert names(daemon) == ["one"]
    metrics = daemon.get("/metrics").text
    assert 'cortex_config_reloads_total{result="refused"} 1.0' in metrics


def test_what_cannot_change_while_it_runs_is_named_and_left_as_it_is(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    daemon = launch(settings(provider("one", upstream.url)))

    server = {"spare_threads": 99, "max_streams": 5000, "heartbeat": 3.0}
    supervision = {"max_restarts": 17}
    daemon.hang_up(settings(provider("one", upstream.url), server=server, supervision=supervision))

    line = daemon.wait_for_log(RELOADED)
    assert "settings: server.heartbeat;" in line
    assert "at the next start: server.max_streams, server.spare_threads, supervision.max_restarts" in line
    assert daemon.get("/api/health?detailed=true").json["streams"]["max"] == 40
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")


def test_fewer_streams_are_allowed_at_once(
    launch: Launch, upstream: ScriptedUpstream, model: str, gate: threading.Event, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Gate(gate)))
    daemon = launch(settings(provider("one", upstream.url)))
    running = begun(daemon, callers, "one", model)

    daemon.hang_up(settings(provider("one", upstream.url), server={"max_streams": RUNNING}))
    daemon.wait_for_log(RELOADED)
    refused = daemon.post("/api/chat", chat(model=model))

    assert (refused.status, refused.json["code"]) == (503, "gateway_busy")
    gate.set()
    for framing, answer in running:
        framing.assert_complete(answer, "Uno dos")


def test_who_may_call_and_what_is_logged_follow_the_file(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    one = provider("one", upstream.url)
    daemon = launch(settings(one))
    hash_of_alice = "a" * 64

    caller = f'[[callers]]\nname = "alice"\nkey_sha256 = "{hash_of_alice}"\n'
    daemon.hang_up(settings(one, logs={"format": "json", "access": False}) + caller)
    assert '"level": "info"' in daemon.wait_for_log(RELOADED)
    refused = daemon.post("/api/chat", chat(model=model))

    assert refused.status == 401
    assert not daemon.lines("POST /api/chat 401")


def test_a_signal_while_nothing_has_changed_changes_nothing(
    launch: Launch, upstream: ScriptedUpstream
) -> None:
    daemon = launch(settings(provider("one", upstream.url)))
    for number in range(3):
        daemon.hang_up()
        assert daemon.wait_for_log(RELOADED, number + 1).rstrip().endswith("settings reloaded: nothing")


def test_a_worker_process_that_is_replaced_starts_with_what_was_reloaded(
    launch: Launch, upstream: ScriptedUpstream
) -> None:
    daemon = launch(settings(provider("one", upstream.url)))
    daemon.hang_up(settings(provider("one", upstream.url), provider("two", upstream.url)))
    daemon.wait_for_log(RELOADED)
    before = daemon.worker

    daemon.signal_worker(signal.SIGKILL)

    wait_until(lambda: daemon.worker != before and names(daemon) == ["one", "two"], "no new worker with both")
