from __future__ import annotations

import os
from typing import Any

import pytest

from cortex_actors.otp import actor, registry
from cortex_actors.otp.actor import call, cast, spawn
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import ActorUnavailable, NameTaken, Refused, StartError
from cortex_actors.otp.household import Household
from cortex_actors.otp.launch import launch
from cortex_actors.otp.registry import NameTable, Register, Registry, Unregister
from cortex_actors.otp.root import start_tree
from cortex_actors.otp.supervisor import Supervisor
from tests.otp.actors import LIMIT, Journal, Worker, crash, eventually, gone, worker
from tests.otp.supervisors import child


@pytest.fixture
def table() -> NameTable:
    return NameTable()


def stopped(journal: Journal) -> Any:
    ref = spawn(Worker, journal)
    ref.stop(block=True, timeout=LIMIT)
    return ref


def test_a_name_leads_to_its_actor(table: NameTable, journal: Journal) -> None:
    ref = spawn(Worker, journal)
    table.register("x", ref)
    assert table.whereis("x") is ref
    assert table.whereis("y") is None
    assert table.names() == ("x",)


def test_the_dead_are_never_returned(table: NameTable, journal: Journal) -> None:
    table.register("x", stopped(journal))
    assert table.whereis("x") is None
    assert table.names() == ()


def test_a_name_belongs_to_one_living_actor(table: NameTable, journal: Journal) -> None:
    table.register("x", stopped(journal))
    holder, other = spawn(Worker, journal), spawn(Worker, journal)
    table.register("x", holder)
    table.register("x", holder)
    with pytest.raises(NameTaken):
        table.register("x", other)
    table.forget("x", other)
    assert table.whereis("x") is holder


def test_a_forked_child_is_told_that_its_actors_are_gone(
    table: NameTable, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = spawn(Worker, journal)
    table.register("x", ref)
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    with pytest.raises(RuntimeError, match="before a fork"):
        registry.call(table, "x", "hello", LIMIT)
    with pytest.raises(RuntimeError, match="before a fork"):
        table.register("y", ref)


def test_the_registry_registers_for_others_and_forgets_the_dead(table: NameTable, journal: Journal) -> None:
    names, ref = spawn(Registry, table), spawn(Worker, journal)
    call(names, Register("x", ref), LIMIT)
    assert table.whereis("x") is ref
    with pytest.raises(Refused):
        call(names, Register("x", spawn(Worker, journal)), LIMIT)
    assert len(table) == 1
    ref.stop(block=True, timeout=LIMIT)
    eventually(lambda: len(table) == 0)


def test_names_survive_the_registry_and_its_successor_watches_them(
    table: NameTable, journal: Journal
) -> None:
    first, ref = spawn(Registry, table), spawn(Worker, journal)
    call(first, Register("x", ref), LIMIT)
    actor.kill(first)
    gone(first)
    assert table.whereis("x") is ref
    second = spawn(Registry, table)
    ref.stop(block=True, timeout=LIMIT)
    eventually(lambda: len(table) == 0)
    assert second.is_alive()


def test_a_name_may_be_given_back(table: NameTable, journal: Journal) -> None:
    names, ref = spawn(Registry, table), spawn(Worker, journal)
    call(names, Register("x", ref), LIMIT)
    call(names, Unregister("x", ref), LIMIT)
    assert table.whereis("x") is None


def test_a_supervised_child_has_its_path_as_a_name(journal: Journal) -> None:
    root = start_tree([worker("a", journal)])
    assert root.names.whereis("a") is child(root.ref, "a")
    assert registry.call(root.names, "a", "hello", LIMIT) == "hello"
    assert registry.cast(root.names, "a", "told")
    journal.wait("message", "told")
    assert root.stop(LIMIT)


def test_a_restarted_child_is_found_under_the_same_name(journal: Journal) -> None:
    root = start_tree([worker("a", journal)])
    before = root.names.whereis("a")
    assert before is not None
    cast(before, crash)
    journal.wait("start", "a", times=2)
    after = child(root.ref, "a")
    assert root.names.whereis("a") is after
    assert after is not before
    assert root.stop(LIMIT)


def test_a_call_to_a_restarting_actor_fails_at_once(table: NameTable, journal: Journal) -> None:
    patient = {"max_restarts": None, "backoff": Backoff(min=3600, max=3600)}
    inner = ChildSpec("inner", Supervisor, ([worker("a", journal)],), patient, type="supervisor")
    root = start_tree([inner], names=table)
    ref = table.whereis("inner/a")
    assert ref is not None
    cast(ref, crash)
    gone(ref)
    with pytest.raises(ActorUnavailable):
        registry.call(table, "inner/a", "hello", LIMIT)
    before = COUNTERS.dead_letters
    assert not registry.cast(table, "inner/a", "hello")
    assert COUNTERS.dead_letters == before + 1
    assert root.stop(LIMIT)


def test_an_actor_whose_name_is_taken_does_not_start(table: NameTable, journal: Journal) -> None:
    household = Household(table)
    holder = Worker(journal)
    launch(holder, name="x", household=household)
    with pytest.raises(StartError, match="taken"):
        launch(Worker(journal), name="x", household=household)
    assert table.whereis("x") is holder.ref


def test_a_name_is_not_visible_before_init_is_done(table: NameTable, journal: Journal) -> None:
    seen: list[object] = []
    probe = Worker(journal, on_init=lambda _: seen.append(table.whereis("x")))
    launch(probe, name="x", household=Household(table))
    assert seen == [None]
    assert table.whereis("x") is probe.ref
