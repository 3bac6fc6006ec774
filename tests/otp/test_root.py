from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import cortex_actors.otp
from cortex_actors.otp.actor import cast, kill
from cortex_actors.otp.errors import StartError
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.reasons import REACHED_MAX_RESTART_INTENSITY, ExitKind, ExitReason
from cortex_actors.otp.root import start_tree
from tests.otp.actors import LIMIT, Boom, Journal, crash, eventually, raises, waits_for, worker
from tests.otp.supervisors import child


def test_a_tree_starts_in_order_and_stops_in_reverse(journal: Journal) -> None:  # behaviour 15
    root = start_tree([worker("a", journal), worker("b", journal)])
    assert root.reason is None
    assert root.stop(LIMIT)
    assert root.reason == ExitReason(ExitKind.SHUTDOWN)
    assert journal.entries == [("start", "a"), ("start", "b"), ("stop", "b"), ("stop", "a")]
    assert root.stop(LIMIT), "stopping twice is stopping once"


def test_a_tree_that_does_not_start_names_the_child(journal: Journal) -> None:  # behaviour 23
    with pytest.raises(StartError, match="failed_to_start_child 'b'"):
        start_tree([worker("a", journal), worker("b", journal, on_init=raises(Boom("no")))])
    assert journal.of("stop") == ["a"]


def test_a_tree_with_wrong_specs_does_not_start(journal: Journal) -> None:  # behaviour 29
    with pytest.raises(StartError, match="duplicate_child_name"):
        start_tree([worker("a", journal), worker("a", journal)])


def test_the_callback_hears_that_the_budget_is_spent(journal: Journal) -> None:
    ended: list[ExitReason] = []
    root = start_tree([worker("a", journal)], max_restarts=0, on_exit=ended.append)
    cast(child(root.ref, "a"), crash)
    assert root.join(LIMIT)
    # The callback is the last act of the root's thread.
    eventually(lambda: ended)
    assert ended == [REACHED_MAX_RESTART_INTENSITY]
    assert journal.of("stop") == ["a"]


def test_the_callback_hears_of_a_killed_root(journal: Journal) -> None:
    ended, told = [], threading.Event()

    def on_exit(reason: ExitReason) -> None:
        ended.append(reason.kind)
        told.set()

    root = start_tree([worker("a", journal)], on_exit=on_exit)
    kill(root.ref)
    assert told.wait(LIMIT)
    assert ended == [ExitKind.KILLED]
    assert not incarnation_of(root.ref).ref.is_alive()


def test_the_callback_is_not_for_an_ordered_stop(journal: Journal) -> None:
    ended: list[ExitReason] = []
    root = start_tree([worker("a", journal)], on_exit=ended.append)
    assert root.stop(LIMIT)
    assert ended == []


def test_a_stop_that_takes_too_long_says_so(journal: Journal, gate: threading.Event) -> None:
    root = start_tree([worker("a", journal, shutdown="infinity")])
    ref, entered = child(root.ref, "a"), threading.Event()
    cast(ref, waits_for(gate, entered))
    assert entered.wait(LIMIT)
    assert not root.stop(timeout=0.01)
    gate.set()
    assert root.join(LIMIT)


def test_a_tree_does_not_keep_its_process_alive() -> None:
    program = (
        "from cortex_actors.otp import Actor, ChildSpec, start_tree\n"
        "start_tree([ChildSpec('a', Actor), ChildSpec('b', Actor)])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_example_of_the_package_works() -> None:
    lines = (cortex_actors.otp.__doc__ or "").splitlines()
    program = "\n".join(line[4:] for line in lines if line.startswith("    "))
    setup, calls = program.split("call(root", 1)
    first, second, last = ("call(root" + calls).splitlines()
    scope: dict[str, object] = {}
    exec(setup, scope)
    assert eval(first.partition("#")[0], scope) == 1
    with pytest.raises(TypeError):
        eval(second.partition("#")[0], scope)
    assert eval(last, scope) is True


def test_everything_exported_is_there() -> None:
    for name in cortex_actors.otp.__all__:
        assert hasattr(cortex_actors.otp, name)
