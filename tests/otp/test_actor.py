from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import gevent
import greenlet
import pykka
import pytest
from pykka import ActorDeadError, ActorRegistry

from cortex_actors.otp.actor import Actor, abandon, call, cast, kill, spawn
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import (
    ActorUnavailable,
    CallTimeout,
    MailboxFull,
    Refused,
    StartError,
)
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.mailbox import Mailbox
from cortex_actors.otp.reasons import ExitKind, ExitReason
from tests.otp.actors import (
    LIMIT,
    Boom,
    Journal,
    Recorder,
    Worker,
    crash,
    gone,
    join_thread,
    raises,
    refuse,
    waits_for,
)

NOT_EXCEPTIONS = [SystemExit(3), greenlet.GreenletExit(), gevent.Timeout(1), KeyboardInterrupt()]


@pytest.fixture
def link() -> Recorder:
    return Recorder()


def test_spawn_returns_when_init_is_done(journal: Journal) -> None:  # behaviour 1
    spawn(Worker, journal, name="a")
    assert journal.entries == [("start", "a")]


def test_a_message_is_handled_on_a_daemon_thread_named_after_the_actor(journal: Journal) -> None:
    ref = spawn(Worker, journal, name="a/b")
    thread = call(ref, lambda _: threading.current_thread(), LIMIT)
    assert (thread.name, thread.daemon) == ("a/b", True)


def test_init_may_run_on_the_thread_of_the_starter() -> None:
    class Quick(Actor):
        init_in_caller = True
        where: Any = None

        def init(self) -> None:
            type(self).where = threading.current_thread()

        def handle(self, message: Any) -> Any:
            return threading.current_thread() is not self.where

    assert call(spawn(Quick), "where?", LIMIT)
    assert Quick.where is threading.current_thread()


@pytest.mark.parametrize("in_caller", [False, True])
@pytest.mark.parametrize("error", [Boom("no"), SystemExit(1)])
def test_a_failing_init_raises_in_the_starter_and_leaves_nothing(
    journal: Journal, link: Recorder, error: BaseException, in_caller: bool
) -> None:  # behaviours 2 and 8
    class Stillborn(Worker):
        init_in_caller = in_caller

    with pytest.raises(StartError) as raised:
        spawn(Stillborn, journal, on_init=raises(error), name="a", link=link)
    assert raised.value.__cause__ is error
    assert ActorRegistry.get_all() == []
    join_thread("a")
    assert link.journal.entries == []
    assert journal.entries == []


def test_a_failing_constructor_is_a_start_error() -> None:  # behaviour 2
    class Wrong(Actor):
        def __init__(self) -> None:
            super().__init__()
            raise Boom("no")

    with pytest.raises(StartError) as raised:
        spawn(Wrong)
    assert isinstance(raised.value.__cause__, Boom)
    assert ActorRegistry.get_all() == []


def test_a_hanging_init_is_abandoned(
    journal: Journal, link: Recorder, gate: threading.Event
) -> None:  # behaviour 3
    before = COUNTERS.abandoned_now
    with pytest.raises(StartError, match="init took longer"):
        spawn(Worker, journal, on_init=waits_for(gate), name="stuck", link=link, start_timeout=0.02)
    assert ActorRegistry.get_all() == []
    assert COUNTERS.abandoned_now == before + 1
    assert journal.entries == [("kill", "stuck")]
    gate.set()
    join_thread("stuck")
    assert COUNTERS.abandoned_now == before
    assert journal.of("stop") == ["stuck"], "what init has acquired is given back"
    assert link.journal.entries == [], "the starter was told already"


