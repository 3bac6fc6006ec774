"""What an operator sees of a running gateway: its streams, its events, its figures."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import (
    AttemptCancelled,
    GatewayBusy,
    KeyRejected,
    TruncatedStream,
    UnknownModel,
    UpstreamFailure,
)
from cortex_actors.events import Event, EventKind
from cortex_actors.gateway import Gateway
from cortex_actors.gateway.views import StreamView
from cortex_actors.otp.actor import kill
from cortex_actors.settings import (
    BreakerSettings,
    HealthSettings,
    Limits,
    RecoverySettings,
    ServerSettings,
    SupervisionSettings,
)
from tests.dispatch.plant import LIMIT, MODEL, Client, ask, eventually, provider, settings, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream

Run = Callable[..., Gateway]

SUPERVISION = SupervisionSettings(stall_limit=0.0, backoff_min=0.01, backoff_max=0.02)
WORDS = [f"{number} " for number in range(8)]


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def spare() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        upstream.default = openai_stream(["Ho", "la"], usage=(9, 2))
        yield upstream


@pytest.fixture
def run(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Run]:
    """Starts gateways with two providers, which are stopped before the upstreams are."""
    started: list[Gateway] = []

    def run(**sections: Any) -> Gateway:
        quiet = {
            "health": HealthSettings(interval=0.0),
            "supervision": SUPERVISION,
            "recovery": RecoverySettings(enabled=False),
        }
        providers = (provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))
        started.append(Gateway.start(settings(*providers, **(quiet | sections))))
        return started[-1]

    yield run
    for gateway in started:
        gateway.stop()


def read(stream: Stream) -> str:
    return "".join(text_of(batch) for batch in stream)


def figures(gateway: Gateway) -> dict[str, float]:
    """Every series and its value."""
    lines = gateway.metrics_text()[0].decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def told(gateway: Gateway, kind: EventKind) -> list[Event]:
    return list(gateway.events.since(0, kinds={kind}).events)


def only(gateway: Gateway) -> StreamView:
    """The one stream that runs."""
    (view,) = gateway.running.views()
    return view


# -- running streams


def test_a_stream_is_seen_while_it_runs_and_not_after(run: Run, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(3, Gate(gate))
    gateway = run()
    stream = gateway.open_stream(ask(model=MODEL), Client("request-7"))
    batches = iter(stream)
    text = text_of(next(batches))
    while text != "0 1 2 ":
        text += text_of(next(batches))

    view = only(gateway)
    assert (view.id, view.request_id, view.state) == (stream.id, "request-7", "streaming")
    assert view.actor == f"dispatchers/{stream.id}"
    assert (view.provider, view.model, view.attempt, view.attempts) == ("one", MODEL, 1, ())
    assert view.chunks >= 3
    assert view.bytes > 100
    assert view.ttft is not None
    assert 0 <= view.ttft <= view.age
    assert (view.window_fill, view.window_limit) == (0, 262_144)
    assert view.slow == ()
    assert gateway.running.view(stream.id) is not None

    gate.set()
    for batch in batches:
        text += text_of(batch)
    assert text == "".join(WORDS)
    assert gateway.running.views() == ()


def test_a_stream_that_opens_is_seen_with_the_attempts_that_failed(
    run: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = json_answer(500)
    spare.default = [Hang()]
    gateway, caller = run(), Client()

    def opens() -> None:
        with pytest.raises(AttemptCancelled):
            gateway.open_stream(ask(), caller)

    thread = threading.Thread(target=opens)
    thread.start()
    try:
        eventually(lambda: gateway.running.views() and only(gateway).provider == "two")
        view = only(gateway)
        assert (view.state, view.ttft, view.since_chunk) == ("opening", None, None)
        assert {record.provider for record in view.attempts} == {"one"}
        assert view.attempts[0].outcome == "upstream_failure"
    finally:
        caller.left.set()
        thread.join(LIMIT)
    assert gateway.running.views() == ()


def test_a_late_first_token_is_slow(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    gateway, caller = run(breaker=BreakerSettings(slow_first_token=0.05)), Client()

    def opens() -> None:
        with pytest.raises(AttemptCancelled):
            gateway.open_stream(ask(), caller)

    thread = threading.Thread(target=opens)
    thread.start()
    try:
        eventually(lambda: gateway.running.views() and only(gateway).slow == ("first_token",))
    finally:
        caller.left.set()
        thread.join(LIMIT)


def test_a_provider_that_says_nothing_is_silent(run: Run, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(1, Gate(gate))
    gateway = run(limits=Limits(connect=1.0, first_token=5.0, idle=6.0, total=30.0))
    stream = gateway.open_stream(ask(), Client())
    assert only(gateway).slow == ()
    eventually(lambda: only(gateway).slow == ("silent",))
    gate.set()
    read(stream)


def test_a_caller_that_takes_nothing_is_slow(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["word " * 100] * 400)
    gateway = run(server=ServerSettings(window_bytes=20_000, caller_check=0.02))
    stream = gateway.open_stream(ask(), Client())
    eventually(lambda: only(gateway).slow == ("caller",))
    assert only(gateway).window_fill > 0
    read(stream)


def test_the_actor_of_a_stream_has_its_name_in_the_tree(run: Run, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(WORDS).pause(1, Gate(gate))
    gateway = run()
    stream = gateway.open_stream(ask(), Client())
    names = [node.name for node in gateway.tree().walk()]
    assert f"dispatchers/{stream.id}" in names
    assert f"providers/one/streams/{stream.id}-1" in names
    permanent = [node.name for node in gateway.tree(temporary=False).walk()]
    assert not [name for name in permanent if stream.id in name]
    gate.set()
    read(stream)


# -- events


def test_a_failover_is_told_when_it_happens(
    run: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = json_answer(402)
    spare.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    gateway = run()
    stream = gateway.open_stream(ask(), Client("request-7"))

    (event,) = told(gateway, EventKind.FAILOVER)
    assert event.subject == "one"
    assert {
        "to": "two",
        "outcome": "upstream_quota_exhausted",
        "status": 402,
        "request_id": "request-7",
        "stream_id": stream.id,
    }.items() <= event.fields.items()
    assert figures(gateway)['cortex_failovers_total{provider="one"}'] == 1
    gate.set()
    read(stream)


def test_asking_again_is_a_retry_and_no_failover(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(json_answer(500), openai_stream(["Ho", "la"]))
    gateway = run()
    read(gateway.open_stream(ask(provider="one"), Client()))
    assert len(told(gateway, EventKind.RETRY)) == 1
    assert told(gateway, EventKind.FAILOVER) == []
    assert figures(gateway)['cortex_retries_total{provider="one"}'] == 1


def test_a_stream_that_fails_is_told_and_one_that_its_caller_left_is_not(
    run: Run, upstream: ScriptedUpstream
) -> None:
    gateway = run()
    gate = threading.Event()
    upstream.enqueue(openai_stream(["Ho", "la"]).pause(1, Gate(gate)))
    stream = gateway.open_stream(ask(provider="one"), Client())
    stream.close()
    gate.set()
    assert told(gateway, EventKind.STREAM_FAILED) == []

    upstream.enqueue(openai_stream(["Ho"], finish=None, done=False))
    failed = gateway.open_stream(ask(provider="one"), Client())
    read(failed)
    assert isinstance(failed.end and failed.end.error, TruncatedStream)
    (event,) = told(gateway, EventKind.STREAM_FAILED)
    assert (event.fields["end"], event.fields["code"], event.fields["stream_id"]) == (
        "truncated",
        "truncated_stream",
        failed.id,
    )


def test_a_breaker_that_opens_and_a_provider_that_becomes_unavailable_are_told(
    run: Run, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(503)
    gateway = run(breaker=BreakerSettings(minimum_calls=1, open_for=LIMIT, open_max=LIMIT))
    with pytest.raises(UpstreamFailure):
        gateway.open_stream(ask(provider="one"), Client())
    eventually(lambda: told(gateway, EventKind.BREAKER))
    (event, *_) = told(gateway, EventKind.BREAKER)
    assert (event.subject, event.fields["after"]) == ("one", "open")
    eventually(lambda: told(gateway, EventKind.PROVIDER_STATUS))
    assert figures(gateway)['cortex_breaker_transitions_total{provider="one",to="open"}'] == 1
    assert figures(gateway)['cortex_model_breakers{provider="one",state="open"}'] == 1


def test_a_refused_key_is_told_by_its_id(
    run: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = json_answer(401)
    gateway = Gateway.start(
        settings(
            provider("one", upstream.url, keys=("sk-the-secret-key",)),
            health=HealthSettings(interval=0.0),
            supervision=SUPERVISION,
        )
    )
    try:
        with pytest.raises(KeyRejected):
            gateway.open_stream(ask(), Client())
        eventually(lambda: told(gateway, EventKind.KEY))
        (event,) = told(gateway, EventKind.KEY)
        assert event.fields["state"] == "disabled"
        assert "secret" not in str(event)
        assert figures(gateway)['cortex_keys{provider="one",state="disabled"}'] == 1
    finally:
        gateway.stop()


def test_a_killed_actor_is_told_twice_gone_and_back(run: Run) -> None:
    gateway = run()
    ref = gateway.names.whereis("providers/one/worker")
    assert ref is not None
    kill(ref)
    eventually(
        lambda: (
            "providers/one/worker" in [event.subject for event in told(gateway, EventKind.ACTOR_RESTARTED)]
        )
    )
    (event,) = told(gateway, EventKind.ACTOR_ENDED)
    assert (event.subject, event.fields["reason"]) == ("providers/one/worker", "killed: killed")
    assert figures(gateway)['cortex_actor_restarts_total{actor="providers/one/worker"}'] == 1
    assert figures(gateway)['cortex_actor_exits_total{kind="killed"}'] == 1


def test_a_flood_of_refusals_is_one_event_a_second(run: Run, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    gateway = run(server=ServerSettings(max_streams=1, caller_check=0.02))
    stream = gateway.open_stream(ask(), Client())
    for _ in range(100):
        with pytest.raises(GatewayBusy):
            gateway.open_stream(ask(), Client())
    assert len(told(gateway, EventKind.REFUSED)) <= 5
    assert gateway.events.counts[EventKind.REFUSED] == 100
    assert figures(gateway)['cortex_refusals_total{reason="gateway_busy"}'] == 100
    gate.set()
    read(stream)


def test_a_mistake_of_a_caller_is_no_error_of_ours(run: Run) -> None:
    gateway = run()
    with pytest.raises(UnknownModel):
        gateway.open_stream(ask(model="nobody-has-this"), Client())
    (event,) = told(gateway, EventKind.REFUSED)
    assert event.level == "info"
    eventually(lambda: gateway.rates.last(5).requests == 1)
    assert gateway.rates.last(5).errors == 0


def test_draining_is_told_and_ends_the_ring(run: Run) -> None:
    gateway = run()
    gateway.drain()
    assert [event.text for event in told(gateway, EventKind.DRAIN)] == [
        "the gateway drains",
        "the gateway has drained",
    ]
    assert gateway.events.closed


# -- figures


def test_a_whole_answer_is_in_every_figure(run: Run, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS, usage=(9, 8)).paced(0.005)
    gateway = run()
    read(gateway.open_stream(ask(), Client()))
    found = figures(gateway)
    assert found['cortex_streams_total{end="complete",provider="one"}'] == 1
    assert found['cortex_chat_requests_total{provider="one",status="success"}'] == 1
    assert found['cortex_chat_duration_seconds_count{provider="one"}'] == 1
    assert found['cortex_time_to_first_token_seconds_count{provider="one"}'] == 1
    assert found['cortex_overhead_seconds_count{provider="one"}'] == 1
    assert found['cortex_overhead_seconds_sum{provider="one"}'] < 0.5
    assert found['cortex_attempts_total{outcome="complete",provider="one"}'] == 1
    assert found['cortex_tokens_total{kind="prompt",provider="one"}'] == 9
    assert found['cortex_tokens_total{kind="completion",provider="one"}'] == 8
    assert 1 <= found['cortex_inter_chunk_gap_seconds_count{provider="one"}'] <= len(WORDS)
    assert found["cortex_streams_running"] == 0
    assert found['cortex_keys{provider="one",state="ready"}'] == 0
    assert found['cortex_mailbox_depth{actor="router"}'] == 0


def test_reading_the_figures_asks_no_actor(run: Run) -> None:
    gateway = run()
    before = {node.name: node.mailbox.received for node in gateway.tree().walk() if node.mailbox}
    for _ in range(20):
        gateway.metrics_text()
        gateway.tree()
        gateway.running.views()
        gateway.health()
        gateway.ready()
    after = {node.name: node.mailbox.received for node in gateway.tree().walk() if node.mailbox}
    asked = {name for name, number in after.items() if number > before[name]}
    assert asked <= {"watchdog", "health"}, "only those who have a timer of their own may have had a message"


def test_nothing_of_tracing_is_imported_where_nobody_wants_it() -> None:
    program = (
        "import sys; from cortex_actors.gateway import Gateway; from cortex_actors.settings import load;"
        "g = Gateway.start(load(None, {})); g.stop();"
        "assert 'cortex_actors.tracing' in sys.modules;"
        "assert 'cortex_actors.tracing.otel' not in sys.modules;"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.exporter')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
