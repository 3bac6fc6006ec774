"""A reload of the gateway: whole or not at all, with everything kept that is still true."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.dispatch.provider_worker import ProviderWorker
from cortex_actors.dispatch.stream import Stream
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import GatewayBusy, SettingsError, SettingsRefused, UnknownProvider
from cortex_actors.events import EventKind
from cortex_actors.gateway import Gateway, reload
from cortex_actors.gateway.audit import Order
from cortex_actors.otp.actor import ActorRef, kill
from cortex_actors.otp.tree import TreeNode
from cortex_actors.settings import (
    AuthSettings,
    BreakerSettings,
    CallerSettings,
    ModelSettings,
    ProviderSettings,
    Route,
    RoutingSettings,
    Secret,
    ServerSettings,
    Settings,
)
from tests.dispatch.plant import LIMIT, MODEL, Client, ask, eventually, gone, provider, text_of
from tests.gateway.plants import Run, Source, quiet
from tests.upstream import Gate, ScriptedUpstream, json_answer, openai_stream

ME = Order("a test")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def both(start: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> tuple[Gateway, Source]:
    """Two providers that say two words."""
    upstream.default = spare.default = openai_stream(["Ho", "la"])
    return start(provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))


def said(source: Source) -> Settings:
    assert isinstance(source.says, Settings)
    return source.says


def change(source: Source, name: str, **keys: Any) -> None:
    """Makes the source say something else about one provider."""
    settings = said(source)
    providers = tuple(replace(each, **keys) if each.name == name else each for each in settings.providers)
    source.says = replace(settings, providers=providers)


def without(source: Source, name: str) -> None:
    settings = said(source)
    others = tuple(each for each in settings.providers if each.name != name)
    source.says = replace(settings, providers=others)


def read(stream: Stream) -> str:
    return "".join(text_of(batch) for batch in stream)


def names(gateway: Gateway) -> list[str]:
    return [view.name for view in gateway.providers()]


def actors(gateway: Gateway) -> list[str]:
    """The providers that have actors."""
    (providers,) = (each for each in gateway.tree().children if each.name == "providers")
    return [each.id for each in providers.children]


def node(gateway: Gateway, name: str) -> TreeNode:
    return next(each for each in gateway.tree().walk() if each.name == name)


def worker(gateway: Gateway, name: str) -> ActorRef[Any]:
    ref = gateway.names.whereis(f"providers/{name}/worker")
    assert ref is not None
    return ref


def test_an_unchanged_provider_keeps_its_actors_its_books_and_its_connection(
    both: tuple[Gateway, Source], upstream: ScriptedUpstream
) -> None:
    gateway, source = both
    gateway.complete(ask(), Client())
    before = worker(gateway, "one")
    change(source, "two", priority=7)

    assert gateway.administration.reload(ME).changed == ("two",)
    gateway.complete(ask(), Client())

    assert worker(gateway, "one") is before
    eventually(lambda: gateway.providers()[0].requests == 2)
    assert upstream.accepted == 1


def test_a_changed_provider_keeps_its_actors_and_what_is_known_of_the_same_upstream(
    both: tuple[Gateway, Source], upstream: ScriptedUpstream
) -> None:
    gateway, source = both
    upstream.default = json_answer(503)
    breaker = BreakerSettings(minimum_calls=1, open_for=LIMIT, open_max=LIMIT)
    source.says = replace(said(source), breaker=breaker)
    gateway.administration.reload(ME)
    gateway.complete(ask(), Client())
    eventually(lambda: gateway.providers()[0].breakers.models[MODEL].state == "open")
    before = worker(gateway, "one")

    change(source, "one", max_streams=7)
    gateway.administration.reload(ME)

    view = gateway.providers()[0]
    assert worker(gateway, "one") is before
    assert view.max_streams == 7
    assert view.breakers.models[MODEL].state == "open"
    assert view.requests >= 1


def test_a_provider_that_moved_is_met_anew(
    both: tuple[Gateway, Source], upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    gateway, source = both
    upstream.default = json_answer(401)
    source.says = replace(said(source), providers=(provider("one", upstream.url, keys=("the-key",)),))
    gateway.administration.reload(ME)
    with pytest.raises(Exception, match="credential"):
        gateway.complete(ask(), Client())
    eventually(lambda: gateway.providers()[0].keys.keys[0].disabled)

    change(source, "one", base_url=spare.url)
    gateway.administration.reload(ME)

    assert gateway.complete(ask(), Client()).text == "Hola"
    assert not gateway.providers()[0].keys.keys[0].disabled
    assert gateway.providers()[0].last_error is None


def test_a_stream_goes_on_at_the_upstream_it_began_with(
    both: tuple[Gateway, Source],
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    gate: threading.Event,
) -> None:
    gateway, source = both
    upstream.default = openai_stream(["Uno", " dos"]).pause(1, Gate(gate))
    stream = gateway.open_stream(ask(provider="one"), Client())
    change(source, "one", base_url=spare.url, type="ollama", keys=(Secret("another-key"),))

    gateway.administration.reload(ME)

    gate.set()
    assert read(stream) == "Uno dos"
    assert stream.end is not None
    assert stream.end.name == "complete"
    assert gateway.providers()[0].breakers.models == {}, "it says nothing of the new upstream"


def test_no_key_ever_reaches_an_address_it_is_not_meant_for(
    start: Run, upstream: ScriptedUpstream, spare: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address and key change together, just between the choice of a route and leave to take it."""
    upstream.default = spare.default = openai_stream(["Ho", "la"])
    gateway, source = start(provider("one", upstream.url, keys=("first-key",)))
    change(source, "one", base_url=spare.url, keys=(Secret("second-key"),))
    original = Switchboard.admit

    def admit(switchboard: Switchboard, *asked: Any, **how: Any) -> object:
        gateway.administration.reload(ME)
        return original(switchboard, *asked, **how)

    monkeypatch.setattr(Switchboard, "admit", admit)

    assert gateway.complete(ask(), Client()).text == "Hola"
    sent = [each.headers["authorization"] for server in (upstream, spare) for each in server.requests]
    assert (upstream.requests, sent) == ([], ["Bearer second-key"])