def test_a_thread_that_cannot_be_made_leaves_nothing(
    journal: Journal, link: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    for in_caller in (False, True):
        monkeypatch.setattr(Worker, "init_in_caller", in_caller)
        with pytest.raises(StartError, match="can't start new thread"):
            spawn(Worker, journal, link=link)
    assert ActorRegistry.get_all() == []
    assert link.journal.entries == []


def test_a_crash_in_a_tell_is_one_exit_with_the_exception(journal: Journal, link: Recorder) -> None:
    """behaviour 4"""
    ref = spawn(Worker, journal, name="a", link=link)
    cast(ref, crash)
    join_thread("a")
    exit_ = link.one()
    assert (exit_.ref, exit_.name, exit_.generation) == (ref, "a", 1)
    assert exit_.reason.kind is ExitKind.CRASHED
    assert isinstance(exit_.reason.error, Boom)
    assert "Boom: as told" in exit_.reason.detail


def test_a_crash_in_an_ask_reaches_the_asker_and_ends_the_actor(
    journal: Journal, link: Recorder
) -> None:  # behaviour 5
    ref = spawn(Worker, journal, link=link)
    with pytest.raises(Boom):
        call(ref, crash, LIMIT)
    gone(ref)
    assert link.one().reason.kind is ExitKind.CRASHED


def test_a_refusal_reaches_the_asker_and_the_actor_lives(journal: Journal) -> None:  # behaviour 6
    ref = spawn(Worker, journal)
    with pytest.raises(Refused, match="not today"):
        call(ref, refuse, LIMIT)
    cast(ref, refuse)
    assert call(ref, "still there", LIMIT) == "still there"


def test_a_greenlet_killed_while_it_waits_leaves_in_order(
    journal: Journal, link: Recorder
) -> None:  # behaviour 7
    class Interrupted(Mailbox):
        def get(self, timeout: float | None = None) -> Any:
            raise greenlet.GreenletExit

    class Victim(Worker):
        def create_mailbox(self) -> Mailbox:
            return Interrupted()

    bystander = spawn(Worker, journal)
    ref = spawn(Victim, journal, link=link, name="victim")
    gone(ref)
    assert link.one().reason.kind is ExitKind.CRASHED
    journal.wait("stop", "victim")
    assert call(bystander, "still there", LIMIT) == "still there"


@pytest.mark.parametrize("error", NOT_EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_no_base_exception_reaches_anybody_else(
    journal: Journal, link: Recorder, error: BaseException
) -> None:  # behaviour 7
    bystander = spawn(Worker, journal)
    asked, told = spawn(Worker, journal, name="asked"), spawn(Worker, journal, name="told", link=link)
    with pytest.raises(ActorUnavailable):
        call(asked, raises(error), LIMIT)
    cast(told, raises(error))
    gone(asked)
    gone(told)
    assert link.one().reason.error is error
    assert call(bystander, "still there", LIMIT) == "still there"


@pytest.mark.parametrize("error", [Boom("no"), SystemExit(1)])
def test_an_exception_in_terminate_leaves_no_zombie(
    link: Recorder, error: BaseException
) -> None:  # behaviour 8
    class Sore(Actor):
        def terminate(self, reason: ExitReason) -> None:
            raise error

    ref = spawn(Sore, name="sore", link=link)
    ref.stop(block=True, timeout=LIMIT)
    join_thread("sore")
    assert not ref.is_alive()
    assert ActorRegistry.get_all() == []
    assert link.one().reason.kind is ExitKind.CRASHED


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_switches")
def test_no_ask_is_lost_while_an_actor_dies(journal: Journal) -> None:  # behaviour 9
    for _ in range(100):
        ref = spawn(Worker, journal)
        futures: list[pykka.Future[Any]] = []

        def ask(ref: pykka.ActorRef[Any] = ref, futures: list[pykka.Future[Any]] = futures) -> None:
            futures.extend(ref.ask("question", block=False) for _ in range(10))

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        cast(ref, crash)
        for asker in askers:
            asker.join()
        for future in futures:
            try:
                assert future.get(timeout=LIMIT) == "question"
            except ActorDeadError:
                continue
        assert len(futures) == 30


def test_a_full_mailbox_refuses_and_the_actor_goes_on(
    journal: Journal, gate: threading.Event
) -> None:  # behaviour 10
    class Narrow(Worker):
        mailbox_bound = 1

    ref, entered = spawn(Narrow, journal), threading.Event()
    cast(ref, waits_for(gate, entered))
    entered.wait(LIMIT)
    assert cast(ref, "fits")
    before = COUNTERS.dead_letters
    assert not cast(ref, "too much")
    assert COUNTERS.dead_letters == before + 1
    with pytest.raises(MailboxFull):
        call(ref, "too much", LIMIT)
    gate.set()
    journal.wait("message", "fits")
    assert call(ref, "room again", LIMIT) == "room again"


def test_stop_overtakes_and_returns_when_the_actor_has_left(
    journal: Journal, gate: threading.Event
) -> None:  # behaviour 11
    ref, entered = spawn(Worker, journal, name="a"), threading.Event()
    cast(ref, waits_for(gate, entered))
    entered.wait(LIMIT)
    late = ref.ask("late", block=False)
    stopped = ref.stop(block=False)
    gate.set()
    assert stopped.get(timeout=LIMIT) is True
    with pytest.raises(ActorDeadError):
        late.get(timeout=LIMIT)
    assert journal.entries == [("start", "a"), ("stop", "a")]
    assert ref.stop(block=True, timeout=LIMIT) is False


def test_send_after_reaches_handle(journal: Journal) -> None:  # behaviour 12
    spawn(Worker, journal, on_init=lambda actor: actor.send_after(0.01, "later"))
    journal.wait("message", "later")


def test_a_cast_to_the_dead_is_a_dead_letter(journal: Journal) -> None:  # behaviour 13
    ref = spawn(Worker, journal)
    ref.stop(block=True, timeout=LIMIT)
    before = COUNTERS.dead_letters
    assert cast(ref, "anybody?") is False
    assert COUNTERS.dead_letters == before + 1


def test_a_call_to_the_dead_fails_at_once(journal: Journal) -> None:
    ref = spawn(Worker, journal)
    ref.stop(block=True, timeout=LIMIT)
    with pytest.raises(ActorUnavailable):
        call(ref, "anybody?", LIMIT)


def test_a_call_has_a_limit(journal: Journal, gate: threading.Event) -> None:
    ref = spawn(Worker, journal)
    with pytest.raises(CallTimeout):
        call(ref, waits_for(gate), 0.01)


def test_an_actor_that_calls_itself_is_told_so(journal: Journal) -> None:
    ref = spawn(Worker, journal)
    with pytest.raises(RuntimeError, match="would wait for itself"):
        call(ref, lambda actor: call(actor.ref, "me", LIMIT), LIMIT)


def test_an_actor_may_leave_by_itself(journal: Journal, link: Recorder) -> None:
    ref = spawn(Worker, journal, link=link)
    assert call(ref, lambda actor: actor.leave(), LIMIT) is None
    gone(ref)
    assert link.one().reason == ExitReason(ExitKind.NORMAL)


def test_an_actor_may_leave_in_init(journal: Journal, link: Recorder) -> None:
    spawn(Worker, journal, link=link, on_init=lambda actor: actor.leave())
    assert link.one().reason.kind is ExitKind.NORMAL


def test_an_unexpected_message_is_counted_and_ignored() -> None:
    ref = spawn(Actor)
    before = COUNTERS.unexpected
    assert call(ref, "what?", LIMIT) is None
    assert COUNTERS.unexpected == before + 1


def test_kill_pulls_the_hook_and_the_exit_says_so(
    journal: Journal, link: Recorder, gate: threading.Event
) -> None:
    class Blocked(Worker):
        def kill(self) -> None:
            gate.set()

    ref, entered = spawn(Blocked, journal, link=link), threading.Event()
    question = ref.ask(waits_for(gate, entered), block=False)
    entered.wait(LIMIT)
    assert kill(ref, "by hand")
    assert question.get(timeout=LIMIT) == "through"
    gone(ref)
    assert link.one().reason == ExitReason(ExitKind.KILLED, "by hand")
    assert not kill(ref)


def test_what_a_kill_hook_breaks_is_a_kill_and_no_crash(
    journal: Journal, link: Recorder, gate: threading.Event
) -> None:
    class Blocked(Worker):
        def kill(self) -> None:
            gate.set()

        def handle(self, message: Any) -> Any:
            message(self)
            raise OSError("the socket was shut down")

    ref, entered = spawn(Blocked, journal, link=link), threading.Event()
    cast(ref, waits_for(gate, entered))
    entered.wait(LIMIT)
    kill(ref)
    assert link.one().reason.kind is ExitKind.KILLED


def test_a_kill_hook_that_fails_does_not_hurt_the_killer(link: Recorder) -> None:
    class Thorny(Actor):
        def kill(self) -> None:
            raise SystemExit

    ref = spawn(Thorny, link=link)
    assert kill(ref)
    assert link.one().reason.kind is ExitKind.KILLED


def test_an_abandoned_actor_has_left_for_everybody(
    journal: Journal, link: Recorder, gate: threading.Event
) -> None:
    ref, entered = spawn(Worker, journal, name="stuck", link=link), threading.Event()
    current = ref.ask(waits_for(gate, entered), block=False)
    waiting = ref.ask("waiting", block=False)
    entered.wait(LIMIT)
    before = COUNTERS.abandoned_total, COUNTERS.abandoned_now
    assert abandon(ref)
    assert not abandon(ref)
    assert (COUNTERS.abandoned_total, COUNTERS.abandoned_now) == (before[0] + 1, before[1] + 1)
    for future in (current, waiting):
        with pytest.raises(ActorDeadError):
            future.get(timeout=LIMIT)
    assert ActorRegistry.get_all() == []
    assert not cast(ref, "too late")
    gate.set()
    join_thread("stuck")
    assert COUNTERS.abandoned_now == before[1]
    assert link.one().reason.kind is ExitKind.KILLED, "and no second exit from the thread itself"
    assert journal.of("message") == []


def test_a_departed_actor_is_not_kept_alive_by_its_ref(journal: Journal) -> None:
    ref = spawn(Worker, journal, name="a")
    ref.stop(block=True, timeout=LIMIT)
    join_thread("a")
    assert incarnation_of(ref)._kill_hook is None
    assert ref._actor_weakref() is None


def test_an_actor_may_bring_its_own_mailbox(journal: Journal) -> None:
    class Mine(Mailbox):
        pass

    class Owner(Worker):
        def create_mailbox(self) -> Mailbox:
            return Mine(7)

    ref = spawn(Owner, journal)
    assert isinstance(ref.actor_inbox, Mine)
    assert call(ref, lambda actor: actor.mailbox.bound, LIMIT) == 7


def test_it_is_a_pykka_actor() -> None:
    class Counter(Actor):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def increment(self) -> int:
            self.count += 1
            return self.count

    proxy = Counter.start().proxy()
    assert proxy.increment().get(timeout=LIMIT) == 1
    assert proxy.count.get(timeout=LIMIT) == 1
    proxy.stop()


def test_pykka_still_has_what_this_layer_builds_on() -> None:
    for attribute in ("_create_actor_inbox", "_start_actor_loop", "_handle_receive", "on_receive"):
        assert callable(getattr(pykka.ThreadingActor, attribute))
    stock = pykka.ThreadingActor()
    assert isinstance(stock.actor_stopped, threading.Event)
    assert stock.actor_ref.actor_inbox is stock.actor_inbox


def test_a_call_to_a_foreign_actor_is_a_programming_error() -> None:
    class Stock(pykka.ThreadingActor):
        pass

    ref = Stock.start()
    try:
        with pytest.raises(TypeError):
            call(ref, "hello", LIMIT)
    finally:
        ref.stop()
