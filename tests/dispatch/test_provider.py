"""The board: what everybody sees of the providers, without asking anybody."""

from __future__ import annotations

import pytest

from cortex_actors.dispatch.provider import Board
from cortex_actors.errors import FailureClass
from cortex_actors.otp.actor import Actor, spawn
from cortex_actors.otp.dynamic_supervisor import DynamicSupervisor
from cortex_actors.resilience.provider_status import Evidence
from tests.dispatch.factories import books, provider, tripped


def test_a_provider_nobody_has_heard_of_is_unknown_and_has_its_settings() -> None:
    board = Board((provider("one", priority=7, max_streams=3, local=True, weight=2.0),))
    view = board.view("one")
    assert (view.name, view.status, view.priority, view.max_streams) == ("one", "unknown", 7, 3)
    assert (view.local, view.weight, view.models, view.requests) == (True, 2.0, ("m",), 0)
    assert "streaming" in view.capabilities


def test_providers_keep_the_order_of_the_settings() -> None:
    board = Board((provider("b"), provider("a"), provider("c")))
    assert [view.name for view in board.views()] == ["b", "a", "c"]


def test_what_a_worker_publishes_is_seen_at_once() -> None:
    board = Board((provider("one", models=()),))
    board.publish("one", books(requests=3, failures=1, mean_ttft=0.5, last_error="no", discovered=("x",)))
    view = board.view("one")
    assert (view.requests, view.failures, view.mean_ttft, view.last_error) == (3, 1, 0.5, "no")
    assert view.models == ("x",)


def test_streams_are_counted_while_they_run_whatever_was_published() -> None:
    one = provider("one")
    board = Board((one,))
    supervisor = spawn(DynamicSupervisor, one.streams)
    streams = [one.streams.start_child(Actor) for _ in range(3)]
    assert board.view("one").in_flight == 3
    for stream in streams:
        stream.stop()
    one.streams.stop()
    assert board.view("one").in_flight == 0
    supervisor.stop()


def test_a_status_changes_with_time_alone() -> None:
    now = 0.0
    board = Board((provider("one"),), clock=lambda: now)
    board.publish("one", books(breakers=tripped().snapshot(0.0), evidence=Evidence("attempt", "server")))
    assert board.view("one").status == "unavailable"
    now = 10.0
    assert board.view("one").status == "degraded"


@pytest.mark.parametrize(
    ("failure_class", "status"), [(None, "available"), ("server", "degraded"), ("caller", "available")]
)
def test_the_last_attempt_is_evidence(failure_class: FailureClass | None, status: str) -> None:
    board = Board((provider("one"),))
    board.publish("one", books(evidence=Evidence("attempt", failure_class)))
    assert board.view("one").status == status


def test_a_provider_that_is_not_configured_is_not_there() -> None:
    with pytest.raises(KeyError):
        Board(()).view("one")


def test_whoever_stays_keeps_its_books_when_others_come_and_go() -> None:
    board = Board((provider("one"), provider("two")))
    board.publish("one", books(requests=3))
    board.replace((provider("three"), provider("one", priority=7)))
    assert [(view.name, view.requests) for view in board.views()] == [("three", 0), ("one", 3)]
    assert board.view("one").priority == 7
    with pytest.raises(KeyError):
        board.view("two")


def test_whoever_comes_back_after_its_books_were_dropped_is_unknown() -> None:
    board = Board((provider("one"),))
    board.publish("one", books(requests=3))
    board.forget("one")
    assert (board.view("one").requests, board.view("one").status) == (0, "unknown")


def test_anybody_may_be_looked_at_who_is_named() -> None:
    board = Board((provider("one"),))
    assert [view.name for view in board.views((provider("two"),))] == ["two"]


def test_a_provider_that_takes_no_streams_drains() -> None:
    one = provider("one")
    one.streams.drain()
    assert Board((one,)).view("one").draining
