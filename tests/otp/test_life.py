"""What becomes of actors is told to whoever observes the tree."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from cortex_actors.otp.actor import cast, kill
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.watchdog import Liveness, Watchdog
from tests.otp.actors import LIMIT, Boom, Journal, Worker, crash, eventually, join_thread, waits_for, worker
from tests.otp.supervisors import child

Seen = list[LifeEvent]
Start = Callable[..., Root]


@pytest.fixture
def seen() -> Seen:
    return []


@pytest.fixture
def start(seen: Seen) -> Iterator[Start]:
    """Starts an observed tree."""
    roots: list[Root] = []

    def start(*specs: ChildSpec, **how: object) -> Root:
        roots.append(start_tree(specs, name="cortex", observer=seen.append, **how))  # type: ignore[arg-type]
        return roots[-1]

    yield start
    for root in roots:
        root.stop(LIMIT)


def kinds(seen: Seen) -> list[tuple[str, str, int]]:
    return [(event.kind, event.name, event.generation) for event in seen]


def test_a_crash_is_told_and_so_is_the_restart(start: Start, seen: Seen, journal: Journal) -> None:
    root = start(worker("router", journal))
    cast(child(root.ref, "router"), crash)
    eventually(lambda: len(seen) >= 2)
    assert kinds(seen) == [("ended", "router", 1), ("restarted", "router", 2)]
    assert seen[0].reason is not None
    assert seen[0].reason.kind is ExitKind.CRASHED


def test_who_falls_with_another_is_told_to_be_back(start: Start, seen: Seen, journal: Journal) -> None:
    root = start(worker("a", journal), worker("b", journal), strategy="one_for_all")
    kill(child(root.ref, "b"))
    eventually(lambda: len(seen) >= 3)
    assert kinds(seen) == [("ended", "b", 1), ("restarted", "a", 2), ("restarted", "b", 2)]


def test_a_supervisor_that_gives_up_is_told(start: Start, seen: Seen, journal: Journal) -> None:
    root = start(worker("router", journal), max_restarts=0)
    kill(child(root.ref, "router"))
    assert root.join(LIMIT)
    assert ("gave_up", "cortex", 1) in kinds(seen)


def test_a_hung_actor_is_told_and_so_is_one_that_is_left_behind(
    start: Start, seen: Seen, journal: Journal
) -> None:
    liveness = Liveness()
    watchdog = ChildSpec(
        "watchdog",
        Watchdog,
        args=(lambda: root.ref, liveness),
        kwargs={"beat": 0.01, "grace": 0.05, "arm": lambda limit: None, "disarm": lambda: None},
    )
    root = start(worker("router", journal, hang_timeout=0.05), watchdog)
    gate = threading.Event()
    try:
        cast(child(root.ref, "router"), waits_for(gate))
        eventually(lambda: ("restarted", "router", 2) in kinds(seen))
    finally:
        gate.set()
    root.stop(LIMIT)
    join_thread("router")
    assert [kind for kind, name, _ in kinds(seen) if name == "router"] == [
        "hung",
        "abandoned",
        "ended",
        "restarted",
    ]


def test_a_fallen_child_of_a_roster_is_told_as_temporary(start: Start, seen: Seen, journal: Journal) -> None:
    roster = Roster("streams")
    start(ChildSpec("streams", DynamicSupervisor, args=(roster,), type="supervisor"))
    cast(roster.start_child(Worker, journal, name="x"), crash)
    eventually(lambda: bool(seen))
    assert [(event.kind, event.name, event.permanent) for event in seen] == [("ended", "streams/x", False)]


def test_a_normal_end_of_a_roster_child_is_no_news(start: Start, seen: Seen, journal: Journal) -> None:
    roster = Roster("streams")
    start(ChildSpec("streams", DynamicSupervisor, args=(roster,), type="supervisor"))
    ref = roster.start_child(Worker, journal, name="x")
    ref.stop()
    eventually(lambda: roster.count == 0)
    assert seen == []


def test_an_observer_that_fails_harms_nobody(journal: Journal) -> None:
    def observe(event: LifeEvent) -> None:
        raise Boom

    root = start_tree([worker("router", journal)], name="cortex", observer=observe)
    try:
        kill(child(root.ref, "router"))
        journal.wait("start", "router", times=2)
    finally:
        assert root.stop(LIMIT)
