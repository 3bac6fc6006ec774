from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pykka import ActorRegistry

from cortex_actors.otp.actor import abandon, call, cast, kill, spawn
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import ActorUnavailable, StartError
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.launch import launch
from cortex_actors.otp.mailbox import Mailbox
from cortex_actors.otp.messages import Shutdown, System
from cortex_actors.otp.reasons import SHUTDOWN, ExitKind, ExitReason, crashed
from tests.otp.actors import LIMIT, Boom, Hosted, Journal, Recorder, crash


@dataclass(frozen=True, slots=True)
class Cancel(System):
    why: str


@pytest.fixture
def link() -> Recorder:
    return Recorder()


@pytest.fixture
def actor(journal: Journal, link: Recorder) -> Iterator[Hosted]:
    hosted = Hosted(journal)
    launch(hosted, name="hosted", link=link)
    yield hosted
    hosted.finish()


def test_it_has_no_thread(journal: Journal) -> None:
    before, hosted = threading.active_count(), Hosted(journal)
    launch(hosted, name="hosted")
    assert threading.active_count() == before
    hosted.finish()


def test_receive_gives_what_was_told_and_control_messages_first(actor: Hosted) -> None:
    for message in ("one", "two", Cancel("now")):
        cast(actor.ref, message)
    assert [actor.receive(0) for _ in range(4)] == [Cancel("now"), "one", "two", None]
    assert actor.exit_reason is None


def test_an_ask_is_answered_on_the_way(actor: Hosted) -> None:
    asked = actor.ref.ask("echo", block=False)
    cast(actor.ref, "told")
    assert actor.receive(LIMIT) == "told"
    assert asked.get(timeout=LIMIT) == "echo"


def test_an_ask_from_another_thread_does_not_lengthen_the_wait(actor: Hosted) -> None:
    asked = actor.ref.ask("echo", block=False)
    assert actor.receive(0.01) is None
    assert asked.get(timeout=LIMIT) == "echo"


def test_asks_on_the_way_do_not_add_up_to_a_longer_wait(journal: Journal) -> None:
    now = [0.0]

    class Timed(Hosted):
        def create_mailbox(self) -> Mailbox:
            return Mailbox(clock=lambda: now[0])

    hosted, received = Timed(journal), Journal()
    launch(hosted, name="hosted")
    hosted.ref.ask(lambda _: now.append(now.pop() + 3600), block=False)
    host = threading.Thread(target=lambda: received.write(hosted.receive(3600)), daemon=True)
    host.start()
    received.wait(None)
    hosted.finish()


def test_a_shutdown_finishes_it_inside_receive(actor: Hosted, journal: Journal, link: Recorder) -> None:
    cast(actor.ref, "unread")
    incarnation_of(actor.ref).post(Shutdown(SHUTDOWN))
    assert actor.receive(LIMIT) is None
    assert actor.exit_reason == SHUTDOWN
    assert journal.entries == [("finish", ExitKind.SHUTDOWN)]
    assert link.one().reason == SHUTDOWN
    assert actor.receive(LIMIT) is None, "and never blocks again"


def test_a_kill_finishes_it_inside_receive(actor: Hosted, link: Recorder) -> None:
    kill(actor.ref, "by hand")
    assert actor.receive(LIMIT) is None
    assert link.one().reason == ExitReason(ExitKind.KILLED, "by hand")


def test_finish_is_one_exit_however_often_it_is_called(
    actor: Hosted, journal: Journal, link: Recorder
) -> None:
    threads = [threading.Thread(target=actor.finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actor.finish(crashed(Boom()))
    assert link.one().reason.kind is ExitKind.NORMAL
    assert journal.entries == [("finish", ExitKind.NORMAL)]
    assert ActorRegistry.get_all() == []
    with pytest.raises(ActorUnavailable):
        call(actor.ref, "anybody?", LIMIT)


def test_what_kills_it_is_the_reason_even_when_the_host_finishes_first(actor: Hosted, link: Recorder) -> None:
    kill(actor.ref)
    actor.finish(crashed(OSError("the socket was shut down")))
    assert link.one().reason.kind is ExitKind.KILLED


def test_an_ask_that_crashes_it_is_answered_and_finishes_it(actor: Hosted, link: Recorder) -> None:
    asked = actor.ref.ask(crash, block=False)
    assert actor.receive(LIMIT) is None
    with pytest.raises(Boom):
        asked.get(timeout=LIMIT)
    assert link.one().reason.kind is ExitKind.CRASHED


def test_an_abandoned_one_wakes_its_host_and_is_reaped(
    actor: Hosted, journal: Journal, link: Recorder
) -> None:
    before, woken = COUNTERS.abandoned_now, []
    host = threading.Thread(target=lambda: woken.append(actor.receive()))
    host.start()
    abandon(actor.ref)
    host.join(LIMIT)
    assert woken == [None]
    assert COUNTERS.abandoned_now == before
    assert link.one().reason.kind is ExitKind.KILLED
    assert journal.entries == [("finish", ExitKind.KILLED)]


def test_a_failing_init_raises_in_the_starter(journal: Journal) -> None:
    class Stillborn(Hosted):
        def init(self) -> Any:
            raise Boom("no")

    with pytest.raises(StartError):
        spawn(Stillborn, journal)
    assert ActorRegistry.get_all() == []
