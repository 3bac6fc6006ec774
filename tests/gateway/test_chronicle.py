"""What becomes of actors, providers and keys, as events and figures."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cortex_actors.events import Event, EventKind, EventRing
from cortex_actors.gateway.chronicle import Chronicle
from cortex_actors.metrics import Metrics
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.reasons import NORMAL, ExitKind, ExitReason, crashed
from cortex_actors.resilience.breaker_states import BreakerEvent, BreakerState, Transition

CRASH = crashed(KeyError("x"), "Outcome")


class Written:
    """A chronicle, and what it wrote."""

    def __init__(self) -> None:
        self.ring = EventRing()
        self.metrics = Metrics()
        self.chronicle = Chronicle(self.ring, self.metrics)

    def event(self) -> Event:
        """The only event."""
        (event,) = self.ring.since(0).events
        return event

    def figure(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.metrics.render()[0].decode())
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        )


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_crash_says_who_and_why(written: Written) -> None:
    written.chronicle.lived(LifeEvent("ended", "router", 2, CRASH))
    event = written.event()
    assert (event.kind, event.level, event.subject) == (EventKind.ACTOR_ENDED, "warning", "router")
    assert event.text == "router ended: crashed: KeyError: 'x' (in Outcome)"
    assert event.fields["generation"] == 2
    assert written.figure("cortex_actor_exits_total", kind="crashed") == 1


def test_a_normal_end_is_no_warning(written: Written) -> None:
    written.chronicle.lived(LifeEvent("ended", "providers/one/prober", 1, NORMAL))
    assert written.event().level == "info"


def test_a_restart_is_counted_by_place(written: Written) -> None:
    written.chronicle.lived(LifeEvent("restarted", "providers/one/worker", 3))
    assert written.event().kind is EventKind.ACTOR_RESTARTED
    assert written.figure("cortex_actor_restarts_total", actor="providers/one/worker") == 1


def test_what_an_actor_of_one_request_crashed_of_is_told_by_its_type_alone(written: Written) -> None:
    secret = crashed(ValueError("the caller's own words"), "Go")
    written.chronicle.lived(LifeEvent("ended", "dispatchers/5f2b", 1, secret, permanent=False))
    event = written.event()
    assert event.text == "dispatchers/5f2b ended: crashed: ValueError"
    assert "words" not in str(event.fields)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("hung", EventKind.ACTOR_HUNG),
        ("abandoned", EventKind.ACTOR_ABANDONED),
        ("gave_up", EventKind.ACTOR_GAVE_UP),
        ("not_restarted", EventKind.ACTOR_ENDED),
    ],
)
def test_what_is_worse_is_an_error(written: Written, kind: str, told: EventKind) -> None:
    reason = ExitReason(ExitKind.HUNG, "busy with Outcome for 31.0 s")
    written.chronicle.lived(LifeEvent(kind, "router", 1, reason))  # type: ignore[arg-type]
    event = written.event()
    assert (event.kind, event.level) == (told, "error")
    assert "31.0 s" in event.text


def test_a_breaker_that_moves_is_told_and_counted(written: Written) -> None:
    move = Transition("one/llama", BreakerState.CLOSED, BreakerState.OPEN, BreakerEvent.TRIPPED, 5.0)
    written.chronicle.breakers_moved("one", (move,))
    event = written.event()
    assert event.text == "breaker one/llama: closed -> open (tripped)"
    assert (event.subject, event.fields["after"], event.level) == ("one", "open", "warning")
    assert written.figure("cortex_breaker_transitions_total", provider="one", to="open") == 1


def test_a_key_is_told_by_its_id(written: Written) -> None:
    written.chronicle.key_changed("one", "0a1b2c3d", "resting", well=False)
    assert written.event().text == "key 0a1b2c3d of one is resting"


def test_a_provider_that_is_well_again_is_no_warning(written: Written) -> None:
    written.chronicle.status_changed("one", "unavailable", "available", well=True)
    assert (written.event().kind, written.event().level) == (EventKind.PROVIDER_STATUS, "info")
