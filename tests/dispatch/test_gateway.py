"""The gateway as one thing: the whole tree over real HTTP, from settings to the last actor's end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pykka import ActorRegistry

from cortex_actors.chat import ChatRequest, ImagePart, Message, TextPart
from cortex_actors.dispatch.messages import EndName
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import (
    GatewayBusy,
    GatewayDraining,
    InvalidRequest,
    NoWorkersAvailable,
    TruncatedStream,
    UnknownModel,
    UpstreamFailure,
    UpstreamRejected,
)
from cortex_actors.gateway import Gateway
from cortex_actors.otp.actor import call, kill
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import StartError
from cortex_actors.otp.tree import TreeNode
from cortex_actors.settings import (
    BreakerSettings,
    HealthSettings,
    ServerSettings,
    SupervisionSettings,
)
from tests.dispatch.plant import LIMIT, MODEL, Client, ask, eventually, gone, provider, settings, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream

Run = Callable[..., Gateway]

#: No fuse: a test that is debugged may stand still.
SUPERVISION = SupervisionSettings(stall_limit=0.0, backoff_min=0.01, backoff_max=0.02)


@pytest.fixture
def run(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Run]:
    """Starts gateways, which are stopped before the upstreams are."""
    started: list[Gateway] = []

    def run(*providers: Any, on_spent: Callable[[str], None] | None = None, **sections: Any) -> Gateway:
        sections = {"health": HealthSettings(interval=0.0), "supervision": SUPERVISION} | sections
        started.append(Gateway.start(settings(*providers, **sections), on_spent))
        return started[-1]

    yield run
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(run: Run, upstream: ScriptedUpstream) -> Gateway:
    """One provider that streams two words."""
    upstream.default = openai_stream(["Ho", "la"], usage=(9, 2))
    return run(provider("one", upstream.url))


@pytest.fixture
def silence(upstream: ScriptedUpstream) -> threading.Event:
    """What the upstream waits for after its first word."""
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    return gate


def _read(stream: Stream) -> str:
    return "".join(text_of(batch) for batch in stream)


def _metric(gateway: Gateway, line: str) -> float:
    """The value of a metric, by its name and labels; 0 when there is none yet."""
    text = gateway.metrics_text()[0].decode()
    found = [entry.rpartition(" ")[2] for entry in text.splitlines() if entry.startswith(f"{line} ")]
    return float(found[0]) if found else 0.0


def _names(node: TreeNode) -> Iterator[str]:
    yield node.name
    for child in node.children:
        yield from _names(child)


# -- requests


def test_a_stream_is_opened_with_its_first_content_in_hand(
    gateway: Gateway, silence: threading.Event
) -> None:
    stream = gateway.open_stream(ask(), Client("request-7"))
    assert (stream.request_id, stream.provider, stream.model) == ("request-7", "one", MODEL)
    assert len(stream.id) == 32
    silence.set()
    assert _read(stream) == "Hola"


def test_every_stream_has_an_id_of_its_own(gateway: Gateway) -> None:
    streams = [gateway.open_stream(ask(), Client()) for _ in range(20)]
    assert len({stream.id for stream in streams}) == 20
    for stream in streams:
        _read(stream)


def test_an_answer_is_had_whole_or_not_at_all(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    completion = gateway.complete(ask(), Client())
    assert (completion.text, completion.end.provider) == ("Hola", "one")
    upstream.default = openai_stream(["Ho"], finish=None, done=False)
    with pytest.raises(TruncatedStream):
        gateway.complete(ask(), Client())


def test_a_failure_before_the_first_content_is_raised_with_its_story(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(503)
    with pytest.raises(UpstreamFailure) as raised:
        gateway.open_stream(ask(), Client())
    assert len(raised.value.attempts) == 2


def test_a_request_that_no_dialect_can_carry_names_its_field(run: Run, upstream: ScriptedUpstream) -> None:
    gateway = run(provider("local", upstream.url, type="ollama"))
    parts = (TextPart("What is this?"), ImagePart("https://example.org/cat.png"))
    with pytest.raises(InvalidRequest) as raised:
        gateway.open_stream(ChatRequest((Message("user", parts),)), Client())
    assert raised.value.field == "messages[0].content[1].image_url.url"
    assert upstream.requests == []


def test_an_unknown_model_is_refused_with_near_names(gateway: Gateway) -> None:
    with pytest.raises(UnknownModel, match=MODEL):
        gateway.open_stream(ask(model=MODEL + "x"), Client())


def test_there_are_never_more_streams_than_the_settings_allow(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    gateway = run(provider("one", upstream.url), server=ServerSettings(max_streams=2))
    streams = [gateway.open_stream(ask(), Client()) for _ in range(2)]
    assert gateway.ready().reasons == ("no free stream",)
    with pytest.raises(GatewayBusy) as raised:
        gateway.open_stream(ask(), Client())
    assert raised.value.http_status == 503
    assert raised.value.headers == {"Retry-After": "1"}
    assert len(upstream.requests) == 2
    streams[0].close()
    gateway.open_stream(ask(), Client()).close()
    streams[1].close()
    assert gateway.ready().ok


def test_a_router_that_restarts_is_waited_for(gateway: Gateway) -> None:
    router = gateway.names.whereis("router")
    assert router is not None
    kill(router, "a test")
    assert gateway.complete(ask(), Client()).text == "Hola"


def test_dispatchers_that_restart_are_waited_for(gateway: Gateway) -> None:
    supervisor = gateway.names.whereis("dispatchers")
    assert supervisor is not None
    kill(supervisor, "a test")
    gone(supervisor)
    assert gateway.complete(ask(), Client()).text == "Hola"


@pytest.mark.parametrize("child", ["worker", "streams", "prober"])
def test_a_providers_actor_that_restarts_is_waited_for(gateway: Gateway, child: str) -> None:
    actor = gateway.names.whereis(f"providers/one/{child}")
    assert actor is not None
    kill(actor, "a test")
    gone(actor)
    assert gateway.complete(ask(), Client()).text == "Hola"


# -- books


def test_every_end_is_counted_once_under_its_name(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    gateway.complete(ask(), Client())
    upstream.enqueue(openai_stream(["Ho"], finish=None, done=False))
    _read(gateway.open_stream(ask(), Client()))
    gateway.open_stream(ask(), Client()).close()
    with pytest.raises(UnknownModel):
        gateway.open_stream(ask(model="nobody-has-this"), Client())
    ends = {"complete": "one", "truncated": "one", "client_gone": "one", "shed": "none"}
    for end, who in ends.items():
        assert _metric(gateway, f'cortex_streams_total{{end="{end}",provider="{who}"}}') == 1, end
    assert _metric(gateway, "cortex_streams_running") == 0


def test_what_went_wrong_is_one_log_line_with_the_story(
    gateway: Gateway, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "cortex_actors.gateway")
    upstream.enqueue(json_answer(503), json_answer(500))
    with pytest.raises(UpstreamFailure):
        gateway.open_stream(ask("a secret question"), Client("request-7"))
    gateway.complete(ask(), Client())
    lines = [record for record in caplog.records if "stream ended" in record.getMessage()]
    assert [record.levelname for record in lines] == ["WARNING", "DEBUG"]
    assert "one 503 upstream_failure" in lines[0].getMessage()
    assert "then one 500 upstream_failure" in lines[0].getMessage()
    assert lines[0].request_id == "request-7"  # type: ignore[attr-defined]
    assert "secret" not in caplog.text


def test_no_key_is_shown_anywhere(
    run: Run, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"error": {"message": "Incorrect API key provided: sk-canary-first", "code": "invalid_api_key"}}
    upstream.default = json_answer(401, body)
    gateway = run(provider("one", upstream.url, keys=("sk-canary-first",)))
    with pytest.raises(Exception) as raised:  # noqa: PT011  (whatever it is, it shows no key)
        gateway.open_stream(ask(), Client())
    shown = [str(raised.value), repr(raised.value), repr(gateway.health()), repr(gateway.tree())]
    shown += [gateway.metrics_text()[0].decode(), caplog.text, repr(gateway.settings)]
    assert not any("canary" in text for text in shown)


# -- views and probes


def test_health_tells_of_every_provider(
    run: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho"])
    gateway = run(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        provider("off", spare.url, enabled=False),
    )
    gateway.complete(ask(), Client())
    eventually(lambda: gateway.health().providers[0].status == "available")
    health = gateway.health()
    assert (health.status, health.http_status) == ("healthy", 200)
    assert [(view.name, view.status) for view in health.providers] == [
        ("one", "available"),
        ("two", "unknown"),
    ]
    assert health.uptime > 0


def test_when_no_provider_can_be_asked_it_is_alive_and_ready_and_says_so(
    run: Run, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(503)
    breaker = BreakerSettings(minimum_calls=1, open_for=LIMIT, open_max=LIMIT)
    gateway = run(provider("one", upstream.url), breaker=breaker)
    with pytest.raises(UpstreamFailure):
        gateway.open_stream(ask(), Client())
    eventually(lambda: gateway.health().status == "unhealthy")
    assert gateway.health().http_status == 503
    # All instances share the provider: were this a reason, none of them would be left to say anything.
    assert (gateway.ready().ok, gateway.ready().notes) == (True, ("no usable provider",))
    assert gateway.live().ok


def test_without_providers_it_is_alive_and_says_so(run: Run) -> None:
    gateway = run()
    assert (gateway.health().status, gateway.health().http_status) == ("no_workers", 503)
    assert gateway.live().ok
    assert (gateway.ready().ok, gateway.ready().notes) == (True, ("no usable provider",))
    with pytest.raises(NoWorkersAvailable):
        gateway.open_stream(ask(), Client())


def test_the_tree_shows_every_actor_and_a_stream_while_it_runs(
    gateway: Gateway, silence: threading.Event
) -> None:
    stream = gateway.open_stream(ask(), Client())
    names = list(_names(gateway.tree()))
    assert names[0] == "cortex"
    for name in ("registry", "watchdog", "router", "health", "providers/one/worker", "providers/one/prober"):
        assert name in names
    assert any(name.startswith("dispatchers/") for name in names)
    assert any(name.startswith("providers/one/streams/") for name in names)
    silence.set()
    _read(stream)
    assert not any(name.startswith("dispatchers/") for name in _names(gateway.tree()))


def test_views_and_probes_are_answered_while_every_actor_is_busy(gateway: Gateway) -> None:  # 58
    entered, gate = threading.Barrier(4), threading.Event()

    def hang(*_: object) -> None:
        entered.wait(LIMIT)
        gate.wait(LIMIT)

    busy = [gateway.names.whereis(name) for name in ("router", "health", "providers/one/worker")]
    with ThreadPoolExecutor(4) as threads:
        for ref in busy:
            assert ref is not None
            actor = ref._actor_weakref()
            assert actor is not None
            actor.handle = hang
            threads.submit(call, ref, "a message that takes long", LIMIT)
        entered.wait(LIMIT)
        asked = threads.submit(lambda: (gateway.health(), gateway.live(), gateway.ready(), gateway.tree()))
        health, live, ready, tree = asked.result(LIMIT / 4)
        gate.set()
    assert (health.status, live.ok, ready.ok) == ("healthy", True, True)
    assert {node.name for node in tree.children if node.busy_with} >= {"router", "health"}


def test_metrics_are_text_for_prometheus(gateway: Gateway) -> None:
    body, content_type = gateway.metrics_text()
    assert content_type.startswith("text/plain")
    assert b"cortex_streams_running 0.0" in body


def test_the_models_of_a_probe_may_be_asked_for(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.on_path("/v1/models", json_answer(200, {"data": [{"id": "loaded-1"}, {"id": "loaded-2"}]}))
    upstream.on_path("/v1/chat/completions", openai_stream(["Ho", "la"]))
    gateway = run(provider("one", upstream.url, model="", models=()), health=HealthSettings(interval=3600.0))
    eventually(lambda: gateway.providers()[0].models == ("loaded-1", "loaded-2"))
    assert gateway.complete(ask(), Client()).text == "Hola"
    assert gateway.complete(ask(model="loaded-2"), Client()).text == "Hola"
    assert [request.model for request in upstream.requests if request.method == "POST"] == [
        "loaded-1",
        "loaded-2",
    ]


# -- the end


def test_a_draining_gateway_takes_no_new_stream_and_lets_the_running_ones_finish(
    gateway: Gateway, silence: threading.Event
) -> None:
    stream = gateway.open_stream(ask(), Client())
    with ThreadPoolExecutor(1) as threads:
        draining = threads.submit(gateway.drain)
        eventually(lambda: not gateway.ready().ok)
        assert gateway.ready().reasons == ("draining",)
        with pytest.raises(GatewayDraining):
            gateway.open_stream(ask(), Client())
        silence.set()
        assert _read(stream) == "Hola"
        draining.result(LIMIT)
    assert gateway.live().ok


def test_streams_that_outlast_the_drain_limit_end_with_one_honest_error_each(
    run: Run, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(json_answer(503))
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    gateway = run(provider("one", upstream.url), server=ServerSettings(drain_timeout=0.1, caller_check=0.02))
    retried, straight = (gateway.open_stream(ask(), Client()) for _ in range(2))
    with ThreadPoolExecutor(3) as threads:
        reading = [threads.submit(_read, stream) for stream in (retried, straight)]
        threads.submit(gateway.drain).result(LIMIT)
        assert [each.result(LIMIT) for each in reading] == ["Ho", "Ho"]
    for stream, attempts in ((retried, 2), (straight, 1)):
        assert stream.end is not None
        assert stream.end.name is EndName.SHUTDOWN
        assert isinstance(stream.end.error, GatewayDraining)
        assert len(stream.end.error.attempts) == attempts


def test_a_second_signal_ends_the_wait(gateway: Gateway, silence: threading.Event) -> None:
    stream, hurry = gateway.open_stream(ask(), Client()), threading.Event()
    hurry.set()
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(_read, stream)
        threads.submit(gateway.drain, hurry).result(LIMIT)
        assert reading.result(LIMIT) == "Ho"
    assert stream.end is not None
    assert stream.end.name is EndName.SHUTDOWN


def test_stopping_ends_what_still_runs(gateway: Gateway, silence: threading.Event) -> None:
    stream = gateway.open_stream(ask(), Client())
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(_read, stream)
        threads.submit(gateway.stop).result(LIMIT)
        assert reading.result(LIMIT) == "Ho"
    assert stream.end is not None
    assert stream.end.name is EndName.SHUTDOWN
    assert ActorRegistry.get_all() == []
    gateway.stop()


def test_whoever_runs_it_is_told_when_the_root_gives_up(run: Run, upstream: ScriptedUpstream) -> None:
    told: list[str] = []
    spent = threading.Event()

    def on_spent(reason: str) -> None:
        told.append(reason)
        spent.set()

    supervision = SupervisionSettings(stall_limit=0.0, max_restarts=0)
    gateway = run(provider("one", upstream.url), on_spent=on_spent, supervision=supervision)
    router = gateway.names.whereis("router")
    assert router is not None
    kill(router, "a test")
    assert spent.wait(LIMIT)
    assert "reached_max_restart_intensity" in told[0]
    assert len(told) == 1


def test_a_gateway_that_cannot_start_leaves_nothing_behind(
    run: Run, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(self: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("cortex_actors.dispatch.health.Health.init", init)
    with pytest.raises(StartError):
        run(provider("one", upstream.url))
    assert ActorRegistry.get_all() == []


def test_nothing_is_left_after_fifty_requests(run: Run, upstream: ScriptedUpstream) -> None:  # 53
    upstream.default = openai_stream(["Ho", "la"], usage=(9, 2))
    upstream.on_model("cut", openai_stream(["Ho"], finish=None, done=False))
    upstream.on_model("bad", json_answer(400))
    gateway = run(provider("one", upstream.url), breaker=BreakerSettings(minimum_calls=1000))
    actors = len(ActorRegistry.get_all())

    def request(number: int) -> None:
        model = ("one/cut", "one/bad", None, None, None)[number % 5]
        try:
            stream = gateway.open_stream(ask(model=model), Client())
        except UpstreamRejected:
            return
        if number % 5 == 3:
            stream.close()
        _read(stream)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(request, range(50)))
    eventually(lambda: len(ActorRegistry.get_all()) == actors)
    assert gateway.providers()[0].in_flight == 0
    assert _metric(gateway, "cortex_streams_running") == 0
    assert len(upstream.requests) == 50
    assert not [
        thread for thread in threading.enumerate() if "/streams/" in thread.name and thread.is_alive()
    ]
    assert COUNTERS.abandoned_now == 0
