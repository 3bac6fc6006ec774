"""Orders about actors, also about such as hang: each is answered in its time, with what is known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.errors import Conflict, GatewayBusy, NotFound, StillUnderWay
from cortex_actors.gateway import Gateway, operators
from cortex_actors.gateway.operators import Actors
from cortex_actors.otp.actor import Actor, ActorRef, cast
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.root import Root, start_tree
from cortex_actors.otp.supervisor import Supervisor
from cortex_actors.otp.tree import TreeNode
from tests.dispatch.plant import LIMIT, eventually

#: What nobody would wait for, in seconds.
SOON = 0.3


class Stuck:
    """A message that takes as long as the test likes."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()


class Worker(Actor):
    """Hangs when it is told to."""

    def handle(self, message: Any) -> None:
        assert isinstance(message, Stuck)
        message.begun.set()
        message.over.wait(LIMIT)


class Slow(Supervisor):
    """A supervisor that hangs when it is told to."""

    def handle(self, message: Any) -> Any:
        if isinstance(message, Stuck):
            message.begun.set()
            message.over.wait(LIMIT)
            return None
        return super().handle(message)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    message = Stuck()
    yield message
    message.over.set()


@pytest.fixture
def root() -> Iterator[Root]:
    """cortex -> team (worker `a`, `b`), and worker `health`."""
    workers = (ChildSpec("a", Worker, shutdown=SOON), ChildSpec("b", Worker))
    team = ChildSpec("team", Slow, args=(workers,), type="supervisor")
    root = start_tree([team, ChildSpec("health", Worker)], name="cortex")
    yield root
    assert root.stop(LIMIT)


@pytest.fixture
def actors(root: Root) -> Actors:
    return Actors(root.snapshot)


def ref_of(root: Root, name: str) -> ActorRef[Any]:
    ref = root.names.whereis(name)
    assert ref is not None
    return ref


def node(root: Root, name: str) -> TreeNode:
    return next(each for each in root.snapshot().walk() if each.name == name)


def hang(root: Root, name: str, stuck: Stuck) -> None:
    cast(ref_of(root, name), stuck)
    assert stuck.begun.wait(LIMIT)


def test_a_restarted_actor_is_another_and_counts_as_no_failure(root: Root, actors: Actors) -> None:
    before = ref_of(root, "team/a")
    for generation in range(2, 12):
        done = actors.restart("team/a")
        assert done.result == "restarted"
        assert done.actor is not None
        assert (done.actor.state, done.actor.generation) == ("running", generation)
    assert not before.is_alive()
    assert node(root, "team").restarts_in_period == 0
    assert node(root, "team/b").generation == 1


def test_a_hung_actor_is_left_behind_and_replaced(root: Root, actors: Actors, stuck: Stuck) -> None:
    hang(root, "team/a", stuck)

    assert actors.restart("team/a").result == "restarted"

    assert node(root, "team/a").generation == 2
    assert not stuck.over.is_set(), "it still hangs, and nobody waits for it"


def test_what_takes_longer_is_told_as_under_way(
    root: Root, actors: Actors, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "_LONGEST", SOON / 3)
    hang(root, "team/a", stuck)

    done = actors.restart("team/a")

    assert done.result == "under_way"
    assert done.actor is not None
    assert done.actor.busy_with == "Stuck"
    eventually(lambda: node(root, "team/a").generation == 2)


def test_a_supervisor_that_hangs_does_not_hang_its_operator(
    root: Root, actors: Actors, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "_LONGEST", SOON)
    hang(root, "team", stuck)

    with pytest.raises(StillUnderWay, match="team, the supervisor of team/a, has been at Stuck"):
        actors.restart("team/a")


def test_a_supervisor_that_hangs_is_replaced_itself(
    root: Root, actors: Actors, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cortex_actors.otp.supervisor._IMPATIENCE", SOON)
    hang(root, "team", stuck)

    assert actors.restart("team").result == "restarted"
    assert actors.restart("team/a").result == "restarted"


def test_a_terminated_actor_is_started_again_by_a_restart(root: Root, actors: Actors) -> None:
    told = actors.terminate("health").actor
    assert told is not None
    assert told.state == node(root, "health").state == "stopped"
    assert actors.terminate("health").result == "terminated", "it may be said twice"

    assert actors.restart("health").result == "restarted"
    assert node(root, "health").state == "running"


@pytest.mark.parametrize("order", ["restart", "terminate"])
def test_the_gateway_itself_is_no_actor_to_be_ordered_about(actors: Actors, order: str) -> None:
    with pytest.raises(Conflict, match="cortex"):
        getattr(actors, order)("cortex")


@pytest.mark.parametrize("order", ["restart", "terminate"])
def test_an_unknown_actor_is_not_found_and_near_names_are(actors: Actors, order: str) -> None:
    with pytest.raises(NotFound, match="team/a"):
        getattr(actors, order)("team/c")


def test_an_actor_whose_supervisor_is_away_is_not_reached(root: Root, actors: Actors) -> None:
    actors.terminate("team")
    assert actors.restart("team").result == "restarted"
    tree = root.snapshot()
    gone = Actors(lambda: tree)
    actors.restart("team")
    with pytest.raises(GatewayBusy):
        gone.restart("team/a")


def test_an_actor_that_cannot_start_is_a_conflict_and_its_supervisor_goes_on_trying(
    root: Root, actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(worker: Worker) -> None:
        raise RuntimeError("not now")

    monkeypatch.setattr(Worker, "init", refuse)
    with pytest.raises(Conflict, match="not now"):
        actors.restart("team/b")
    monkeypatch.undo()
    eventually(lambda: node(root, "team/b").state == "running")


def test_a_hung_router_of_a_gateway_is_replaced(gateway: Gateway) -> None:
    over = threading.Event()
    router = gateway.names.whereis("router")
    assert router is not None
    actor = router._actor_weakref()
    assert actor is not None
    actor.handle = lambda message: over.wait(LIMIT)
    cast(router, "a message that takes long")
    eventually(lambda: any(each.busy_with for each in gateway.tree().children if each.name == "router"))

    assert Actors(gateway.tree).restart("router").result == "restarted"

    assert gateway.names.whereis("router") is not router
    over.set()
