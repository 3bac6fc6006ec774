"""What operators may do with children, and with which words they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortex_actors.otp.actor import ActorRef, call, cast, kill
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.child_spec import ChildSpec
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor, Roster
from cortex_actors.otp.errors import ChildRefused
from cortex_actors.otp.reasons import ExitKind, ExitReason
from cortex_actors.otp.supervisor import (
    Supervisor,
    count_children,
    delete_child,
    get_child_spec,
    replace_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.otp.actors import LIMIT, Boom, Journal, Recorder, Worker, crash, eventually, gone, raises, worker
from tests.otp.supervisors import child, end, refs, supervise


def start(supervisor: Any, child_id: str, journal: Journal) -> Any:
    return start_child(supervisor, worker(child_id, journal))


@pytest.fixture
def supervisor(journal: Journal) -> ActorRef[Any]:
    """One child in every state: running, restarting, stopped; and none called `unknown`."""
    specs = [worker(child_id, journal) for child_id in ("running", "restarting", "stopped")]
    ref = supervise(specs, backoff=Backoff(min=3600, max=3600))
    terminate_child(ref, "stopped")
    falling = child(ref, "restarting")
    cast(falling, crash)
    gone(falling)
    # A question is a turn of the supervisor's loop; the exit is on its way.
    eventually(lambda: refs(ref)["restarting"] is not falling)
    return ref


Order = Callable[[Any, str, Journal], Any]
ORDERS: dict[str, Order] = {
    "start": start,
    "terminate": lambda supervisor, child_id, _: terminate_child(supervisor, child_id),
    "restart": lambda supervisor, child_id, _: restart_child(supervisor, child_id),
    "delete": lambda supervisor, child_id, _: delete_child(supervisor, child_id),
}


@pytest.mark.parametrize(
    ("order", "child_id", "word"),
    [
        ("start", "running", "already_started"),
        ("start", "restarting", "already_present"),
        ("start", "stopped", "already_present"),
        ("terminate", "unknown", "not_found"),
        ("restart", "unknown", "not_found"),
        ("restart", "running", "running"),
        ("restart", "restarting", "restarting"),
        ("delete", "unknown", "not_found"),
        ("delete", "running", "running"),
        ("delete", "restarting", "restarting"),
    ],
)
def test_an_order_is_refused_in_otps_words(
    supervisor: Any, journal: Journal, order: str, child_id: str, word: str
) -> None:  # behaviour 28
    before = refs(supervisor)
    with pytest.raises(ChildRefused) as raised:
        ORDERS[order](supervisor, child_id, journal)
    assert raised.value.word == word
    assert refs(supervisor) == before


@pytest.mark.parametrize(
    ("order", "child_id", "state"),
    [
        ("start", "unknown", "running"),
        ("terminate", "running", None),
        ("terminate", "restarting", None),
        ("terminate", "stopped", None),
        ("restart", "stopped", "running"),
        ("delete", "stopped", "forgotten"),
    ],
)
def test_an_order_is_obeyed(
    supervisor: Any, journal: Journal, order: str, child_id: str, state: str | None
) -> None:  # behaviour 28
    ORDERS[order](supervisor, child_id, journal)
    known = refs(supervisor)
    if state == "forgotten":
        assert child_id not in known
    elif state is None:
        assert known[child_id] is None
    else:
        assert call(child(supervisor, child_id), "there", LIMIT) == "there"


def test_a_started_child_is_the_last_in_order(journal: Journal) -> None:
    supervisor = supervise([worker("a", journal)])
    start(supervisor, "b", journal)
    supervisor.stop(block=True, timeout=LIMIT)
    assert journal.of("stop") == ["b", "a"]


def test_a_child_that_does_not_start_is_not_added(supervisor: Any, journal: Journal) -> None:
    with pytest.raises(ChildRefused, match=r"start_failed.*Boom: no"):
        start_child(supervisor, worker("new", journal, on_init=raises(Boom("no"))))
    assert "new" not in refs(supervisor)


def test_a_wrong_spec_is_refused(supervisor: Any, journal: Journal) -> None:
    wrong: Any = "always"
    with pytest.raises(ChildRefused) as raised:
        start_child(supervisor, worker("new", journal, restart=wrong))
    assert raised.value.word == "invalid_child_spec"


def test_a_restart_that_fails_leaves_the_child_stopped(journal: Journal) -> None:
    on_init: list[Callable[[Any], object]] = [lambda actor: None]
    supervisor = supervise([worker("a", journal, on_init=lambda actor: on_init[-1](actor))])
    terminate_child(supervisor, "a")
    on_init.append(raises(Boom("no")))
    with pytest.raises(ChildRefused, match="start_failed"):
        restart_child(supervisor, "a")
    assert refs(supervisor) == {"a": None}
    on_init.pop()
    assert restart_child(supervisor, "a").is_alive()


def test_a_terminated_temporary_child_is_forgotten(supervisor: Any, journal: Journal) -> None:
    start_child(supervisor, worker("brief", journal, restart="temporary"))
    terminate_child(supervisor, "brief")
    assert "brief" not in refs(supervisor)


def test_which_children_tells_type_class_and_state(supervisor: Any) -> None:  # behaviour 28
    infos = {info.id: info for info in which_children(supervisor)}
    assert [info.type for info in infos.values()] == ["worker"] * 3
    assert infos["running"].actor == "Worker"
    assert infos["restarting"].ref == "restarting"
    assert infos["stopped"].ref is None


def test_count_children_counts_living_and_known(supervisor: Any, journal: Journal) -> None:
    """behaviour 28"""
    nested = ChildSpec("nested", Supervisor, args=([worker("x", journal)],), type="supervisor")
    start_child(supervisor, nested)
    counted = count_children(supervisor)
    assert (counted.specs, counted.active, counted.supervisors, counted.workers) == (4, 2, 1, 3)


def test_get_child_spec_gives_the_spec_back(supervisor: Any, journal: Journal) -> None:
    spec = worker("new", journal, restart="transient", shutdown="brutal_kill")
    start_child(supervisor, spec)
    assert get_child_spec(supervisor, "new") is spec
    with pytest.raises(ChildRefused, match="not_found"):
        get_child_spec(supervisor, "unknown")


def test_an_ended_transient_child_may_be_started_again(journal: Journal) -> None:
    supervisor = supervise([worker("a", journal, restart="transient")])
    end(supervisor, "a", ExitKind.NORMAL)
    journal.wait("stop", "a")
    eventually(lambda: refs(supervisor)["a"] is None)
    assert restart_child(supervisor, "a").is_alive()


# auto_shutdown


def significant(child_id: str, journal: Journal, **flags: Any) -> ChildSpec:
    flags.setdefault("restart", "transient")
    return worker(child_id, journal, significant=True, **flags)


def test_any_significant_child_that_ends_normally_ends_its_supervisor(journal: Journal) -> None:
    """behaviour 32"""
    link = Recorder()
    specs = [significant("a", journal), significant("b", journal), worker("c", journal)]
    supervisor = supervise(specs, link=link, auto_shutdown="any_significant")
    end(supervisor, "a", ExitKind.NORMAL)
    gone(supervisor)
    assert link.one().reason.kind is ExitKind.SHUTDOWN
    assert journal.of("stop") == ["a", "c", "b"]


def test_all_significant_children_must_end_before_their_supervisor_does(journal: Journal) -> None:
    """behaviour 32"""
    specs = [significant("a", journal), significant("b", journal, restart="temporary"), worker("c", journal)]
    supervisor = supervise(specs, auto_shutdown="all_significant")
    end(supervisor, "a", ExitKind.NORMAL)
    assert set(refs(supervisor)) == {"a", "b", "c"}
    end(supervisor, "b", ExitKind.CRASHED)
    gone(supervisor)


def test_a_crash_of_a_significant_transient_is_restarted_and_ends_nothing(journal: Journal) -> None:
    """behaviour 32"""
    supervisor = supervise([significant("a", journal)], auto_shutdown="any_significant")
    end(supervisor, "a", ExitKind.CRASHED)
    journal.wait("start", "a", times=2)
    assert child(supervisor, "a").is_alive()


def test_a_significant_child_stopped_by_an_operator_ends_nothing(journal: Journal) -> None:
    """behaviour 32"""
    supervisor = supervise([significant("a", journal)], auto_shutdown="any_significant")
    terminate_child(supervisor, "a")
    assert refs(supervisor) == {"a": None}


def test_a_significant_bystander_ends_nothing(journal: Journal) -> None:  # behaviour 32
    specs = [worker("a", journal), significant("b", journal, restart="temporary")]
    supervisor = supervise(specs, strategy="one_for_all", auto_shutdown="any_significant")
    end(supervisor, "a", ExitKind.CRASHED)
    journal.wait("start", "a", times=2)
    assert list(refs(supervisor)) == ["a"]


# A dynamic supervisor answers the same questions


def test_a_dynamic_supervisor_counts_and_stops_its_children_by_name(journal: Journal) -> None:
    roster = Roster("pool")
    supervisor = supervise([ChildSpec("pool", DynamicSupervisor, args=(roster,), type="supervisor")])
    pool = child(supervisor, "pool")
    ref = roster.start_child(Worker, journal, name="x")
    roster.start_child(Worker, journal, name="y")
    assert [info.id for info in which_children(pool)] == ["x", "y"]
    assert count_children(pool).active == 2
    terminate_child(pool, "x")
    assert not ref.is_alive()
    with pytest.raises(ChildRefused, match="not_found"):
        terminate_child(pool, "x")
    for refused in (restart_child, delete_child, get_child_spec):
        with pytest.raises(ChildRefused, match="not_supported"):
            refused(pool, "y")
    with pytest.raises(ChildRefused, match="not_supported"):
        start_child(pool, worker("z", journal))


def test_an_operators_kill_is_a_failure_like_any_other(journal: Journal) -> None:
    supervisor = supervise([worker("a", journal, restart="transient")])
    kill(child(supervisor, "a"), "by hand")
    journal.wait("start", "a", times=2)
    assert child(supervisor, "a").is_alive()
    assert ExitReason(ExitKind.KILLED).abnormal


# Another incarnation


def test_a_replaced_child_is_another_and_its_siblings_stay(journal: Journal) -> None:
    ref = supervise([worker("a", journal), worker("b", journal)], strategy="one_for_all", max_restarts=0)
    before, sibling = child(ref, "a"), child(ref, "b")
    after = replace_child(ref, "a")
    assert after is child(ref, "a")
    assert after is not before
    assert not before.is_alive()
    assert child(ref, "b") is sibling
    assert ref.is_alive(), "an order is no failure"


@pytest.mark.parametrize("child_id", ["running", "restarting", "stopped"])
def test_a_child_in_any_state_runs_when_it_was_replaced(supervisor: ActorRef[Any], child_id: str) -> None:
    assert replace_child(supervisor, child_id).is_alive()
    assert child(supervisor, child_id).is_alive()


def test_a_child_that_nobody_knows_is_not_replaced(supervisor: ActorRef[Any]) -> None:
    with pytest.raises(ChildRefused) as raised:
        replace_child(supervisor, "unknown")
    assert raised.value.word == "not_found"


def test_a_child_that_does_not_start_again_is_tried_again_by_the_rules(journal: Journal) -> None:
    fails = iter((None, Boom(), None))

    def init(_: Worker) -> None:
        if (error := next(fails)) is not None:
            raise error

    ref = supervise([worker("a", journal, on_init=init)])
    with pytest.raises(ChildRefused) as raised:
        replace_child(ref, "a")
    assert raised.value.word == "start_failed"
    eventually(lambda: isinstance(refs(ref)["a"], ActorRef))


def test_what_lives_in_a_roster_survives_when_its_supervisor_is_replaced(journal: Journal) -> None:
    roster = Roster("streams")
    ref = supervise([ChildSpec("streams", DynamicSupervisor, args=(roster,), type="supervisor")])
    stream = roster.start_child(Worker, journal)
    replace_child(ref, "streams")
    assert stream.is_alive()
    assert roster.accepting
    terminate_child(ref, "streams")
    gone(stream)
