from __future__ import annotations

from collections.abc import Iterator

import pytest

from cortex_actors.otp.actor import HostedActor, cast, spawn
from cortex_actors.otp.launch import launch
from cortex_actors.otp.messages import Down
from cortex_actors.otp.monitor import demonitor, monitor
from cortex_actors.otp.reasons import ExitKind, ExitReason
from tests.otp.actors import LIMIT, Boom, Journal, Worker, crash


@pytest.fixture
def watcher() -> Iterator[HostedActor]:
    actor = HostedActor()
    launch(actor, name="watcher")
    yield actor
    actor.finish()


def test_a_watcher_hears_why_an_actor_left(journal: Journal, watcher: HostedActor) -> None:
    ref = spawn(Worker, journal)
    monitor(ref, watcher.ref)
    cast(ref, crash)
    down = watcher.receive(LIMIT)
    assert isinstance(down, Down)
    assert down.ref is ref
    assert isinstance(down.reason.error, Boom)


def test_a_watcher_of_a_dead_actor_hears_it_at_once(journal: Journal, watcher: HostedActor) -> None:
    """behaviour 14"""
    ref = spawn(Worker, journal)
    ref.stop(block=True, timeout=LIMIT)
    monitor(ref, watcher.ref)
    assert watcher.receive(0) == Down(ref, ExitReason(ExitKind.NORMAL))


def test_watching_twice_is_watching_once(journal: Journal, watcher: HostedActor) -> None:
    ref = spawn(Worker, journal)
    monitor(ref, watcher.ref)
    monitor(ref, watcher.ref)
    ref.stop(block=True, timeout=LIMIT)
    assert isinstance(watcher.receive(LIMIT), Down)
    assert watcher.receive(0) is None


def test_who_stops_watching_hears_nothing(journal: Journal, watcher: HostedActor) -> None:
    ref = spawn(Worker, journal)
    monitor(ref, watcher.ref)
    demonitor(ref, watcher.ref)
    ref.stop(block=True, timeout=LIMIT)
    assert watcher.receive(0) is None


def test_a_down_overtakes_a_full_mailbox(journal: Journal) -> None:
    class Narrow(HostedActor):
        mailbox_bound = 1

    watcher = Narrow()
    launch(watcher, name="watcher")
    cast(watcher.ref, "waiting")
    ref = spawn(Worker, journal)
    ref.stop(block=True, timeout=LIMIT)
    monitor(ref, watcher.ref)
    assert isinstance(watcher.receive(0), Down)
    watcher.finish()


def test_a_dead_watcher_hurts_nobody(journal: Journal, watcher: HostedActor) -> None:
    ref = spawn(Worker, journal)
    monitor(ref, watcher.ref)
    watcher.finish()
    assert ref.stop(block=True, timeout=LIMIT)
