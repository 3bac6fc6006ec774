from __future__ import annotations

from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.household import Household
from cortex_actors.otp.incarnation import Incarnation
from cortex_actors.otp.reasons import NORMAL, SHUTDOWN, ExitKind, ExitReason
from tests.otp.actors import Journal, Recorder, Worker

GIVEN_UP = ExitReason(ExitKind.HUNG, "given up")


def incarnation(link: Recorder | None = None) -> Incarnation:
    """An incarnation that no thread drives: the test decides who comes first."""
    life = Worker(Journal()).incarnation
    life.link = link
    return life


def test_a_life_ends_once_and_its_link_hears_it_once() -> None:
    link = Recorder()
    life = incarnation(link)
    life.arrive()
    life.depart(SHUTDOWN)
    assert not life.abandon(GIVEN_UP)
    assert link.one().reason == SHUTDOWN


def test_who_departs_after_an_abandonment_is_only_reaped() -> None:
    link, before = Recorder(), COUNTERS.abandoned_now
    life = incarnation(link)
    life.arrive()
    assert life.abandon(GIVEN_UP)
    assert COUNTERS.abandoned_now == before + 1
    life.depart(NORMAL)
    assert COUNTERS.abandoned_now == before
    assert link.one().reason == GIVEN_UP


def test_who_was_given_up_in_init_never_comes_to_life() -> None:
    link = Recorder()
    life = incarnation(link)
    life.household = Household()
    life.abandon(GIVEN_UP)
    life.arrive()
    assert not life.initialised
    life.depart(NORMAL)
    assert link.journal.entries == []
    assert len(life.household.names) == 0


def test_a_failing_link_keeps_nobody_from_hearing() -> None:
    def broken(exit_: object) -> None:
        raise SystemExit

    heard: list[ExitReason] = []
    life = incarnation()
    life.link = broken
    life.arrive()
    life.watch("a", broken)
    life.watch("b", heard.append)
    life.depart(NORMAL)
    assert heard == [NORMAL]
    assert life.departed


def test_a_watcher_that_comes_too_late_is_told_at_once() -> None:
    heard: list[ExitReason] = []
    life = incarnation()
    life.depart(NORMAL)
    life.watch("a", heard.append)
    assert heard == [NORMAL]


def test_a_kill_after_the_end_does_nothing() -> None:
    life = incarnation()
    life.depart(NORMAL)
    assert not life.kill(GIVEN_UP)
    assert life.reason == NORMAL