def test_a_removed_provider_is_gone_for_callers_at_once_and_its_actors_after_the_last_stream(
    both: tuple[Gateway, Source], spare: ScriptedUpstream, gate: threading.Event
) -> None:
    gateway, source = both
    spare.default = openai_stream(["Uno", " dos"]).pause(1, Gate(gate))
    stream = gateway.open_stream(ask(provider="two"), Client())
    without(source, "two")

    assert gateway.administration.reload(ME).removed == ("two",)

    assert names(gateway) == ["one"]
    with pytest.raises(UnknownProvider):
        gateway.open_stream(ask(provider="two"), Client())
    assert actors(gateway) == ["one", "two"]
    gate.set()
    assert read(stream) == "Uno dos"
    eventually(lambda: actors(gateway) == ["one"])


def test_a_provider_that_comes_back_while_it_leaves_stays_who_it_is(
    both: tuple[Gateway, Source], spare: ScriptedUpstream, gate: threading.Event
) -> None:
    gateway, source = both
    everybody = source.says
    spare.default = openai_stream(["Uno", " dos"]).pause(1, Gate(gate))
    stream = gateway.open_stream(ask(provider="two"), Client())
    before = worker(gateway, "two")
    without(source, "two")
    gateway.administration.reload(ME)

    source.says = everybody
    assert gateway.administration.reload(ME).added == ("two",)

    assert worker(gateway, "two") is before
    gate.set()
    assert read(stream) == "Uno dos"
    assert gateway.complete(ask(provider="two"), Client()).text == "Uno dos"


def test_a_provider_comes_and_goes_and_leaves_nothing_behind(both: tuple[Gateway, Source]) -> None:
    gateway, source = both
    everybody = source.says
    for _ in range(20):
        without(source, "two")
        gateway.administration.reload(ME)
        source.says = everybody
        gateway.administration.reload(ME)
        assert gateway.complete(ask(provider="two"), Client()).text == "Hola"
    without(source, "two")
    gateway.administration.reload(ME)
    eventually(lambda: actors(gateway) == ["one"])
    assert node(gateway, "providers").restarts_in_period == 0


