"""Two instances and one Redis: a stream outlives the instance that runs it, and any outage of Redis."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis as library

from cortex_actors.journal.parcels import Parcel, Place, Sight
from cortex_actors.journal.redis_streams import RedisStreams
from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.event_source import EVENT_STREAM, EventSource, events_of, numbers_of, text_of
from tests.live.settings_file import QUICK, provider, settings
from tests.redis_server import RedisServer
from tests.upstream import Gate, Hang, RecordedRequest, Script, ScriptedUpstream, openai_stream

pytestmark = pytest.mark.needs("redis-server")

WORDS = ("Año", " nuevo,", " 新年", " 🎉👩‍👩‍👧", " para", ' "todos"', "\n\n", " fin")
TEXT = "".join(WORDS)
EVENTS = len(WORDS) + 2

#: A lease that ends soon, one that never does, and how long readers wait for Redis; in seconds.
LEASE, FOREVER, PATIENT = 1.0, 600.0, 10.0

SERVER = {**QUICK["server"], "caller_check": 0.05}
KEY = "sk-canary-key-of-the-provider"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What gated streams wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


class Instances:
    """Daemons with the same settings."""

    def __init__(self, launch: Launch, upstream: ScriptedUpstream, redis: RedisServer) -> None:
        self._launch = launch
        self._upstream = upstream
        self._redis = redis

    def start(
        self, *, lease: float = LEASE, timeout: float = PATIENT, server: dict[str, Any] | None = None
    ) -> Daemon:
        text = settings(
            provider("one", self._upstream.url, keys_env="ONE_KEYS"),
            server={**SERVER, **(server or {})},
            journal={"backend": "redis", "retry": 0.02, "lease": lease},
            redis={"url": self._redis.url, "timeout": timeout, "retry_every": 0.1},
        )
        return self._launch(text, environ={"ONE_KEYS": KEY})


@pytest.fixture
def instances(launch: Launch, upstream: ScriptedUpstream, redis: RedisServer) -> Instances:
    return Instances(launch, upstream, redis)


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return chat(model=model, resumable=True, **fields)


def begin(daemon: Daemon, model: str, words: int, **fields: Any) -> EventSource:
    """A client that has read so many words and let go of its connection."""
    source = EventSource([daemon.port], asked(model, **fields))
    source.read_some(1 + words)
    return source


def elsewhere(source: EventSource, *daemons: Daemon) -> EventSource:
    """The same client, which now finds these instances."""
    source.move([daemon.port for daemon in daemons])
    return source


def kill(daemon: Daemon) -> None:
    """As a machine that loses its power: nobody gets a last word."""
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


def to_all(daemon: Daemon, number: signal.Signals) -> None:
    os.killpg(daemon.pid, number)


def resume(daemon: Daemon, stream: str, last: str = "", method: str = "GET") -> Answer:
    connection = daemon.connect()
    headers = {"Accept": EVENT_STREAM, **({"Last-Event-ID": last} if last else {})}
    connection.ask(method, f"/api/chat/streams/{stream}", None, headers)
    return connection.answer()


def continuing(prefix: int) -> Any:
    """First stops after so many words; then says the rest, however it is asked for it."""
    asked_before = threading.Event()

    def answer(request: RecordedRequest) -> Script:
        if asked_before.is_set():
            return list(openai_stream(WORDS[prefix:]).steps())
        asked_before.set()
        return list(openai_stream(WORDS).pause(prefix, Hang()).steps())

    return answer


# -- while all is well


def test_an_instance_serves_the_stream_of_another_to_its_end(
    instances: Instances, upstream: ScriptedUpstream, model: str, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Gate(gate)))
    one, two = instances.start(lease=FOREVER), instances.start(lease=FOREVER)
    source = begin(one, model, 2)

    there = resume(two, source.stream).read_until(WORDS[2].strip())
    gate.set()

    assert text_of(events_of(there)) == TEXT
    assert numbers_of(events_of(there)) == list(range(1, EVENTS + 1))
    assert resume(two, source.stream, f"{source.stream}:{EVENTS}").status == 204
    assert len([each for each in upstream.requests if each.model == model]) == 1


def test_a_client_that_finds_another_instance_at_every_event_gets_each_once(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).paced(0.02))
    one, two = instances.start(lease=FOREVER), instances.start(lease=FOREVER)
    source = EventSource([one.port, two.port, two.port], asked(model))

    source.read(cut_after=1)

    assert source.text == TEXT
    assert numbers_of(source.seen) == list(range(1, EVENTS + 1))
    assert len([each for each in upstream.requests if each.model == model]) == 1


def test_a_stream_that_is_over_outlives_its_instance(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS))
    one, two = instances.start(), instances.start()
    source = EventSource([one.port], asked(model))
    source.read()

    kill(one)

    assert text_of(events_of(resume(two, source.stream))) == TEXT
    assert resume(two, source.stream, source.seen[-1].id).status == 204


def test_a_stream_is_cancelled_from_another_instance(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(2, Hang()))
    one, two = instances.start(), instances.start()
    source = begin(one, model, 2)

    assert resume(two, source.stream, method="DELETE").read().status == 204

    events = events_of(resume(two, source.stream))
    assert (events[-1].event, json.loads(events[-1].data)["code"]) == ("error", "stream_cancelled")
    (request,) = (each for each in upstream.requests if each.model == model)
    assert request.closed.wait(10)


def test_neither_a_key_nor_an_answered_question_is_in_redis(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(2, Gate(gate)))
    one = instances.start()
    body = asked(model)
    body["messages"][0]["content"] = "a canary of a question"
    source = EventSource([one.port], body)
    source.read_some(3)
    assert b"canary of a question" in dump(redis)
    assert KEY.encode() not in dump(redis)

    gate.set()
    source.read()

    wait_until(lambda: b"canary of a question" not in dump(redis), "the question stays")
    assert b"nuevo" in dump(redis)


def dump(server: RedisServer) -> bytes:
    """Everything that Redis holds, as far as it can be read."""
    plain = library.Redis.from_url(server.url)
    found = []
    for key in plain.keys("*"):
        kind = plain.type(key)
        if kind == b"hash":
            found.append(repr(plain.hgetall(key)))
        elif kind == b"stream":
            found.append(repr(plain.xrange(key)))
        else:
            found.append(repr(plain.get(key)))
    return "\n".join(found).encode()


# -- an instance dies


@pytest.mark.parametrize("manner", ["replays", "continues"])
def test_streams_that_were_cut_at_every_word_are_finished_by_another_instance(
    instances: Instances, upstream: ScriptedUpstream, model: str, manner: str
) -> None:
    sources: list[EventSource] = []
    one, two = instances.start(), instances.start()
    for place in range(1, len(WORDS)):
        name = f"{model}-{place}"
        if manner == "continues":
            upstream.on_model(name, continuing(place))
        else:
            upstream.on_model(name, openai_stream(WORDS).pause(place, Hang()), openai_stream(WORDS))
        sources.append(begin(one, name, place))

    kill(one)
    threads = [threading.Thread(target=elsewhere(source, two).read) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    for place, source in enumerate(sources, 1):
        assert source.text == TEXT, f"cut after {place} words"
        assert numbers_of(source.seen) == list(range(1, len(source.seen) + 1))
        assert source.seen[-1].event == "end"
        assert [event.event for event in source.seen].count("start") == 1
        assert [event.event for event in source.seen].count("recovered") == 1
        assert json.loads(source.seen[-1].data)["end"] == "recovered"
        assert len([each for each in upstream.requests if each.model == f"{model}-{place}"]) == 2
    two.assert_no_traceback()


def test_what_was_taken_over_is_told_to_everyone_alike(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Hang()), openai_stream(WORDS))
    one, two, three = instances.start(), instances.start(), instances.start()
    source = begin(one, model, 3)
    kill(one)
    elsewhere(source, two).read()

    assert [event._replace(retry=None) for event in events_of(resume(three, source.stream))] == [
        event._replace(retry=None) for event in source.seen
    ]
    assert source.seen[-1].id.endswith(".2")  # written by the second instance that ran the stream
    assert text_of(events_of(resume(three, source.stream, source.seen[2].id))) == "".join(WORDS[2:])


def test_of_several_clients_that_come_back_all_get_the_same_continuation(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Hang()), openai_stream(WORDS))
    one, two, three = instances.start(), instances.start(), instances.start()
    source = begin(one, model, 3)
    kill(one)

    answers = [resume(daemon, source.stream) for daemon in (two, three, two, three)]
    events = [[event._replace(retry=None) for event in events_of(answer)] for answer in answers]

    assert text_of(events[0]) == TEXT
    assert events.count(events[0]) == 4
    assert len([each for each in upstream.requests if each.model == model]) == 2


def test_an_answer_that_cannot_be_continued_ends_with_one_honest_error(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["{", "}"]).pause(1, Hang()))
    one, two = instances.start(), instances.start()
    source = begin(one, model, 1, response_format={"type": "json_object"})
    kill(one)

    elsewhere(source, two).read()

    assert [event.event for event in source.seen] == ["start", "delta", "error"]
    assert numbers_of(source.seen) == [1, 2, 3]
    assert json.loads(source.seen[-1].data)["code"] == "truncated_stream"
    again = events_of(resume(two, source.stream))
    assert [event._replace(retry=None) for event in again][-1] == source.seen[-1]._replace(retry=None)
    assert len([each for each in upstream.requests if each.model == model]) == 1


def test_a_stream_that_was_cancelled_is_not_continued(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Hang()), openai_stream(WORDS))
    one, two = instances.start(), instances.start()
    source = begin(one, model, 3)
    kill(one)
    assert resume(two, source.stream, method="DELETE").read().status == 204

    elsewhere(source, two).read()

    assert json.loads(source.seen[-1].data)["code"] == "stream_cancelled"
    assert len([each for each in upstream.requests if each.model == model]) == 1


def test_an_instance_that_wakes_up_has_lost_its_stream_and_writes_no_more(
    instances: Instances, upstream: ScriptedUpstream, model: str, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(["Año", " ZOMBIE"]).pause(1, Gate(gate)), openai_stream(WORDS))
    one, two = instances.start(), instances.start()
    attached = one.connect()
    attached.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
    answer = attached.answer().read_until("Año")
    stream = str(answer.headers["X-Cortex-Stream"])
    to_all(one, signal.SIGSTOP)
    try:
        events = events_of(resume(two, stream))
        assert text_of(events) == TEXT
    finally:
        gate.set()
        to_all(one, signal.SIGCONT)

    answer.read()
    assert answer.whole is False
    assert b"ZOMBIE" not in answer.body
    one.wait_for_log(f"stream {stream} is run by another instance now")
    assert [event._replace(retry=None) for event in events_of(resume(one, stream))] == [
        event._replace(retry=None) for event in events
    ]


def test_who_has_seen_more_than_redis_when_the_instance_died_is_told_that_it_is_gone(
    instances: Instances, redis: RedisServer
) -> None:
    stream = "0123456789abcdef" * 2
    dead = RedisStreams(Place(redis.url, None, "cortex", 60.0, 0.1), "dead")
    parcel = Parcel(
        stream, True, "anonymous", b"{}", 1, (1, 1), 1, 1, (b"start {}", b"delta {}"), False, 60.0
    )
    dead.append([parcel])
    dead.append([parcel])  # the first time Redis only learnt the scripts
    dead.close()
    two = instances.start()

    answer = resume(two, stream, f"{stream}:7").read()

    assert (answer.status, answer.json["code"]) == (410, "events_gone")
    assert "lost with the instance" in answer.json["details"]


# -- an instance is told to end


def test_a_stream_that_does_not_end_in_time_moves_to_another_instance_at_once(
    instances: Instances, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Hang()), openai_stream(WORDS))
    quick = {"drain_timeout": 0.3}
    one = instances.start(lease=FOREVER, server=quick)
    two = instances.start(lease=FOREVER, server=quick)
    attached = one.connect()
    attached.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
    answer = attached.answer().read_until(WORDS[2].strip())
    stream = str(answer.headers["X-Cortex-Stream"])

    one.terminate()

    answer.read()
    assert answer.whole is False  # cut, and no event says that the stream is over
    assert b"event: error" not in answer.body
    assert one.wait() == 0
    one.assert_no_traceback()
    assert text_of(events_of(resume(two, stream))) == TEXT


def test_a_stream_that_cannot_move_ends_with_an_error_that_says_why(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Hang()))
    one = instances.start(server={"drain_timeout": 0.3})
    connection = one.connect()
    connection.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
    answer = connection.answer().read_until(WORDS[2].strip())
    redis.kill()

    one.terminate()

    events = events_of(answer)
    assert (events[-1].event, json.loads(events[-1].data)["code"]) == ("error", "gateway_draining")
    assert numbers_of(events) == [1, 2, 3, 4, 5]
    assert one.wait() == 0
    one.wait_for_log("the journal in Redis lacks the last events")
    one.assert_no_traceback()


# -- Redis fails


@pytest.mark.parametrize("hurt", ["kill", "stop_answering"])
def test_whatever_happens_to_redis_no_stream_fails_or_waits(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer, hurt: str
) -> None:
    words = [f" {number}" for number in range(300)]
    upstream.on_model(model, openai_stream(words).paced(0.01))
    one, two = instances.start(lease=FOREVER, timeout=0.025), instances.start(lease=FOREVER)
    answers, readers = [], []
    for _ in range(5):
        connection = one.connect()
        connection.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
        answers.append(connection.answer())
        # Each is read as it arrives, so that the time of every event is known.
        readers.append(threading.Thread(target=answers[-1].read, daemon=True))
        readers[-1].start()
    wait_until(lambda: all(b'" 20"' in answer.body for answer in answers), "the streams do not begin")

    getattr(redis, hurt)()
    wait_until(lambda: "alone: Redis is lost" in one.get("/readyz").text, "nobody is told that Redis is lost")
    unavailable = resume(two, str(answers[0].headers["X-Cortex-Stream"])).read()
    assert (unavailable.status, unavailable.json["code"]) == (503, "journal_unavailable")
    assert int(unavailable.headers["Retry-After"]) >= 1
    wait_until(lambda: all(b'" 200"' in answer.body for answer in answers), "a stream fails or waits")
    redis.start() if hurt == "kill" else redis.go_on()

    for reader, answer in zip(readers, answers, strict=True):
        reader.join(30)
        assert text_of(events_of(answer)) == "".join(words)
        arrivals = [moment for moment, _ in answer.arrivals]
        assert max(after - before for before, after in pairwise(arrivals)) < 0.5
    wait_until(lambda: "alone" not in one.get("/readyz").text, "it does not notice that Redis is back")
    for answer in answers:
        stream = str(answer.headers["X-Cortex-Stream"])
        wait_until(lambda stream=stream: resume(two, stream).read().status == 200, "Redis lacks a stream")
        assert events_of(resume(two, stream)) == events_of(answer)
    one.assert_no_traceback()
    two.assert_no_traceback()


def test_an_outage_longer_than_a_lease_takes_no_stream_from_an_instance_that_lives(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer, gate: threading.Event
) -> None:
    upstream.on_model(model, openai_stream(WORDS).pause(3, Gate(gate)))
    one, two = instances.start(timeout=0.025), instances.start()
    attached = one.connect()
    attached.ask("POST", "/api/chat", asked(model), {"Accept": EVENT_STREAM})
    answer = attached.answer().read_until(WORDS[2].strip())
    stream = str(answer.headers["X-Cortex-Stream"])
    follower = resume(two, stream).read_until(WORDS[2].strip())

    looking = RedisStreams(Place(redis.url, None, "cortex", 60.0, LEASE), "looking")
    redis.stop_answering()
    time.sleep(2 * LEASE)  # what has to pass is time
    redis.go_on()
    wait_until(lambda: _is_leased(looking, stream), "the lease is not renewed")
    looking.close()
    gate.set()

    assert text_of(events_of(answer)) == text_of(events_of(follower)) == TEXT
    assert len([each for each in upstream.requests if each.model == model]) == 1
    assert not one.lines("is run by another instance now")


def _is_leased(streams: RedisStreams, stream: str) -> bool:
    sight = streams.look(stream)
    return isinstance(sight, Sight) and sight.leased


def test_without_redis_at_the_start_streams_are_served_and_resumed_here(
    instances: Instances, upstream: ScriptedUpstream, model: str, redis: RedisServer
) -> None:
    upstream.on_model(model, openai_stream(WORDS).paced(0.02))
    redis.kill()
    one = instances.start(timeout=0.025)
    source = EventSource([one.port], asked(model))

    source.read(cut_after=2)

    assert source.text == TEXT
    redis.start()
    two = instances.start()
    wait_until(lambda: resume(two, source.stream).read().status == 200, "Redis never gets the stream")
    assert text_of(events_of(resume(two, source.stream))) == TEXT
