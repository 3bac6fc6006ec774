"""Coming back: every event once, whatever was cut and wherever, and never a silent hole."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from cortex_actors.client import Client, Context, Reconnect
from cortex_actors.streaming import ServerSentEvent
from tests.client import document
from tests.deploy.tools import command
from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.event_source import EVENT_STREAM, EventSource, events_of, numbers_of, text_of
from tests.live.settings_file import QUICK, provider, settings
from tests.redis_server import RedisServer
from tests.upstream import Gate, ScriptedUpstream, openai_stream

pytestmark = pytest.mark.needs("redis-server")

WORDS = ("Año", " nuevo,", " 新年", " 🎉👩‍👩‍👧", "\r\n\u2028\x85", ' "quoted" \\ {}', "\n\n", " fin")
TEXT = "".join(WORDS)

#: start, the words, end.
EVENTS = len(WORDS) + 2

#: No client waits long before it comes back, and none is looked for long; in seconds.
RETRY = 0.02
SERVER = {**QUICK["server"], "caller_check": 0.05}

NOBODY = "0123456789abcdef" * 2


@pytest.fixture(scope="module", params=["memory", "redis"])
def backend(request: pytest.FixtureRequest) -> str:
    """Where the journal is."""
    return str(request.param)


@pytest.fixture(scope="module")
def journal(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The sections about it."""
    with ExitStack() as stack:
        sections: dict[str, Any] = {"journal": {"backend": backend, "retry": RETRY}}
        if backend == "redis":
            server = stack.enter_context(RedisServer(tmp_path_factory.mktemp("redis")))
            sections["redis"] = {"url": server.url, "timeout": 1.0}
        yield sections


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream, journal: dict[str, Any]) -> str:
    return settings(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        server=SERVER,
        **journal,
    )


@pytest.fixture(scope="module")
def shared(shared: Daemon, upstream: ScriptedUpstream) -> Daemon:
    """With the threads that serve its journal, from the first resumable stream on."""
    upstream.on_model("first", openai_stream(["Hola"]))
    EventSource([shared.port], asked("first")).read()
    shared.warm_up(1)
    return shared


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What gated streams wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def script(upstream: ScriptedUpstream, model: str) -> str:
    """A model that says all the words."""
    upstream.on_model(model, openai_stream(WORDS, usage=(9, 8)))
    return model


@pytest.fixture
def gated(upstream: ScriptedUpstream, model: str, gate: threading.Event) -> str:
    """A model that says one word, and the others when the gate opens."""
    upstream.on_model(model, openai_stream(WORDS).pause(1, Gate(gate)))
    return model


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return chat(model=model, resumable=True, **fields)