def test_a_worker_that_falls_while_its_provider_leaves_still_turns_off_the_light(
    both: tuple[Gateway, Source], spare: ScriptedUpstream, gate: threading.Event
) -> None:
    gateway, source = both
    spare.default = openai_stream(["Uno", " dos"]).pause(1, Gate(gate))
    stream = gateway.open_stream(ask(provider="two"), Client())
    without(source, "two")
    gateway.administration.reload(ME)
    falls = worker(gateway, "two")

    kill(falls)
    gone(falls)
    gate.set()

    assert read(stream) == "Uno dos"
    eventually(lambda: actors(gateway) == ["one"])


@pytest.mark.parametrize("falls", ["providers", "providers/one", "router", "health"])
def test_whoever_falls_after_a_reload_comes_back_to_the_new_settings(
    both: tuple[Gateway, Source], spare: ScriptedUpstream, falls: str
) -> None:
    gateway, source = both
    without(source, "two")
    settings = said(source)
    model = ModelSettings("smart", routes=(Route("three", MODEL),))
    added = provider("three", spare.url)
    source.says = replace(settings, providers=(*settings.providers, added), models=(model,))
    gateway.administration.reload(ME)
    ref = gateway.names.whereis(falls)
    assert ref is not None

    kill(ref)
    gone(ref)

    eventually(lambda: set(actors(gateway)) - {"two"} == {"one", "three"})
    eventually(lambda: node(gateway, falls).state == "running")
    assert gateway.complete(ask(model="smart"), Client()).end.provider == "three"


def test_public_models_and_routing_follow(both: tuple[Gateway, Source]) -> None:
    gateway, source = both
    model = ModelSettings("smart", routes=(Route("two", MODEL),))
    source.says = replace(said(source), models=(model,), routing=RoutingSettings("round_robin"))

    done = gateway.administration.reload(ME)

    assert done.settings == ("routing.strategy", "models")
    assert gateway.complete(ask(model="smart"), Client()).end.provider == "two"
    answered = {gateway.complete(ask(), Client()).end.provider for _ in range(4)}
    assert answered == {"one", "two"}


def test_limits_follow_and_a_stream_keeps_those_it_began_with(
    both: tuple[Gateway, Source], upstream: ScriptedUpstream, gate: threading.Event
) -> None:
    gateway, source = both
    upstream.default = openai_stream(["Uno", " dos"]).pause(1, Gate(gate))
    stream = gateway.open_stream(ask(), Client())
    source.says = replace(said(source), server=ServerSettings(max_streams=1))

    gateway.administration.reload(ME)

    with pytest.raises(GatewayBusy):
        gateway.open_stream(ask(), Client())
    gate.set()
    assert read(stream) == "Uno dos"


