"""How much a supervisor bears, what it does then, and how long it waits before it tries again."""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import pytest

from cortex_actors.otp.actor import call, cast, spawn
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.errors import ChildRefused
from cortex_actors.otp.messages import TryAgain
from cortex_actors.otp.reasons import REACHED_MAX_RESTART_INTENSITY
from cortex_actors.otp.supervisor import (
    Supervisor,
    count_children,
    delete_child,
    restart_child,
    terminate_child,
)
from cortex_actors.otp.timers import Timer
from tests.otp.actors import LIMIT, Journal, Recorder, crash, eventually, gone, raises, worker
from tests.otp.supervisors import abc, child, refs, supervise


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Patient(Supervisor):
    """A supervisor whose back-off passes when the test says so."""

    def __init__(self, *args: Any, **flags: Any) -> None:
        super().__init__(*args, **flags)
        self.delays: list[float] = []
        self.waiting: list[TryAgain] = []

    def send_after(self, delay: float, message: Any) -> Timer:
        self.delays.append(delay)
        self.waiting.append(message)
        return Timer(delay, message, lambda timer: False)

    def handle(self, message: Any) -> Any:
        return message(self) if callable(message) else super().handle(message)


def delays(supervisor: Any) -> list[float]:
    """The delays a patient supervisor has chosen so far."""
    chosen: list[float] = call(supervisor, lambda actor: list(actor.delays), LIMIT)
    return chosen


def time_is_over(supervisor: Any) -> None:
    """Lets the back-off of a patient supervisor pass."""
    call(supervisor, lambda actor: [actor.handle(message) for message in tuple(actor.waiting)], LIMIT)


def patient(specs: Any, **flags: Any) -> Any:
    flags.setdefault("backoff", Backoff(jitter=0.0))
    return spawn(Patient, specs, name="top", max_restarts=None, **flags)


def fall(supervisor: Any, child_id: str = "a") -> None:
    """Crashes a child, and waits until its supervisor has dealt with it."""
    ref = child(supervisor, child_id)
    before = len(delays(supervisor))
    cast(ref, crash)
    gone(ref)
    # Each question is a turn of the supervisor's loop; the exit is on its way.
    eventually(lambda: len(delays(supervisor)) != before)


def test_more_than_max_restarts_stops_the_children_in_reverse(journal: Journal) -> None:  # behaviour 21
    link = Recorder()
    supervisor = supervise(abc(journal), link=link, max_restarts=2, max_seconds=60)
    for times in (2, 3):
        cast(child(supervisor, "b"), crash)
        journal.wait("start", "b", times=times)
    last = child(supervisor, "b")
    journal.clear()
    cast(last, crash)
    gone(supervisor)
    assert journal.of("stop") == ["b", "c", "a"]
    assert journal.of("start") == []
    assert link.one().reason == REACHED_MAX_RESTART_INTENSITY


def test_restarts_spread_beyond_the_period_never_escalate(journal: Journal) -> None:  # behaviour 22
    clock = Clock()
    supervisor = supervise([worker("a", journal)], max_restarts=1, max_seconds=5.0, clock=clock)
    for times in range(2, 12):
        cast(child(supervisor, "a"), crash)
        journal.wait("start", "a", times=times)
        clock.now += 5.0
    assert supervisor.is_alive()


def test_the_back_off_grows_up_to_its_cap(journal: Journal) -> None:  # behaviour 25
    supervisor = patient([worker("a", journal)], backoff=Backoff(max=5.0, jitter=0.0))
    for _ in range(5):
        fall(supervisor)
        time_is_over(supervisor)
    assert delays(supervisor) == [1, 2, 4, 5, 5]
    assert len(journal.of("start")) == 6


def test_the_back_off_is_jittered(journal: Journal) -> None:  # behaviour 25
    supervisor = patient(abc(journal), backoff=Backoff(), random=Random(7))
    for child_id in "abc":
        fall(supervisor, child_id)
    chosen = delays(supervisor)
    assert len(set(chosen)) == 3
    assert all(0.8 <= delay <= 1.2 for delay in chosen)


def test_a_quiet_time_resets_the_back_off(journal: Journal) -> None:  # behaviour 25
    clock = Clock()
    supervisor = patient([worker("a", journal)], clock=clock)
    for quiet in (0.0, 59.9, 60.0, 0.0):
        clock.now += quiet
        fall(supervisor)
        time_is_over(supervisor)
    assert delays(supervisor) == [1, 2, 1, 2]


def test_a_failed_start_lengthens_the_back_off(journal: Journal) -> None:  # behaviour 25
    fail = threading.Event()

    def on_init(actor: Any) -> None:
        if fail.is_set():
            raise RuntimeError("not yet")

    supervisor = patient([worker("a", journal, on_init=on_init)])
    fail.set()
    fall(supervisor)
    time_is_over(supervisor)
    time_is_over(supervisor)
    fail.clear()
    time_is_over(supervisor)
    assert delays(supervisor) == [1, 2, 4]
    assert journal.of("start") == ["a", "a"]


