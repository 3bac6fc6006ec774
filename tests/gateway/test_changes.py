"""What a change of settings means, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cortex_actors.gateway.changes import AT_MOST, AT_START, Changes, changes, in_effect
from cortex_actors.settings import (
    JournalSettings,
    LogSettings,
    ProviderSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    SupervisionSettings,
)
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.section_reader import SECTIONS


def with_server(**keys: object) -> Settings:
    return Settings(server=ServerSettings(**keys))  # type: ignore[arg-type]


def provider(name: str, **keys: object) -> ProviderSettings:
    return ProviderSettings(name=name, **keys)  # type: ignore[arg-type]


def test_every_key_that_waits_for_the_next_start_is_one() -> None:
    for table in (AT_START, AT_MOST):
        for section, keys in table.items():
            assert set(keys or ()) <= set(keys_of(SECTIONS[section])), section


def test_what_a_process_cannot_change_stays_and_is_named() -> None:
    said = Settings(
        server=ServerSettings(port=4001, mode="gevent", heartbeat=3.0),
        supervision=SupervisionSettings(max_restarts=9),
        logs=LogSettings(level="debug"),
    )

    settings, waiting = in_effect(said, Settings())

    assert waiting == ("server.port", "server.mode", "supervision.max_restarts")
    assert (settings.server.port, settings.server.mode) == (4000, "threads")
    assert settings.supervision == SupervisionSettings()
    assert (settings.server.heartbeat, settings.logs.level) == (3.0, "debug")


@pytest.mark.parametrize("key", ["max_streams", "drain_timeout"])
def test_less_holds_at_once_and_more_at_the_next_start(key: str) -> None:
    started = with_server(max_streams=100, drain_timeout=30.0)
    less, more = with_server(**{key: 20}), with_server(**{key: 200})

    settings, waiting = in_effect(less, replace(started))
    assert getattr(settings.server, key) == 20
    assert f"server.{key}" not in waiting
    settings, waiting = in_effect(more, started)
    assert getattr(settings.server, key) == getattr(started.server, key)
    assert f"server.{key}" in waiting


def test_what_waits_is_named_again_as_long_as_it_waits() -> None:
    started, said = Settings(), with_server(port=4001)
    first, _ = in_effect(said, started)
    _, waiting = in_effect(said, started)

    assert waiting == ("server.port",)
    assert changes(first, first, waiting).next_start == waiting


def test_providers_are_told_by_what_became_of_them() -> None:
    before = Settings(providers=(provider("a"), provider("b"), provider("c", enabled=False)))
    after = Settings(providers=(provider("b", priority=1), provider("c"), provider("d")))

    done = changes(before, after)

    assert (done.added, done.removed, done.changed) == (("c", "d"), ("a",), ("b",))
    assert done.any


def test_settings_are_told_by_their_names() -> None:
    after = Settings(routing=RoutingSettings("random"), journal=JournalSettings(ttl=1.0), demo=True)

    done = changes(Settings(), after)

    assert done.settings == ("routing.strategy", "journal.ttl")
    assert str(done) == "settings: routing.strategy, journal.ttl"


def test_the_same_settings_are_no_change() -> None:
    settings = Settings(providers=(provider("a"),))

    assert not changes(settings, replace(settings)).any
    assert str(changes(settings, settings)) == "nothing"
    assert str(Changes(added=("a",), next_start=("server.port",))) == (
        "providers added: a; at the next start: server.port"
    )