def test_settings_with_a_mistake_change_nothing(
    both: tuple[Gateway, Source], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, source = both
    before = gateway.settings
    source.says = SettingsError(("cortex.toml:1: a", "cortex.toml:2: b"))

    with pytest.raises(SettingsRefused) as raised:
        gateway.administration.reload(ME)

    assert raised.value.mistakes == ("cortex.toml:1: a", "cortex.toml:2: b")
    assert gateway.settings is before
    (event,) = gateway.events.since(0, kinds={EventKind.RELOAD}).events
    assert (event.level, event.text.count("cortex.toml")) == ("error", 2)
    assert b'cortex_config_reloads_total{result="refused"} 1.0' in gateway.metrics_text()[0]
    (line,) = (each for each in caplog.records if each.name == "cortex_actors.gateway.reload")
    assert line.levelno == logging.ERROR
    assert "cortex.toml:1: a; cortex.toml:2: b" in line.getMessage()


def test_of_providers_that_cannot_be_made_all_are_named_and_none_is(
    both: tuple[Gateway, Source], spare: ScriptedUpstream
) -> None:
    gateway, source = both
    good = provider("three", spare.url)
    bad = [provider(name, spare.url, options={"no_such": 1}) for name in ("four", "five")]
    source.says = replace(said(source), providers=(*said(source).providers, good, *bad))

    with pytest.raises(SettingsRefused) as raised:
        gateway.administration.reload(ME)

    assert len(raised.value.mistakes) == 2
    assert names(gateway) == ["one", "two"] == actors(gateway)
    assert gateway.complete(ask(), Client()).text == "Hola"


def test_a_provider_whose_actors_do_not_start_takes_back_those_that_did(
    both: tuple[Gateway, Source], spare: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, source = both
    original = ProviderWorker.init

    def init(worker: ProviderWorker) -> None:
        if worker.name == "providers/four/worker":
            raise RuntimeError("no thread")
        original(worker)

    monkeypatch.setattr(ProviderWorker, "init", init)
    new = (provider("three", spare.url), provider("four", spare.url))
    source.says = replace(said(source), providers=(*said(source).providers, *new))

    with pytest.raises(GatewayBusy, match="no thread"):
        gateway.administration.reload(ME)
    eventually(lambda: actors(gateway) == ["one", "two"])
    assert names(gateway) == ["one", "two"]

    monkeypatch.undo()
    assert gateway.administration.reload(ME).added == ("three", "four")
    assert gateway.complete(ask(provider="four"), Client()).text == "Hola"


def test_an_address_within_reach_of_others_keeps_its_keys_until_the_next_start(
    start: Run, upstream: ScriptedUpstream
) -> None:
    """The new file would do for its new address, which nobody else can reach; but it is not there yet."""
    alice = CallerSettings(name="alice", key_sha256="a" * 64)
    one = provider("one", upstream.url)
    gateway, source = start(one, server=ServerSettings(host="0.0.0.0"), callers=(alice,))
    source.says = quiet(one, server=ServerSettings(host="127.0.0.1"))

    with pytest.raises(SettingsRefused, match=r"until the next start: server\.host"):
        gateway.administration.reload(ME)
    assert gateway.settings.callers == (alice,)

    source.says = quiet(one, auth=AuthSettings(allow_anonymous=True))
    done = gateway.administration.reload(ME)
    assert done.next_start == ("server.host",)
    assert gateway.settings.server.host == "0.0.0.0"


def test_an_operators_decisions_outlive_a_reload(both: tuple[Gateway, Source]) -> None:
    gateway, source = both
    gateway.administration.drain(ME, "one")
    gateway.administration.force_breaker(ME, "two", "closed", None)
    change(source, "one", priority=5)
    change(source, "two", priority=6)

    gateway.administration.reload(ME)

    one, two = gateway.providers()
    assert one.draining
    assert two.breakers.provider.mode == "closed"


def test_whoever_listens_hears_of_both_settings_and_cannot_spoil_a_reload(
    both: tuple[Gateway, Source], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, source = both
    heard: list[tuple[Settings, Settings]] = []

    def fail(before: Settings, after: Settings) -> None:
        raise KeyError("a bug")

    gateway.on_change(fail)
    gateway.on_change(lambda before, after: heard.append((before, after)))
    before = gateway.settings
    change(source, "one", priority=5)

    gateway.administration.reload(ME)

    assert heard == [(before, gateway.settings)]
    assert "somebody who had to hear" in caplog.text


def test_a_gateway_that_was_given_its_settings_has_nothing_to_read(upstream: ScriptedUpstream) -> None:
    gateway = Gateway.start(quiet(provider("one", upstream.url)))
    try:
        with pytest.raises(SettingsRefused, match="nothing"):
            gateway.administration.reload(ME)
    finally:
        gateway.stop()


def test_one_change_waits_for_another_and_not_for_ever(
    both: tuple[Gateway, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, _ = both
    monkeypatch.setattr(reload, "_PATIENCE", 0.1)
    begun, over = threading.Event(), threading.Event()

    def slow(before: Settings, after: Settings) -> None:
        begun.set()
        over.wait(LIMIT)

    gateway.on_change(slow)
    first = threading.Thread(target=lambda: gateway.administration.reload(ME))
    first.start()
    assert begun.wait(LIMIT)
    with pytest.raises(GatewayBusy, match="under way"):
        gateway.administration.reload(ME)
    over.set()
    first.join(LIMIT)


def test_a_demo_gives_way_to_the_first_provider(start: Run, spare: ScriptedUpstream) -> None:
    spare.default = openai_stream(["Ho", "la"])
    mock = ProviderSettings(name="mock", type="mock", model="mock-1")
    gateway, _ = start(mock, demo=True)

    table = {"name": "one", "type": "openai_compatible", "base_url": spare.url, "model": MODEL}
    gateway.administration.add_provider(ME, table)
    assert names(gateway) == ["one"]
    assert gateway.complete(ask(), Client()).text == "Hola"
    assert not gateway.settings.demo

    done = gateway.administration.reload(ME)
    assert (done.added, done.removed) == (("mock",), ("one",))
