"""Health: one word for all providers, and since when each is as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from cortex_actors.dispatch.health import Health, Look, StatusHistory, overall
from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.dispatch.provider import Board
from cortex_actors.otp.actor import ActorRef, call, spawn
from cortex_actors.resilience.key_ring import KeyRing
from cortex_actors.resilience.provider_status import Evidence, ProviderStatus
from tests.dispatch.factories import books, provider, view
from tests.dispatch.plant import LIMIT, eventually


def _views(*statuses: ProviderStatus) -> list[ProviderView]:
    return [view(f"provider-{number}", status=status) for number, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ((), "no_workers"),
        (("available",), "healthy"),
        (("unknown",), "healthy"),
        (("available", "unknown"), "healthy"),
        (("available", "degraded"), "degraded"),
        (("degraded",), "degraded"),
        (("available", "unavailable"), "degraded"),
        (("unknown", "rate_limited"), "degraded"),
        (("unavailable",), "unhealthy"),
        (("unavailable", "rate_limited", "quota_exceeded"), "unhealthy"),
    ],
    ids=str,
)
def test_all_providers_together_are_one_word(statuses: tuple[ProviderStatus, ...], word: str) -> None:
    assert overall(_views(*statuses)) == word


class Ward:
    """A health actor that looks when it is told to, on a clock of the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.board = Board((provider("one"), provider("two")))
        self.history = StatusHistory()
        #: What it told: provider or key, and its new state.
        self.told: list[tuple[str, str]] = []
        self.actor = self.appear()

    def appear(self) -> ActorRef[Any]:
        """Starts the actor; whoever observes it is this ward."""
        return spawn(
            Health, self.board, self.history, self, clock=lambda: self.now, wall_clock=lambda: self.now
        )

    def status_changed(self, provider: str, before: str, after: str, *, well: bool) -> None:
        self.told.append((provider, after))

    def key_changed(self, provider: str, key: str, state: str, *, well: bool) -> None:
        self.told.append((f"{provider}/{key}", state))

    def looks(self) -> None:
        """One look, done when this returns."""
        call(self.actor, Look(), LIMIT)

    def one_is(self, failed: bool) -> None:
        """The last attempt at provider one went so."""
        self.board.publish("one", books("one", evidence=Evidence("check", "server" if failed else None)))


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.setattr("cortex_actors.dispatch.health._EVERY", 3600.0)
    ward = Ward()
    yield ward
    ward.actor.stop()


def test_a_status_is_as_old_as_the_first_look_that_saw_it(ward: Ward) -> None:
    ward.looks()
    ward.now = 1010.0
    ward.looks()
    assert ward.history.since == {"one": ("unknown", 1000.0), "two": ("unknown", 1000.0)}
    ward.one_is(failed=True)
    ward.now = 1020.0
    ward.looks()
    assert ward.history.since == {"one": ("unavailable", 1020.0), "two": ("unknown", 1000.0)}


def test_each_change_is_one_log_line_and_its_level_says_which_way(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cortex_actors.dispatch.health")
    ward.looks()
    ward.one_is(failed=True)
    ward.looks()
    ward.looks()
    ward.one_is(failed=False)
    ward.looks()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "provider one: unknown -> unavailable"),
        ("INFO", "provider one: unavailable -> available"),
    ]
    assert ward.told == [("one", "unavailable"), ("one", "available")]


def test_a_key_that_rests_is_refused_or_is_good_again_is_told_by_its_id(ward: Ward) -> None:
    ring = KeyRing(("sk-one", "sk-two"), Random(1))
    first, second = (key.id for key in ring.snapshot().keys)
    ward.board.publish("one", books("one", keys=ring.snapshot()))
    ward.looks()
    assert ward.told == []

    ring.rest(first, ward.now + 60)
    ring.disable(second)
    ward.board.publish("one", books("one", keys=ring.snapshot()))
    ward.looks()
    keys = [told for told in ward.told if "/" in told[0]]
    assert keys == [(f"one/{first}", "resting"), (f"one/{second}", "disabled")]

    ward.now += 61
    ward.looks()
    keys = [told for told in ward.told if "/" in told[0]]
    assert keys[2:] == [(f"one/{first}", "ready")]


def test_its_successor_goes_on_with_the_history(ward: Ward) -> None:
    ward.looks()
    ward.actor.stop()
    ward.now = 2000.0
    ward.actor = ward.appear()
    ward.looks()
    assert ward.history.since["one"] == ("unknown", 1000.0)


def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cortex_actors.dispatch.health._EVERY", 0.01)
    ward = Ward()
    eventually(lambda: "one" in ward.history.since)
    ward.one_is(failed=True)
    eventually(lambda: ward.history.since["one"][0] == "unavailable")
    ward.actor.stop()


def test_a_stray_message_is_ignored(ward: Ward) -> None:
    assert call(ward.actor, "a message for somebody else", LIMIT) is None
    ward.looks()
    assert "one" in ward.history.since
