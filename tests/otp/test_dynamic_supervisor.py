from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.otp.actor import Actor, ActorRef, abandon, call, cast, kill, spawn
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.errors import MaxChildren, NotAccepting, StartError
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.reasons import SHUTDOWN, ExitKind, ExitReason
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor, restart_child, terminate_child
from tests.otp.actors import (
    LIMIT,
    Boom,
    Hosted,
    Journal,
    Recorder,
    Worker,
    crash,
    eventually,
    gone,
    raises,
    waits_for,
    worker,
)
from tests.otp.supervisors import child, refs


def dynamic(roster: Roster, **flags: Any) -> ChildSpec:
    return ChildSpec("streams", DynamicSupervisor, args=(roster,), type="supervisor", **flags)


@pytest.fixture
def roster() -> Roster:
    return Roster("streams", max_children=3, shutdown=1.0)


@pytest.fixture
def root(roster: Roster, journal: Journal) -> Iterator[Root]:
    """An elder worker, the dynamic supervisor, a younger worker: rest_for_one."""
    tree = start_tree(
        [worker("elder", journal), dynamic(roster), worker("younger", journal)], max_restarts=100
    )
    yield tree
    tree.stop(LIMIT)


def supervisor_of(root: Root) -> ActorRef[Any]:
    return child(root.ref, "streams")


def test_a_full_roster_refuses(roster: Roster, root: Root, journal: Journal) -> None:  # behaviour 40
    started = [roster.start_child(Worker, journal) for _ in range(3)]
    with pytest.raises(MaxChildren):
        roster.start_child(Worker, journal)
    assert (roster.count, roster.high_water, roster.refused) == (3, 3, 1)
    assert all(ref.is_alive() for ref in started)


def test_a_place_is_free_as_soon_as_a_child_has_left(roster: Roster, root: Root, journal: Journal) -> None:
    for _ in range(100):
        hosted = Hosted(journal)
        roster.max_children = 1
        ref = roster.start_child(Given, hosted)
        assert roster.count == 1
        incarnation_of(ref).kill(SHUTDOWN)
        hosted.finish()
        assert roster.count == 0
    assert (roster.started, roster.high_water, roster.refused) == (100, 1, 0)


class Given(Hosted):
    """A class whose instance the test has in hand already."""

    def __new__(cls, actor: Hosted) -> Any:
        return actor


def test_a_place_is_free_although_the_supervisor_hangs(
    roster: Roster, root: Root, journal: Journal, gate: threading.Event
) -> None:
    ref = roster.start_child(Worker, journal, name="x")
    supervisor, entered = supervisor_of(root), threading.Event()
    incarnation_of(supervisor).watch("gate", lambda reason: (entered.set(), gate.wait()))
    kill(supervisor)
    entered.wait(LIMIT)
    ref.stop(block=True, timeout=LIMIT)
    journal.wait("stop", "x")
    # The exit of the child is on its way, on the child's own thread.
    eventually(lambda: not roster.count)
    gate.set()


def test_a_child_that_does_not_start_leaves_no_trace(roster: Roster, root: Root, journal: Journal) -> None:
    with pytest.raises(StartError):
        roster.start_child(Worker, journal, name="x", on_init=raises(Boom("no")))
    assert roster.count == 0
    assert root.names.whereis("streams/x") is None


def test_children_have_names_and_lose_them(roster: Roster, root: Root, journal: Journal) -> None:
    ref = roster.start_child(Worker, journal, name="request-1")
    unnamed = roster.start_child(Worker, journal)
    assert root.names.whereis("streams/request-1") is ref
    assert incarnation_of(unnamed).name == "streams/2"
    ref.stop(block=True, timeout=LIMIT)
    assert root.names.whereis("streams/request-1") is None


def test_a_name_in_use_gets_a_number(roster: Roster, root: Root, journal: Journal) -> None:
    first = roster.start_child(Worker, journal, name="x")
    second = roster.start_child(Worker, journal, name="x")
    assert first is not second
    assert [view.id for view in roster.children()] == ["x", "x~2"]
    second.stop(block=True, timeout=LIMIT)
    assert root.names.whereis("streams/x") is first


def test_a_fallen_child_is_counted_and_not_restarted(roster: Roster, root: Root, journal: Journal) -> None:
    ref = roster.start_child(Worker, journal, name="x")
    cast(ref, crash)
    gone(ref)
    eventually(lambda: not roster.count)
    assert refs(root.ref)["streams"] is not None
    assert (roster.fallen, journal.of("start").count("x")) == (1, 1)


def test_a_roster_without_a_supervisor_takes_nobody(roster: Roster, journal: Journal) -> None:
    with pytest.raises(NotAccepting):
        roster.start_child(Worker, journal)


def test_a_draining_roster_takes_nobody_and_keeps_its_children(
    roster: Roster, root: Root, journal: Journal
) -> None:
    ref = roster.start_child(Worker, journal)
    roster.drain()
    with pytest.raises(NotAccepting):
        roster.start_child(Worker, journal)
    assert call(ref, "there", LIMIT) == "there"
    roster.resume()
    roster.start_child(Worker, journal)


