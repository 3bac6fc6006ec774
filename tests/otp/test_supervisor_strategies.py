"""Who falls and rises with whom, in which order."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.otp.actor import cast, spawn
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import StartError
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.otp.supervisor import Supervisor, terminate_child, which_children
from tests.otp.actors import LIMIT, Boom, Journal, Recorder, Worker, crash, gone, raises, worker
from tests.otp.supervisors import abc, child, end, refs, supervise


def test_children_start_in_order_and_stop_in_reverse(journal: Journal) -> None:  # behaviour 15
    supervisor = supervise(abc(journal))
    assert journal.entries == [("start", "a"), ("start", "b"), ("start", "c")]
    journal.clear()
    supervisor.stop(block=True, timeout=LIMIT)
    assert journal.entries == [("stop", "c"), ("stop", "b"), ("stop", "a")]


def test_one_for_one_keeps_the_siblings(journal: Journal) -> None:  # behaviour 16
    supervisor = supervise(abc(journal))
    before = refs(supervisor)
    journal.clear()
    cast(child(supervisor, "b"), crash)
    journal.wait("start", "b")
    after = refs(supervisor)
    assert journal.entries == [("stop", "b"), ("start", "b")]
    assert [before[each] is after[each] for each in "abc"] == [True, False, True]


def test_one_for_all_stops_in_reverse_and_restarts_in_order(journal: Journal) -> None:  # behaviour 17
    supervisor = supervise(abc(journal), strategy="one_for_all")
    journal.clear()
    cast(child(supervisor, "b"), crash)
    journal.wait("start", "c")
    assert journal.of("stop") == ["b", "c", "a"]
    assert journal.of("start") == ["a", "b", "c"]


def test_rest_for_one_touches_only_the_younger(journal: Journal) -> None:  # behaviour 18
    supervisor = supervise([*abc(journal), worker("d", journal)], strategy="rest_for_one")
    before = refs(supervisor)
    journal.clear()
    cast(child(supervisor, "b"), crash)
    journal.wait("start", "d")
    assert journal.of("stop") == ["b", "d", "c"]
    assert journal.of("start") == ["b", "c", "d"]
    assert refs(supervisor)["a"] is before["a"]


@pytest.mark.parametrize(
    ("restart", "kind", "restarted"),
    [
        ("permanent", ExitKind.NORMAL, True),
        ("permanent", ExitKind.SHUTDOWN, True),
        ("permanent", ExitKind.CRASHED, True),
        ("permanent", ExitKind.KILLED, True),
        ("transient", ExitKind.NORMAL, False),
        ("transient", ExitKind.SHUTDOWN, False),
        ("transient", ExitKind.CRASHED, True),
        ("transient", ExitKind.KILLED, True),
        ("temporary", ExitKind.NORMAL, False),
        ("temporary", ExitKind.SHUTDOWN, False),
        ("temporary", ExitKind.CRASHED, False),
        ("temporary", ExitKind.KILLED, False),
    ],
)
def test_who_is_restarted_after_what(
    journal: Journal, restart: Any, kind: ExitKind, restarted: bool
) -> None:  # behaviour 19
    link = Recorder()

    class Watched(Supervisor):
        """Says when it has dealt with an exit."""

        def handle(self, message: Any) -> Any:
            answer = super().handle(message)
            link.journal.write("handled", type(message).__name__)
            return answer

    supervisor = spawn(Watched, [worker("a", journal, restart=restart)])
    end(supervisor, "a", kind)
    link.journal.wait("handled", "Exit")
    assert journal.of("start") == (["a", "a"] if restarted else ["a"])
    known = refs(supervisor)
    assert ("a" in known) == (restart != "temporary"), "a temporary child leaves no spec behind"
    if restart == "transient" and not restarted:
        assert known["a"] is None


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_temporary_bystander_is_not_restarted(journal: Journal, strategy: Any) -> None:  # behaviour 20
    specs = [
        worker("a", journal),
        worker("bystander", journal, restart="temporary"),
        worker("c", journal),
    ]
    supervisor = supervise(specs, strategy=strategy)
    journal.clear()
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "c")
    assert journal.of("stop") == ["a", "c", "bystander"]
    assert list(refs(supervisor)) == ["a", "c"]


def test_a_transient_bystander_that_was_done_starts_afresh_with_its_group(journal: Journal) -> None:
    specs = [worker("a", journal), worker("b", journal, restart="transient")]
    supervisor = supervise(specs, strategy="one_for_all")
    end(supervisor, "b", ExitKind.NORMAL)
    assert refs(supervisor)["b"] is None
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "b", times=2)


def test_a_child_stopped_by_an_operator_stays_stopped_when_its_group_restarts(journal: Journal) -> None:
    supervisor = supervise(abc(journal), strategy="one_for_all")
    terminate_child(supervisor, "b")
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "c", times=2)
    assert refs(supervisor)["b"] is None


def test_a_start_up_failure_stops_the_started_in_reverse_and_names_the_child(journal: Journal) -> None:
    """behaviour 23"""
    specs = [*abc(journal), worker("d", journal, on_init=raises(Boom("no"))), worker("e", journal)]
    with pytest.raises(StartError, match=r"failed_to_start_child 'd'.*Boom: no"):
        supervise(specs)
    assert journal.of("start") == ["a", "b", "c"]
    assert journal.of("stop") == ["c", "b", "a"]


class Fuse:
    """Lets the first start of a child through, and fails the next few."""

    def __init__(self, failures: int) -> None:
        self.starts = 0
        self.failures = failures

    def __call__(self, actor: Any) -> None:
        self.starts += 1
        if 1 < self.starts <= 1 + self.failures:
            raise Boom(f"start {self.starts}")


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_sibling_that_fails_in_a_group_restart_is_tried_again(
    journal: Journal, strategy: Any
) -> None:  # behaviour 33
    fuse = Fuse(failures=2)
    specs = [worker("a", journal), worker("b", journal), worker("c", journal, on_init=fuse)]
    supervisor = supervise(specs, strategy=strategy)
    journal.clear()
    cast(child(supervisor, "b"), crash)
    journal.wait("start", "c")
    states = refs(supervisor)
    assert all(not isinstance(state, str) for state in states.values())
    assert fuse.starts == 4
    if strategy == "one_for_all":
        assert journal.of("start") == ["a", "b", "a", "b", "a", "b", "c"], "all or none"
    else:
        assert journal.of("start") == ["b", "c"], "who rose before the failing one stays"


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_nobody_starts_before_the_elder_that_failed(journal: Journal, strategy: Any) -> None:
    """behaviour 33"""
    specs = [worker("a", journal), worker("b", journal, on_init=Fuse(failures=1)), worker("c", journal)]
    supervisor = supervise(specs, strategy=strategy)
    journal.clear()
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "c")
    refs(supervisor)
    again = ["a"] if strategy == "one_for_all" else []
    assert journal.of("start") == ["a", *again, "b", "c"]


def test_a_restart_that_keeps_failing_escalates(journal: Journal) -> None:  # behaviour 24
    link, fuse = Recorder(), Fuse(failures=1000)
    specs = [worker("a", journal), worker("b", journal, on_init=fuse)]
    supervisor = supervise(specs, link=link, max_restarts=3, max_seconds=60)
    journal.clear()
    cast(child(supervisor, "b"), crash)
    gone(supervisor)
    assert link.one().reason.detail == "reached_max_restart_intensity"
    assert fuse.starts == 1 + 3
    assert journal.of("stop") == ["b", "a"]


def test_a_constructor_that_fails_on_restart_is_a_failed_start(journal: Journal) -> None:
    class Moody(Worker):
        made = 0

        def __init__(self, journal: Journal, **kwargs: Any) -> None:
            type(self).made += 1
            if type(self).made == 2:
                raise Boom("not now")
            super().__init__(journal, **kwargs)

    spec = worker("a", journal)
    supervisor = supervise([type(spec)("a", Moody, args=(journal,))])
    cast(child(supervisor, "a"), crash)
    journal.wait("start", "a", times=2)
    assert Moody.made == 3


def test_an_exit_of_somebody_else_is_ignored(journal: Journal) -> None:
    supervisor = supervise(abc(journal))
    stale = child(supervisor, "a")
    before = COUNTERS.unexpected
    cast(stale, crash)
    journal.wait("start", "a", times=2)
    now = refs(supervisor)
    cast(stale, crash)
    assert refs(supervisor) == now
    assert COUNTERS.unexpected == before


def test_an_unknown_message_does_not_disturb_a_supervisor(journal: Journal) -> None:
    supervisor = supervise(abc(journal))
    cast(supervisor, "hello")
    assert len(which_children(supervisor)) == 3