def test_a_child_comes_back_when_its_back_off_is_over(journal: Journal) -> None:
    supervisor = supervise([worker("a", journal)], backoff=Backoff(min=0.01, max=0.02))
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "a", times=2)


def test_a_supervisor_answers_while_a_child_backs_off(journal: Journal) -> None:  # behaviour 26
    supervisor = supervise(abc(journal), backoff=Backoff(min=3600, max=3600))
    ref = child(supervisor, "b")
    cast(ref, crash)
    gone(ref)
    journal.wait("stop", "b")
    eventually(lambda: refs(supervisor)["b"] is not ref)
    assert refs(supervisor)["b"] == "restarting"
    counted = count_children(supervisor, timeout=1.0)
    assert (counted.specs, counted.active, counted.workers, counted.supervisors) == (3, 2, 3, 0)
    assert call(child(supervisor, "a"), "still there", LIMIT) == "still there"
    for refused in (restart_child, delete_child):
        with pytest.raises(ChildRefused, match="restarting"):
            refused(supervisor, "b")
    assert supervisor.stop(block=True, timeout=LIMIT)


def test_a_child_terminated_during_its_back_off_is_not_resurrected(journal: Journal) -> None:
    """behaviour 27"""
    supervisor = patient([worker("a", journal)])
    fall(supervisor)
    terminate_child(supervisor, "a")
    time_is_over(supervisor)
    assert journal.of("start") == ["a"]
    assert refs(supervisor) == {"a": None}
    restart_child(supervisor, "a")
    time_is_over(supervisor)
    assert journal.of("start") == ["a", "a"], "the old timer means nothing to the new child"


def test_an_operators_stop_of_the_carrier_does_not_strand_its_group(journal: Journal) -> None:
    """behaviour 27"""
    supervisor = patient(abc(journal), strategy="one_for_all")
    fall(supervisor, "b")
    assert refs(supervisor) == dict.fromkeys("abc", "restarting")
    terminate_child(supervisor, "b")
    time_is_over(supervisor)
    assert journal.of("start") == ["a", "b", "c", "a", "c"]
    assert refs(supervisor)["b"] is None


def test_a_later_fall_of_an_elder_takes_the_waiting_along(journal: Journal) -> None:
    supervisor = patient(abc(journal), strategy="rest_for_one")
    fall(supervisor, "c")
    fall(supervisor, "a")
    journal.clear()
    time_is_over(supervisor)
    assert journal.of("start") == ["a", "b", "c"]


def test_who_carries_on_for_a_stopped_carrier_waits_no_shorter(journal: Journal) -> None:
    clock = Clock()
    supervisor = patient(abc(journal), strategy="rest_for_one", clock=clock)
    fall(supervisor, "b")
    clock.now += 0.25
    terminate_child(supervisor, "b")
    assert delays(supervisor) == [1.0, 0.75]


def test_a_significant_child_that_will_be_back_keeps_its_supervisor(journal: Journal) -> None:
    """behaviour 32"""
    specs = [
        worker("a", journal, restart="transient", significant=True),
        worker("b", journal, restart="transient", significant=True),
    ]
    supervisor = patient(specs, auto_shutdown="all_significant")
    fall(supervisor, "a")
    cast(child(supervisor, "b"), lambda actor: actor.leave())
    eventually(lambda: refs(supervisor)["b"] is None)
    assert refs(supervisor) == {"a": "restarting", "b": None}


def test_an_operators_orders_do_not_count_toward_the_intensity(journal: Journal) -> None:  # behaviour 38
    supervisor = supervise([worker("a", journal)], max_restarts=1, max_seconds=60)
    for _ in range(5):
        terminate_child(supervisor, "a")
        restart_child(supervisor, "a")
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "a", times=7)
    assert supervisor.is_alive()


def test_a_stopped_supervisor_does_not_restart_what_was_waiting(journal: Journal) -> None:
    supervisor = patient([worker("a", journal)])
    fall(supervisor)
    supervisor.stop(block=True, timeout=LIMIT)
    assert journal.of("start") == ["a"]


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_a_child_that_can_never_start_again_does_not_block_its_supervisor(
    journal: Journal, strategy: Any
) -> None:  # behaviour 26
    doomed: list[bool] = []

    def on_init(actor: Any) -> None:
        if doomed:
            raises(RuntimeError("never"))(actor)
        doomed.append(True)

    specs: list[ChildSpec] = [*abc(journal), worker("d", journal, on_init=on_init)]
    backoff = Backoff(min=0.001, max=0.001)
    supervisor = supervise(specs, strategy=strategy, max_restarts=None, backoff=backoff)
    cast(child(supervisor, "d"), crash)
    journal.wait("stop", "d")
    terminate_child(supervisor, "d", timeout=LIMIT)
    journal.wait_for(lambda entries: entries.count(("start", "a")) >= 1)
    assert supervisor.stop(block=True, timeout=LIMIT)