def test_nobody_can_be_started_by_asking_the_supervisor_slowly(
    roster: Roster, root: Root, journal: Journal, gate: threading.Event
) -> None:
    """A start runs on the caller's thread: it does not wait for the supervisor's mailbox."""

    class Busy(Actor):
        pass

    supervisor = supervisor_of(root)
    for _ in range(5000):
        cast(supervisor, "noise")
    assert roster.start_child(Busy).is_alive()


# Who survives what


def test_children_of_a_killed_supervisor_live_on_and_are_adopted(
    roster: Roster, root: Root, journal: Journal
) -> None:
    ref = roster.start_child(Worker, journal, name="x")
    old = supervisor_of(root)
    kill(old)
    journal.wait("start", "younger", times=2)
    fresh = supervisor_of(root)
    assert fresh is not old
    assert call(ref, "still there", LIMIT) == "still there"
    assert root.names.whereis("streams/x") is ref
    (node,) = [node for node in root.snapshot().walk() if node.id == "x"]
    assert node.state == "running"
    roster.start_child(Worker, journal, name="y")
    terminate_child(fresh, "x")
    assert not ref.is_alive()


def test_children_live_on_when_an_elder_of_their_supervisor_falls(
    roster: Roster, root: Root, journal: Journal
) -> None:
    """rest_for_one: the supervisor is told that it will be back."""
    ref = roster.start_child(Worker, journal, name="x")
    old = supervisor_of(root)
    cast(child(root.ref, "elder"), crash)
    journal.wait("start", "younger", times=2)
    assert supervisor_of(root) is not old
    assert call(ref, "still there", LIMIT) == "still there"
    assert roster.start_child(Worker, journal).is_alive()


def test_children_live_on_when_a_supervisor_further_up_is_killed_or_gives_up(journal: Journal) -> None:
    roster = Roster("streams")
    provider = ChildSpec(
        "groq",
        Supervisor,
        args=([worker("worker", journal), dynamic(roster)],),
        kwargs={"strategy": "one_for_all", "max_restarts": 0},
        type="supervisor",
    )
    root = start_tree([provider], max_restarts=100)
    ref = roster.start_child(Worker, journal, name="x")
    assert root.names.whereis("groq/streams/x") is ref
    kill(child(root.ref, "groq"))
    journal.wait("start", "worker", times=2)
    cast(child(child(root.ref, "groq"), "worker"), crash)
    journal.wait("start", "worker", times=3)
    assert child(root.ref, "groq").is_alive()
    assert call(ref, "still there", LIMIT) == "still there"
    assert root.stop(LIMIT)
    assert not ref.is_alive()


def test_a_stop_of_the_root_is_final(roster: Roster, root: Root, journal: Journal) -> None:
    ref = roster.start_child(Worker, journal)
    assert root.stop(LIMIT)
    assert incarnation_of(ref).reason == SHUTDOWN
    assert (roster.count, roster.accepting) == (0, False)


def test_an_operators_stop_is_final_and_may_be_taken_back(
    roster: Roster, root: Root, journal: Journal
) -> None:
    ref = roster.start_child(Worker, journal)
    terminate_child(root.ref, "streams")
    assert not ref.is_alive()
    with pytest.raises(NotAccepting):
        roster.start_child(Worker, journal)
    restart_child(root.ref, "streams")
    assert roster.start_child(Worker, journal).is_alive()


def test_children_live_on_when_their_supervisor_is_abandoned(
    roster: Roster, root: Root, journal: Journal
) -> None:
    ref = roster.start_child(Worker, journal)
    abandon(supervisor_of(root))
    journal.wait("start", "younger", times=2)
    assert call(ref, "still there", LIMIT) == "still there"


def test_nobody_is_taken_while_the_supervisor_is_away(roster: Roster, journal: Journal) -> None:
    """Its link is somebody who would start a successor."""
    supervisor = spawn(DynamicSupervisor, roster, link=Recorder())
    ref = roster.start_child(Worker, journal)
    kill(supervisor)
    gone(supervisor)
    with pytest.raises(NotAccepting):
        roster.start_child(Worker, journal)
    assert call(ref, "still there", LIMIT) == "still there"
    spawn(DynamicSupervisor, roster)
    assert roster.start_child(Worker, journal).is_alive()


def test_a_killed_supervisor_without_a_successor_ends_its_children(roster: Roster, journal: Journal) -> None:
    supervisor = spawn(DynamicSupervisor, roster)
    ref = roster.start_child(Worker, journal)
    kill(supervisor)
    gone(supervisor)
    assert not ref.is_alive()


def test_survivors_of_a_temporary_bystander_are_stopped(journal: Journal) -> None:
    roster = Roster("streams")
    root = start_tree(
        [worker("a", journal), dynamic(roster, restart="temporary")], strategy="one_for_all", max_restarts=9
    )
    ref = roster.start_child(Worker, journal)
    cast(child(root.ref, "a"), crash)
    journal.wait("start", "a", times=2)
    assert not ref.is_alive()
    assert root.stop(LIMIT)


