"""How supervisors end: stuck children, killed supervisors, whole subtrees, and a thousand children."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pykka import ActorDeadError, ActorRegistry

from cortex_actors.otp.actor import abandon, call, cast, kill, spawn
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.supervisor import Supervisor, restart_child, terminate_child
from tests.otp.actors import (
    LIMIT,
    Boom,
    Journal,
    Recorder,
    Worker,
    crash,
    gone,
    join_thread,
    threads,
    waits_for,
    worker,
)
from tests.otp.supervisors import abc, child, refs, supervise


def nested(child_id: str, specs: list[ChildSpec], **flags: Any) -> ChildSpec:
    """The spec of a supervisor below another."""
    return ChildSpec(child_id, Supervisor, args=(specs,), kwargs=flags, type="supervisor")


@pytest.mark.usefixtures("short_grace")
def test_a_stuck_child_is_abandoned_and_the_others_still_get_theirs(
    journal: Journal, gate: threading.Event
) -> None:  # behaviour 30
    supervisor = supervise(abc(journal, shutdown=0.05))
    stuck, entered = child(supervisor, "b"), threading.Event()
    asked = stuck.ask(waits_for(gate, entered), block=False)
    waiting = stuck.ask("waiting", block=False)
    entered.wait(LIMIT)
    before = COUNTERS.abandoned_now
    journal.clear()
    supervisor.stop(block=True, timeout=LIMIT)
    assert journal.entries == [("stop", "c"), ("kill", "b"), ("stop", "a")]
    assert COUNTERS.abandoned_now == before + 1
    for future in (asked, waiting):
        with pytest.raises(ActorDeadError):
            future.get(timeout=LIMIT)
    gate.set()
    join_thread("b")
    assert COUNTERS.abandoned_now == before


@pytest.mark.usefixtures("short_grace")
def test_a_stuck_child_can_be_replaced(journal: Journal, gate: threading.Event) -> None:  # behaviour 30
    supervisor = supervise([worker("a", journal, shutdown=0.01)])
    stuck, entered = child(supervisor, "a"), threading.Event()
    cast(stuck, waits_for(gate, entered))
    entered.wait(LIMIT)
    terminate_child(supervisor, "a")
    fresh = restart_child(supervisor, "a")
    assert call(fresh, "there", LIMIT) == "there"
    gate.set()
    journal.wait("stop", "a")
    assert call(fresh, "still there", LIMIT) == "still there", "what the old thread does means nothing"


def test_a_kill_hook_saves_a_busy_child_from_being_abandoned(journal: Journal, gate: threading.Event) -> None:
    class Blocked(Worker):
        def kill(self) -> None:
            gate.set()

    supervisor = supervise([ChildSpec("a", Blocked, args=(journal,), shutdown=0.01)])
    ref, entered = child(supervisor, "a"), threading.Event()
    cast(ref, waits_for(gate, entered))
    entered.wait(LIMIT)
    before = COUNTERS.abandoned_total
    terminate_child(supervisor, "a")
    assert COUNTERS.abandoned_total == before
    assert incarnation_of(ref).reason == ExitReason(ExitKind.KILLED, "shutdown timeout")


def test_brutal_kill_does_not_ask(journal: Journal) -> None:
    supervisor = supervise([worker("a", journal, shutdown="brutal_kill")])
    ref = child(supervisor, "a")
    terminate_child(supervisor, "a")
    assert incarnation_of(ref).reason == ExitReason(ExitKind.KILLED, "brutal_kill")
    assert ("kill", "a") in journal.entries


def test_infinity_waits_as_long_as_it_takes(journal: Journal, gate: threading.Event) -> None:
    supervisor = supervise([worker("a", journal, shutdown="infinity")])
    ref, entered = child(supervisor, "a"), threading.Event()
    cast(ref, waits_for(gate, entered))
    entered.wait(LIMIT)
    stopped = supervisor.stop(block=False)
    threading.Timer(0.1, gate.set).start()
    assert stopped.get(timeout=LIMIT)
    assert incarnation_of(ref).reason == ExitReason(ExitKind.SHUTDOWN)


def test_a_child_that_crashes_in_terminate_does_not_stop_the_walk(journal: Journal) -> None:
    class Sore(Worker):
        def terminate(self, reason: ExitReason) -> None:
            raise Boom("ouch")

    specs = [worker("a", journal), ChildSpec("b", Sore, args=(journal,)), worker("c", journal)]
    supervisor = supervise(specs)
    supervisor.stop(block=True, timeout=LIMIT)
    assert journal.of("stop") == ["c", "a"]


def test_a_spent_inner_budget_restarts_the_subtree_and_keeps_the_siblings(journal: Journal) -> None:
    """behaviour 31"""
    specs = [worker("outside", journal), nested("inner", abc(journal), max_restarts=0)]
    supervisor = supervise(specs)
    outside, inner = child(supervisor, "outside"), child(supervisor, "inner")
    journal.clear()
    cast(child(inner, "b"), crash)
    journal.wait("start", "c")
    assert journal.of("stop") == ["b", "c", "a"]
    assert journal.of("start") == ["a", "b", "c"]
    assert child(supervisor, "outside") is outside
    assert child(supervisor, "inner") is not inner


def test_escalation_goes_up_one_level_at_a_time(journal: Journal) -> None:  # behaviour 31
    link = Recorder()
    inner = nested("inner", [worker("a", journal)], max_restarts=1, max_seconds=60)
    supervisor = supervise([inner], link=link, max_restarts=1, max_seconds=60)
    for times in (2, 3, 4):
        cast(child(child(supervisor, "inner"), "a"), crash)
        journal.wait("start", "a", times=times)
    cast(child(child(supervisor, "inner"), "a"), crash)
    gone(supervisor)
    assert link.one().reason.detail == "reached_max_restart_intensity"
    assert journal.of("start") == ["a"] * 4


@pytest.mark.parametrize("how", ["kill", "crash"])
def test_a_fallen_supervisor_takes_its_children_along_and_comes_back_whole(
    journal: Journal, how: str
) -> None:
    class Fragile(Supervisor):
        def handle(self, message: Any) -> Any:
            return message(self) if callable(message) else super().handle(message)

    reasons: list[ExitReason] = []

    class Witness(Worker):
        def terminate(self, reason: ExitReason) -> None:
            super().terminate(reason)
            reasons.append(reason)

    inner = ChildSpec(
        "inner",
        Fragile,
        args=([worker("a", journal), ChildSpec("b", Witness, args=(journal,))],),
        type="supervisor",
    )
    supervisor = supervise([inner])
    victim = child(supervisor, "inner")
    before = refs(victim)
    names = incarnation_of(victim).household
    assert names is not None
    journal.clear()
    kill(victim) if how == "kill" else cast(victim, crash)
    journal.wait("start", "b")
    assert journal.entries == [("stop", "b"), ("stop", "a"), ("start", "a"), ("start", "b")]
    assert [reason.restarting for reason in reasons] == [True]
    after = child(supervisor, "inner")
    assert after is not victim
    assert names.names.whereis("inner/a") is child(after, "a")
    assert names.names.whereis("inner/a") is not before["a"]
    assert incarnation_of(after).generation == 2


def test_children_of_a_killed_supervisor_two_levels_deep_come_back(journal: Journal) -> None:
    tree = nested("one", [nested("two", abc(journal)), worker("z", journal)])
    supervisor = supervise([tree])
    journal.clear()
    kill(child(supervisor, "one"))
    journal.wait("start", "z")
    assert journal.of("stop") == ["z", "c", "b", "a"]
    assert journal.of("start") == ["a", "b", "c", "z"]


@pytest.mark.usefixtures("short_grace")
def test_an_abandoned_supervisor_leaves_no_orphans(journal: Journal, gate: threading.Event) -> None:
    class Stuck(Supervisor):
        def handle(self, message: Any) -> Any:
            return message(self) if callable(message) else super().handle(message)

    supervisor = supervise([ChildSpec("inner", Stuck, args=(abc(journal),), type="supervisor")])
    inner, entered = child(supervisor, "inner"), threading.Event()
    old, (stuck,) = refs(inner), threads("inner")
    cast(inner, waits_for(gate, entered))
    entered.wait(LIMIT)
    journal.clear()
    abandon(inner)
    journal.wait("start", "c")
    assert sorted(journal.of("stop")) == ["a", "b", "c"]
    fresh = refs(child(supervisor, "inner"))
    assert all(fresh[each] is not old[each] for each in "abc")
    gate.set()
    stuck.join(LIMIT)
    assert all(ref.is_alive() for ref in fresh.values() if hasattr(ref, "is_alive"))


@pytest.mark.usefixtures("short_grace")
def test_orphans_are_gone_before_anybody_hears_of_the_abandonment(
    journal: Journal, gate: threading.Event
) -> None:
    """The successor's children will have the same names."""
    alive: list[bool] = []
    inner = spawn(
        Supervisor, abc(journal), name="inner", link=lambda exit_: alive.extend(r.is_alive() for r in orphans)
    )
    orphans = [child(inner, each) for each in "abc"]
    abandon(inner)
    assert alive == [False, False, False]


def test_a_child_that_exits_while_it_is_being_stopped_is_no_second_exit(journal: Journal) -> None:
    supervisor = supervise(abc(journal))
    for _ in range(20):
        cast(child(supervisor, "a"), crash)
        terminate_child(supervisor, "a")
        restart_child(supervisor, "a")
    assert supervisor.is_alive()
    assert call(child(supervisor, "a"), "there", LIMIT) == "there"


def test_a_thousand_children_start_and_stop_in_linear_time(journal: Journal) -> None:  # behaviour 34
    def seconds(number: int) -> float:
        begin = time.monotonic()
        supervisor = supervise([worker(str(each), journal) for each in range(number)])
        assert len(refs(supervisor)) == number
        assert supervisor.stop(block=True, timeout=60)
        return time.monotonic() - begin

    few, many = min(seconds(200), seconds(200)), seconds(1000)
    assert many < 60, "a safety limit"
    assert many < few * 5 * 6, "five times the children, and a generous allowance"
    assert ActorRegistry.get_all() == []
