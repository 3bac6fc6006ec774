from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cortex_actors.otp.actor import cast, spawn
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor, terminate_child
from cortex_actors.otp.tree import TreeNode, living, snapshot
from tests.otp.actors import LIMIT, Journal, Worker, crash, eventually, gone, waits_for, worker
from tests.otp.supervisors import child, refs


@pytest.fixture
def roster() -> Roster:
    return Roster("streams")


@pytest.fixture
def root(journal: Journal, roster: Roster) -> Iterator[Root]:
    providers = ChildSpec(
        "providers",
        Supervisor,
        args=([worker("worker", journal, hang_timeout=0.0), worker("prober", journal)],),
        kwargs={"max_restarts": None, "backoff": Backoff(min=3600, max=3600)},
        type="supervisor",
    )
    streams = ChildSpec("streams", DynamicSupervisor, args=(roster,), type="supervisor")
    tree = start_tree([worker("router", journal), providers, streams], name="cortex")
    yield tree
    tree.stop(LIMIT)


def node(root: Root, name: str) -> TreeNode:
    (found,) = [each for each in root.snapshot().walk() if each.name == name]
    return found


def test_the_snapshot_is_the_tree(root: Root, roster: Roster, journal: Journal) -> None:
    roster.start_child(Worker, journal, name="x")
    nodes = {each.name: each for each in root.snapshot().walk()}
    assert list(nodes) == [
        "cortex",
        "router",
        "providers",
        "providers/worker",
        "providers/prober",
        "streams",
        "streams/x",
    ]
    assert nodes["cortex"].children[1] is nodes["providers"]
    assert (nodes["providers"].cls, nodes["providers"].kind) == ("Supervisor", "supervisor")
    assert (nodes["providers/worker"].id, nodes["providers/worker"].kind) == ("worker", "worker")
    assert {each.state for each in nodes.values()} == {"running"}
    assert {each.generation for each in nodes.values()} == {1}
    assert all(each.uptime is not None and each.uptime >= 0 for each in nodes.values())


def test_it_shows_restarts_and_the_last_exit(root: Root, journal: Journal) -> None:
    cast(child(root.ref, "router"), crash)
    journal.wait("start", "prober", times=2)
    refs(root.ref)
    router = node(root, "router")
    assert (router.generation, router.restarts, router.state) == (2, 1, "running")
    assert router.last_exit is not None
    assert (router.last_exit.kind, router.last_exit.detail) == (
        ExitKind.CRASHED,
        "Boom: as told (in function)",
    )
    top = root.snapshot()
    assert (top.restarts_in_period, top.max_restarts) == (1, 3)


def test_it_shows_who_waits_for_a_restart(root: Root) -> None:
    providers = child(root.ref, "providers")
    ref = child(providers, "prober")
    cast(ref, crash)
    gone(ref)
    eventually(lambda: refs(providers)["prober"] is not ref)
    prober = node(root, "providers/prober")
    assert prober.state == "restarting"
    assert prober.backoff_until is not None
    assert 2800 < prober.backoff_until <= 3600
    assert prober.mailbox is None
    assert node(root, "providers").max_restarts is None


def test_it_shows_who_was_stopped(root: Root) -> None:
    providers = child(root.ref, "providers")
    terminate_child(providers, "prober")
    prober = node(root, "providers/prober")
    assert (prober.state, prober.uptime) == ("stopped", None)


def test_it_shows_a_hung_actor_and_its_mailbox_without_asking_it(root: Root, gate: threading.Event) -> None:
    ref, entered = child(child(root.ref, "providers"), "worker"), threading.Event()
    cast(ref, waits_for(gate, entered))
    assert entered.wait(LIMIT)
    for number in range(3):
        cast(ref, number)
    hung = node(root, "providers/worker")
    assert (hung.state, hung.busy_with) == ("hung", "function")
    assert hung.busy_for is not None
    assert hung.mailbox is not None
    assert (hung.mailbox.depth, hung.mailbox.received, hung.mailbox.handled) == (3, 4, 0)
    gate.set()


def test_it_works_while_every_supervisor_hangs(journal: Journal, gate: threading.Event) -> None:
    class Stuck(Supervisor):
        def handle(self, message: object) -> object:
            return message(self) if callable(message) else super().handle(message)  # type: ignore[func-returns-value]

    supervisor, entered = spawn(Stuck, [worker("a", journal)], name="top"), threading.Event()
    cast(supervisor, waits_for(gate, entered))
    assert entered.wait(LIMIT)
    assert [each.name for each in snapshot(supervisor).walk()] == ["top", "a"]
    gate.set()


def test_an_actor_that_left_a_moment_ago_is_shown_as_such(root: Root) -> None:
    root.stop(LIMIT)
    assert root.snapshot().state == "exited"
    assert list(living(root.ref)) == []


def test_living_gives_every_living_actor(root: Root, roster: Roster, journal: Journal) -> None:
    roster.start_child(Worker, journal, name="x")
    names = [incarnation.name for incarnation in living(root.ref)]
    assert names == [each.name for each in root.snapshot().walk()]