def test_a_final_stop_spares_a_neighbour_with_a_longer_name(journal: Journal) -> None:
    rosters = {name: Roster(name) for name in ("groq", "groq-2")}
    specs = [
        ChildSpec(name, Supervisor, args=([dynamic(roster)],), type="supervisor")
        for name, roster in rosters.items()
    ]
    root = start_tree(specs)
    here, there = (roster.start_child(Worker, journal) for roster in rosters.values())
    terminate_child(root.ref, "groq")
    assert (here.is_alive(), there.is_alive()) == (False, True)
    assert root.stop(LIMIT)


def test_survivors_of_a_supervisor_that_never_comes_back_are_stopped(journal: Journal) -> None:
    roster = Roster("streams")
    root = start_tree([dynamic(roster, restart="temporary")])
    ref = roster.start_child(Worker, journal)
    kill(child(root.ref, "streams"))
    gone(ref)
    assert incarnation_of(ref).reason == SHUTDOWN
    assert root.stop(LIMIT)


def test_survivors_of_a_supervisor_that_is_terminated_while_it_is_away_are_stopped(
    journal: Journal,
) -> None:
    """A final stop finds them although their supervisor waits for its restart at that moment."""
    doomed: list[bool] = []

    def on_init(actor: Any) -> None:
        if doomed:
            raise Boom("never again")
        doomed.append(True)

    roster = Roster("streams")
    inner = ChildSpec(
        "groq",
        Supervisor,
        args=([dynamic(roster), worker("worker", journal, on_init=on_init)],),
        kwargs={"max_restarts": 0},
        type="supervisor",
    )
    ended: list[ExitReason] = []
    root = start_tree([inner], max_restarts=2, max_seconds=60, on_exit=ended.append)
    ref = roster.start_child(Worker, journal, name="x")
    cast(root.names.whereis("groq/worker"), crash)
    assert root.join(LIMIT)
    assert incarnation_of(ref).reason == SHUTDOWN
    assert len(ended) == 1


def test_children_live_on_when_their_subtree_needs_two_tries_to_come_back(journal: Journal) -> None:
    starts: list[int] = []

    def on_init(actor: Any) -> None:
        starts.append(1)
        if len(starts) == 2:
            raise Boom("once")

    roster = Roster("streams")
    specs = [dynamic(roster), worker("worker", journal, on_init=on_init)]
    root = start_tree([ChildSpec("groq", Supervisor, args=(specs,), type="supervisor")], max_restarts=100)
    ref = roster.start_child(Worker, journal, name="x")
    kill(child(root.ref, "groq"))
    journal.wait("start", "worker", times=2)
    assert len(starts) == 3
    assert call(ref, "still there", LIMIT) == "still there"
    assert root.stop(LIMIT)


def test_a_killed_root_leaves_nobody(roster: Roster, root: Root, journal: Journal) -> None:
    ref = roster.start_child(Worker, journal)
    kill(root.ref)
    assert root.join(LIMIT)
    assert not ref.is_alive()


def test_all_are_stopped_at_once_and_the_slowest_decides(journal: Journal) -> None:  # behaviour 40
    together = threading.Barrier(4)

    class Slow(Worker):
        def terminate(self, reason: ExitReason) -> None:
            together.wait(LIMIT)  # never passes unless all four are told before the first has left

    roster = Roster("streams", shutdown=LIMIT)
    root = start_tree([dynamic(roster)])
    started = [roster.start_child(Slow, journal) for _ in range(4)]
    assert root.stop(LIMIT)
    assert [incarnation_of(ref).reason for ref in started] == [SHUTDOWN] * 4


@pytest.mark.usefixtures("short_grace")
def test_stuck_children_share_one_deadline(journal: Journal, gate: threading.Event) -> None:  # behaviour 40
    roster = Roster("streams", shutdown=0.2)
    root = start_tree([dynamic(roster)])
    before, entered = COUNTERS.abandoned_now, []
    for _ in range(10):
        ref, inside = roster.start_child(Worker, journal), threading.Event()
        cast(ref, waits_for(gate, inside))
        assert inside.wait(LIMIT)
        entered.append(ref)
    begin = time.monotonic()
    assert root.stop(LIMIT)
    assert time.monotonic() - begin < 1.5, "not ten times the deadline"
    assert COUNTERS.abandoned_now == before + 10
    assert {incarnation_of(ref).reason.kind for ref in entered} == {ExitKind.KILLED}


def test_a_start_that_meets_the_stop_is_refused_or_stopped(journal: Journal) -> None:
    """No child is started behind the back of a final stop."""
    for _ in range(20):
        roster = Roster("streams")
        root = start_tree([dynamic(roster)])
        started: list[ActorRef[Any]] = []

        def start(roster: Roster = roster, started: list[ActorRef[Any]] = started) -> None:
            try:
                while True:
                    started.append(roster.start_child(Worker, journal))
            except (NotAccepting, StartError):
                return

        starter = threading.Thread(target=start)
        starter.start()
        assert root.stop(LIMIT)
        starter.join(LIMIT)
        assert roster.count == 0
        assert not any(ref.is_alive() for ref in started)