def ask(daemon: Daemon, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """The head of an answer; header names with _ for -."""
    connection = daemon.connect()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.ask(method, path, body, {"Accept": EVENT_STREAM, **named})
    return connection.answer()


def resume(daemon: Daemon, stream: str, last: str = "", method: str = "GET", **headers: str) -> Answer:
    if last:
        headers["Last_Event_ID"] = last
    return ask(daemon, method, f"/api/chat/streams/{stream}", None, **headers)


def begun(daemon: Daemon, model: str, **fields: Any) -> Answer:
    """A running stream of which the first word has arrived."""
    return ask(daemon, "POST", "/api/chat", asked(model, **fields)).read_until("event: delta")


def stream_of(answer: Answer) -> str:
    return str(answer.headers["X-Cortex-Stream"])


def bare(events: list[ServerSentEvent]) -> list[ServerSentEvent]:
    """Without the pause before a reconnection, which each response begins with."""
    return [event._replace(retry=None) for event in events]


def requests_for(upstream: ScriptedUpstream, model: str) -> int:
    return len([each for each in list(upstream.requests) if each.model == model])


def metric(daemon: Daemon, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", daemon.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# -- every event once


def test_each_event_has_an_id_that_counts_up_the_last_one_too(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", asked(script))
    events = events_of(answer)

    stream = stream_of(answer)
    assert [event.id for event in events] == [f"{stream}:{n}" for n in range(1, EVENTS + 2)]
    assert [events[0].event, events[-2].event, events[-1].event] == ["start", "usage", "end"]
    assert json.loads(events[0].data)["id"] == stream
    assert answer.headers["X-Cortex-Resumable"] == "true"
    assert "X-Cortex-Ignored" not in answer.headers
    assert text_of(events) == TEXT
    assert re.fullmatch(r"[0-9a-f]{32}", stream)


def test_the_header_asks_for_it_as_well_as_the_field(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", chat(model=script), X_Cortex_Resumable="true")

    assert numbers_of(events_of(answer))[0] == 1


def test_a_stream_that_is_not_resumable_has_no_ids(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", chat(model=script, resumable=False))

    assert b"id: " not in answer.read().body
    assert b"retry: " not in answer.body
    assert "X-Cortex-Stream" not in answer.headers


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_client_that_is_cut_at_every_event_gets_each_once(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, method: str, reset: bool
) -> None:
    upstream.on_model(model, openai_stream(WORDS).paced(0.01))
    source = EventSource([daemon.port], asked(model))

    source.read(cut_after=1, method=method, reset=reset)

    assert source.text == TEXT
    assert numbers_of(source.seen) == list(range(1, EVENTS + 1))
    assert source.statuses == [200] * EVENTS
    assert requests_for(upstream, model) == 1
    assert source.retry == RETRY


def test_hundreds_of_disconnections_at_any_moment_lose_nothing_and_cost_nothing(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    random = Random(7)
    words = [f" {number}" for number in range(60)]
    upstream.on_model(model, openai_stream(words).paced(0.004))
    sources = [EventSource([daemon.port], asked(model)) for _ in range(18)]

    def follow(mine: list[EventSource]) -> None:
        for source in mine:
            while not source.over:
                method, reset = random.choice(("GET", "POST")), random.random() < 0.5
                source.read_some(random.randint(1, 9), method=method, reset=reset)

    threads = [threading.Thread(target=follow, args=(sources[number::6],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    for source in sources:
        assert source.text == "".join(words)
        assert numbers_of(source.seen) == list(range(1, len(words) + 3))
    assert sum(len(source.statuses) for source in sources) > 150
    assert requests_for(upstream, model) == len(sources)


@pytest.mark.parametrize("place", range(1, EVENTS))
def test_a_running_stream_goes_on_behind_each_event(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, gate: threading.Event, place: int
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(len(WORDS) - 1, Gate(gate)))
    first = ask(daemon, "POST", "/api/chat", asked(model)).read_until("event: start")
    stream = stream_of(first)
    first.read_until(f"id: {stream}:{min(place, EVENTS - 2)}\n")

    answer = resume(daemon, stream, f"{stream}:{min(place, EVENTS - 2)}")
    gate.set()

    assert numbers_of(events_of(answer)) == list(range(min(place, EVENTS - 2) + 1, EVENTS + 1))
    assert text_of(events_of(first)) == TEXT


def test_a_client_of_ours_reconnects_by_itself(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).paced(0.02))
    endpoint = {"id": "stream_chat", "method": "POST", "path": "/api/chat", "resource": "chat"}
    manifest = document({**endpoint, "streaming": True})
    reconnect = Reconnect(delay=RETRY, until=lambda event: event.event in ("end", "error"))
    context = Context(
        base_url=f"http://127.0.0.1:{daemon.port}",
        timeouts=20.0,
        reconnect=reconnect,
        headers={"Accept": EVENT_STREAM},
    )
    with Client(manifest, context) as client:
        events = list(client.execute_stream("stream_chat", asked(model)))

    assert "".join(json.loads(event.data or "{}").get("text", "") for event in events) == TEXT


def test_curl_goes_on_where_it_was(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", asked(script))
    events_of(answer)
    stream = stream_of(answer)
    url = f"http://127.0.0.1:{daemon.port}/api/chat/streams/{stream}"

    done = subprocess.run(
        [command("curl", "curl"), "-sN", url, "-H", f"Last-Event-ID: {stream}:3"],
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.startswith(b"retry: 20\nid: %b:4\nevent: delta\n" % stream.encode())


def test_without_an_id_it_is_told_from_the_start(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", asked(script))
    events = events_of(answer)

    assert events_of(resume(daemon, stream_of(answer))) == events


def test_the_framing_may_change_on_the_way(daemon: Daemon, script: str) -> None:
    first = ask(daemon, "POST", "/api/chat", asked(script), Accept="application/x-ndjson")
    lines = [json.loads(line) for line in first.read().text.split("\n")[:-1]]
    stream = stream_of(first)
    assert [line["event_id"] for line in lines] == [f"{stream}:{n}" for n in range(1, EVENTS + 2)]
    assert "".join(line.get("text", "") for line in lines) == TEXT

    assert numbers_of(events_of(resume(daemon, stream, lines[4]["event_id"])))[0] == 6


# -- readers


def test_several_readers_follow_at_once(daemon: Daemon, gated: str, gate: threading.Event) -> None:
    first = begun(daemon, gated)
    stream = stream_of(first)
    others = [resume(daemon, stream).read_until("event: delta") for _ in range(4)]

    gate.set()

    for answer in (first, *others):
        assert text_of(events_of(answer)) == TEXT


def test_who_reconnects_does_not_wait_for_the_connection_that_hangs(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    words = ["x" * 10_000] * 300
    upstream.on_model(model, openai_stream(words))
    with daemon.connect(receive_buffer=4096) as hanging:
        hanging.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
        stream = stream_of(hanging.answer())

        events = events_of(resume(daemon, stream))

    assert text_of(events) == "".join(words)
    assert numbers_of(events) == list(range(1, len(words) + 3))


def test_the_headers_of_a_resumed_stream_do_not_wait_for_its_next_event(
    daemon: Daemon, gated: str, gate: threading.Event
) -> None:
    first = begun(daemon, gated)
    stream = stream_of(first)

    answer = resume(daemon, stream, f"{stream}:2")  # returns with the head

    assert answer.status == 200
    assert answer.headers["X-Accel-Buffering"] == "no"
    gate.set()
    assert numbers_of(events_of(answer))[0] == 3
    events_of(first)


def test_who_has_the_last_event_is_told_to_stop(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", asked(script))
    last = events_of(answer)[-1].id

    for method, path in (("GET", f"/api/chat/streams/{stream_of(answer)}"), ("POST", "/api/chat")):
        again = ask(daemon, method, path, asked(script) if method == "POST" else None, Last_Event_ID=last)
        assert (again.status, again.read().body) == (204, b"")


def test_a_failure_is_an_event_with_an_id_and_the_last(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    failing = openai_stream(["Uno"], finish=None, done=False)
    upstream.on_model(model, failing)
    answer = ask(daemon, "POST", "/api/chat", asked(model, provider="one", recovery=False))
    events = events_of(answer)

    assert events[-1].event == "error"
    assert json.loads(events[-1].data)["code"] == "truncated_stream"
    assert events[-1].id == f"{stream_of(answer)}:{len(events)}"
    assert bare(events_of(resume(daemon, stream_of(answer), events[-2].id))) == bare(events[-1:])
    assert resume(daemon, stream_of(answer), events[-1].id).status == 204


def test_a_head_request_tells_and_attaches_nobody(daemon: Daemon, gated: str, gate: threading.Event) -> None:
    first = begun(daemon, gated)

    answer = resume(daemon, stream_of(first), method="HEAD")

    assert (answer.status, answer.read().body) == (200, b"")
    assert answer.headers["Content-Type"].startswith(EVENT_STREAM)
    gate.set()
    events = events_of(first)
    assert resume(daemon, stream_of(first), events[-1].id, method="HEAD").status == 204


def test_another_method_is_told_what_there_is(daemon: Daemon) -> None:
    answer = ask(daemon, "PUT", f"/api/chat/streams/{NOBODY}")

    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "DELETE", "OPTIONS"}


def test_a_polyfill_may_send_the_id_in_the_query(daemon: Daemon, script: str) -> None:
    first = ask(daemon, "POST", "/api/chat", asked(script))
    events = events_of(first)
    path = f"/api/chat/streams/{stream_of(first)}?lastEventId={events[3].id}"

    assert bare(events_of(ask(daemon, "GET", path))) == events[4:]
    assert bare(events_of(ask(daemon, "GET", path, Last_Event_ID=events[6].id))) == events[7:]


# -- what cannot be resumed


@pytest.mark.parametrize(
    "last", ["7", "$", "0-0", "nonsense", f"{NOBODY}:", f"{NOBODY}:-1", f"{NOBODY}:1.1", "é"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_id_that_was_not_made_here_is_refused(daemon: Daemon, script: str, last: str, method: str) -> None:
    path = f"/api/chat/streams/{NOBODY}" if method == "GET" else "/api/chat"

    answer = ask(daemon, method, path, asked(script) if method == "POST" else None, Last_Event_ID=last)

    assert (answer.status, answer.read().json["field"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_stream_that_never_was_is_not_answered_anew(
    daemon: Daemon, upstream: ScriptedUpstream, script: str, method: str
) -> None:
    path = "/api/chat" if method == "POST" else f"/api/chat/streams/{NOBODY}"

    answer = ask(
        daemon, method, path, asked(script) if method == "POST" else None, Last_Event_ID=f"{NOBODY}:1"
    )

    assert (answer.status, answer.read().json["code"]) == (404, "not_found")
    assert requests_for(upstream, script) == 0


@pytest.mark.parametrize("name", ["x", NOBODY.upper(), f"{NOBODY}/x", "..%2f", "%00"])
def test_a_name_that_no_stream_can_have_is_not_found(daemon: Daemon, name: str) -> None:
    assert ask(daemon, "GET", f"/api/chat/streams/{name}").read().status == 404


def test_an_id_of_another_stream_is_refused(daemon: Daemon, script: str) -> None:
    one, two = (ask(daemon, "POST", "/api/chat", asked(script)) for _ in range(2))
    events_of(one), events_of(two)

    answer = resume(daemon, stream_of(one), f"{stream_of(two)}:1")

    assert (answer.status, answer.read().json["field"]) == (400, "Last-Event-ID")


def test_an_event_that_has_not_come_yet_is_a_conflict(
    daemon: Daemon, gated: str, gate: threading.Event
) -> None:
    first = begun(daemon, gated)
    stream = stream_of(first)

    answer = resume(daemon, stream, f"{stream}:999")

    assert (answer.status, answer.read().json["code"]) == (409, "event_ahead")
    gate.set()
    events_of(first)


def test_an_event_behind_the_last_one_is_gone(daemon: Daemon, script: str) -> None:
    first = ask(daemon, "POST", "/api/chat", asked(script))
    events_of(first)
    stream = stream_of(first)

    answer = resume(daemon, stream, f"{stream}:999").read()

    assert (answer.status, answer.json["code"]) == (410, "events_gone")
    assert answer.headers["X-Cortex-First-Event"] == f"{stream}:1"
    assert answer.headers["X-Cortex-Last-Event"] == f"{stream}:{EVENTS + 1}"


def test_plain_text_has_no_place_for_ids(daemon: Daemon, upstream: ScriptedUpstream, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", asked(script), Accept="text/plain")

    assert answer.read().status == 406
    assert requests_for(upstream, script) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"resumable": "yes"}, "resumable"),
        ({"resumable": True, "on_disconnect": "drain"}, "on_disconnect"),
        ({"on_disconnect": "detach"}, "on_disconnect"),
        ({"on_disconnect": "nonsense"}, "on_disconnect"),
        ({"on_disconnect": 1}, "on_disconnect"),
    ],
)
def test_nonsense_names_its_field(
    daemon: Daemon, upstream: ScriptedUpstream, script: str, fields: dict[str, Any], field: str
) -> None:
    answer = ask(daemon, "POST", "/api/chat", chat(model=script, **fields)).read()

    assert (answer.status, answer.json["field"]) == (400, field)
    assert requests_for(upstream, script) == 0


def test_a_nonsensical_header_names_itself(daemon: Daemon, script: str) -> None:
    answer = ask(daemon, "POST", "/api/chat", chat(model=script), X_Cortex_Resumable="maybe").read()

    assert (answer.status, answer.json["field"]) == (400, "X-Cortex-Resumable")


# -- leaving


def test_a_stream_that_is_resumable_runs_on_without_its_caller(
    daemon: Daemon, upstream: ScriptedUpstream, gated: str, gate: threading.Event
) -> None:
    before = metric(daemon, 'cortex_streams_total{end="complete",provider="one"}')
    first = begun(daemon, gated)
    stream = stream_of(first)
    first.close()
    gate.set()

    wait_until(
        lambda: metric(daemon, 'cortex_streams_total{end="complete",provider="one"}') == before + 1,
        "the stream did not end",
    )
    assert text_of(events_of(resume(daemon, stream))) == TEXT


def test_a_resumable_stream_may_be_cancelled_by_leaving_it(
    daemon: Daemon, upstream: ScriptedUpstream, gated: str
) -> None:
    connection = daemon.connect()
    connection.ask("POST", "/api/chat", asked(gated, on_disconnect="cancel"), {"Accept": EVENT_STREAM})
    answer = connection.answer().read_until("event: delta")
    stream = stream_of(answer)
    (request,) = (each for each in upstream.requests if each.model == gated)

    connection.leave()

    assert request.closed.wait(10)
    events = events_of(resume(daemon, stream))
    assert (events[-1].event, json.loads(events[-1].data)["code"]) == ("error", "stream_cancelled")


def test_by_default_a_caller_that_leaves_ends_its_stream(
    daemon: Daemon, upstream: ScriptedUpstream, gated: str
) -> None:
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=gated), {"Accept": EVENT_STREAM})
        connection.answer().read_until("event: delta")

    (request,) = (each for each in upstream.requests if each.model == gated)
    assert request.closed.wait(10)


@pytest.mark.parametrize("accept", ["text/plain", EVENT_STREAM])
def test_a_stream_to_be_drained_is_finished_for_its_books(
    daemon: Daemon, upstream: ScriptedUpstream, gated: str, gate: threading.Event, accept: str
) -> None:
    name = 'cortex_streams_total{end="complete",provider="one"}'
    before = metric(daemon, name)
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=gated, on_disconnect="drain"), {"Accept": accept})
        connection.answer().read_until("Año")

    gate.set()

    wait_until(lambda: metric(daemon, name) == before + 1, "the stream was not finished")
    (request,) = (each for each in upstream.requests if each.model == gated)
    assert request.answered.wait(10)


def test_a_caller_that_leaves_before_the_first_word_costs_nothing_more(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(0, Gate(gate)))
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
        assert upstream.wait_for(lambda: requests_for(upstream, model) == 1)

    (request,) = (each for each in upstream.requests if each.model == model)
    assert request.closed.wait(10)


def test_a_stream_is_cancelled_by_deleting_it_and_all_readers_hear_of_it(
    daemon: Daemon, upstream: ScriptedUpstream, gated: str
) -> None:
    first = begun(daemon, gated)
    stream = stream_of(first)
    other = resume(daemon, stream).read_until("event: delta")

    assert resume(daemon, stream, method="DELETE").read().status == 204

    for answer in (first, other):
        events = events_of(answer)
        assert (events[-1].event, json.loads(events[-1].data)["code"]) == ("error", "stream_cancelled")
        assert numbers_of(events) == [1, 2, 3]
    (request,) = (each for each in upstream.requests if each.model == gated)
    assert request.closed.wait(10)
    assert resume(daemon, stream, method="DELETE").read().status == 204
    assert resume(daemon, stream, f"{stream}:3").status == 204


# -- bounds; each with a daemon of its own


def own_settings(upstream: ScriptedUpstream, journal: dict[str, Any], **changes: Any) -> str:
    sections = {**journal, "journal": {**journal["journal"], **changes}}
    return settings(provider("one", upstream.url), server=SERVER, **sections)


def test_of_a_long_stream_the_beginning_is_gone_and_that_is_told(
    launch: Launch, upstream: ScriptedUpstream, model: str, journal: dict[str, Any]
) -> None:
    upstream.on_model(model, openai_stream(["x" * 1000] * 50))
    daemon = launch(own_settings(upstream, journal, stream_bytes=10_000))
    first = ask(daemon, "POST", "/api/chat", asked(model))
    events = events_of(first)
    assert numbers_of(events) == list(range(1, 53))  # who reads along loses nothing

    answer = resume(daemon, stream_of(first), events[10].id).read()

    assert (answer.status, answer.json["code"]) == (410, "events_gone")
    oldest = answer.headers["X-Cortex-First-Event"]
    (place,) = (number for number, event in enumerate(events) if event.id == oldest)
    assert bare(events_of(resume(daemon, stream_of(first), oldest))) == events[place + 1 :]


def test_when_its_time_is_over_a_stream_is_gone_for_its_owner(
    launch: Launch, upstream: ScriptedUpstream, script: str, journal: dict[str, Any]
) -> None:
    daemon = launch(own_settings(upstream, journal, ttl=0.3))
    first = ask(daemon, "POST", "/api/chat", asked(script))
    events_of(first)

    wait_until(lambda: resume(daemon, stream_of(first)).read().status != 200, "it stays for ever")

    answer = resume(daemon, stream_of(first)).read()
    assert (answer.status, answer.json["code"]) == (410, "events_gone")
    assert "X-Cortex-First-Event" not in answer.headers


def test_where_nothing_may_be_kept_streams_are_served_and_say_that_they_are_not_resumable(
    launch: Launch, upstream: ScriptedUpstream, script: str, journal: dict[str, Any]
) -> None:
    daemon = launch(own_settings(upstream, journal, total_bytes=0))

    answer = ask(daemon, "POST", "/api/chat", asked(script))

    assert text_of(events_of(answer)) == TEXT
    assert answer.headers["X-Cortex-Resumable"] == "false"
    assert b"\nid: " not in answer.body


def test_readers_are_bounded(
    launch: Launch, upstream: ScriptedUpstream, gated: str, gate: threading.Event, journal: dict[str, Any]
) -> None:
    daemon = launch(own_settings(upstream, journal, max_readers=2))
    first = begun(daemon, gated)
    second = resume(daemon, stream_of(first)).read_until("event: delta")

    refused = resume(daemon, stream_of(first)).read()
    assert (refused.status, refused.json["code"]) == (503, "gateway_busy")
    assert int(refused.headers["Retry-After"]) >= 1

    gate.set()
    assert text_of(events_of(first)) == text_of(events_of(second)) == TEXT
    wait_until(lambda: resume(daemon, stream_of(first)).read().status == 200, "places stay taken")


def test_only_the_credential_that_opened_a_stream_finds_it(
    launch: Launch, upstream: ScriptedUpstream, gated: str, gate: threading.Event, journal: dict[str, Any]
) -> None:
    from hashlib import sha256

    keys = {name: f"cortex-{name}-{'k' * 32}" for name in ("ann", "bob")}
    callers = "".join(
        f'[[callers]]\nname = "{name}"\nkey_sha256 = "{sha256(key.encode()).hexdigest()}"\n'
        for name, key in keys.items()
    )
    daemon = launch(own_settings(upstream, journal) + callers)
    bearer = {name: f"Bearer {key}" for name, key in keys.items()}
    first = ask(daemon, "POST", "/api/chat", asked(gated), Authorization=bearer["ann"])
    first.read_until("event: delta")
    stream = stream_of(first)

    for method in ("GET", "HEAD", "DELETE"):
        assert resume(daemon, stream, method=method, Authorization=bearer["bob"]).read().status == 404
        assert resume(daemon, stream, method=method).read().status == 401
    again = ask(
        daemon, "POST", "/api/chat", asked(gated), Authorization=bearer["bob"], Last_Event_ID=f"{stream}:1"
    )
    assert again.read().status == 404

    gate.set()
    assert text_of(events_of(resume(daemon, stream, Authorization=bearer["ann"]))) == TEXT
    assert text_of(events_of(first)) == TEXT


def test_what_is_kept_is_shown_and_what_was_resumed_is_counted(
    launch: Launch, upstream: ScriptedUpstream, script: str, journal: dict[str, Any]
) -> None:
    daemon = launch(own_settings(upstream, journal))
    assert metric(daemon, "cortex_journal_streams") == 0
    first = ask(daemon, "POST", "/api/chat", asked(script))
    events_of(first)
    events_of(resume(daemon, stream_of(first)))

    assert metric(daemon, "cortex_journal_streams") == 1
    assert metric(daemon, "cortex_journal_bytes") > len(TEXT)
    assert metric(daemon, 'cortex_streams_resumed_total{found="here"}') == 1


def test_a_reader_that_takes_nothing_slows_the_provider_and_is_dropped(
    launch: Launch, upstream: ScriptedUpstream, model: str, journal: dict[str, Any]
) -> None:
    upstream.on_model(model, openai_stream(["x" * 65_536] * 1000))
    sections = {**journal, "server": {**SERVER, "write_timeout": 1.0}}
    daemon = launch(settings(provider("one", upstream.url), **sections))
    with daemon.connect(receive_buffer=4096) as connection:
        connection.ask("POST", "/api/chat", asked(model, on_disconnect="cancel"), {"Accept": EVENT_STREAM})
        connection.answer()
        (request,) = (each for each in upstream.requests if each.model == model)

        assert request.closed.wait(20)

    assert request.sent < 40 * 2**20
    assert daemon.resident_bytes() < 400 * 2**20
