from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import pytest
from pykka import ActorDeadError, ThreadingFuture
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import MailboxClosed, MailboxEmpty, MailboxFull
from cortex_actors.otp.mailbox import Lane, Mailbox
from cortex_actors.otp.messages import System
from cortex_actors.otp.replies import answer
from tests.otp.actors import LIMIT


@dataclass(frozen=True, slots=True)
class Urgent(System):
    number: int


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def put(mailbox: Mailbox, *messages: object) -> None:
    for message in messages:
        mailbox.put(Envelope(message))


def take_all(mailbox: Mailbox) -> list[object]:
    taken = []
    while True:
        try:
            taken.append(mailbox.get(timeout=0).message)
        except MailboxEmpty:
            return taken


def ask(mailbox: Mailbox, message: object) -> ThreadingFuture[object]:
    future: ThreadingFuture[object] = ThreadingFuture()
    mailbox.put(Envelope(message, reply_to=future))
    return future


def test_messages_come_out_in_the_order_they_came_in() -> None:
    mailbox = Mailbox()
    put(mailbox, 1, 2, 3)
    assert take_all(mailbox) == [1, 2, 3]


def test_a_full_user_lane_refuses_a_teller_at_once() -> None:  # behaviour 10
    mailbox = Mailbox(bound=2)
    put(mailbox, 1, 2)
    with pytest.raises(MailboxFull):
        put(mailbox, 3)
    assert (mailbox.depth, mailbox.refused) == (2, 1)


def test_a_full_user_lane_refuses_an_asker_at_once() -> None:  # behaviour 10
    mailbox = Mailbox(bound=0)
    with pytest.raises(MailboxFull):
        ask(mailbox, "anything").get(timeout=0)


def test_a_refused_message_may_come_again_once_there_is_room() -> None:
    mailbox = Mailbox(bound=1)
    put(mailbox, 1)
    mailbox.get()
    put(mailbox, 2)
    assert take_all(mailbox) == [2]


def test_control_messages_overtake_a_full_user_lane() -> None:  # behaviour 11
    mailbox = Mailbox(bound=2)
    put(mailbox, 1, 2, Urgent(1), _ActorStop(), Urgent(2))
    assert take_all(mailbox) == [Urgent(1), _ActorStop(), Urgent(2), 1, 2]


def test_a_timer_fires_once_when_its_time_has_come() -> None:  # behaviour 12
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    mailbox.send_after(1.0, "tick")
    assert take_all(mailbox) == []
    clock.now += 1.0
    assert take_all(mailbox) == ["tick"]
    clock.now += 10.0
    assert take_all(mailbox) == []


def test_timers_fire_in_the_order_of_their_times() -> None:  # behaviour 12
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    for delay, message in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (1.0, "a again")):
        mailbox.send_after(delay, message)
    clock.now += 3.0
    assert take_all(mailbox) == ["a", "a again", "b", "c"]


def test_a_timer_does_not_fire_after_the_mailbox_closed() -> None:  # behaviour 12
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    timer = mailbox.send_after(1.0, "tick")
    mailbox.close()
    assert not timer.cancel()
    clock.now += 1.0
    with pytest.raises(MailboxClosed):
        mailbox.get(timeout=0)
    assert mailbox.received == 0


def test_a_cancelled_timer_does_not_fire() -> None:
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    timer, other = mailbox.send_after(1.0, "no"), mailbox.send_after(1.0, "yes")
    assert timer.cancel()
    assert not timer.cancel()
    clock.now += 1.0
    assert take_all(mailbox) == ["yes"]
    assert not other.cancel()


def test_a_timer_bypasses_the_bound_and_waits_its_turn() -> None:
    clock = Clock()
    mailbox = Mailbox(bound=1, clock=clock)
    mailbox.send_after(1.0, "tick")
    put(mailbox, 1)
    clock.now += 1.0
    assert take_all(mailbox) == [1, "tick"]


def test_a_control_message_by_timer_overtakes() -> None:
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    mailbox.send_after(0.0, Urgent(1))
    put(mailbox, 1)
    assert take_all(mailbox) == [Urgent(1), 1]


def test_a_timer_wakes_an_owner_who_waits_for_ever() -> None:
    mailbox = Mailbox()
    mailbox.send_after(0.01, "tick")
    assert mailbox.get().message == "tick"


def test_a_timer_set_by_another_thread_wakes_an_owner_who_waits_already() -> None:
    mailbox = Mailbox()
    setter = threading.Thread(target=lambda: mailbox.send_after(0.01, "tick"))
    setter.start()
    assert mailbox.get(timeout=LIMIT).message == "tick"
    setter.join()


def test_get_gives_up_when_its_time_is_over_although_a_timer_waits() -> None:
    mailbox = Mailbox()
    mailbox.send_after(60.0, "late")
    with pytest.raises(queue.Empty):
        mailbox.get(timeout=0.01)


def test_a_closed_mailbox_refuses_tells_and_answers_asks() -> None:
    mailbox = Mailbox()
    mailbox.close()
    with pytest.raises(ActorDeadError):
        put(mailbox, 1)
    with pytest.raises(ActorDeadError):
        ask(mailbox, 1).get(timeout=0)


def test_closing_answers_everybody_who_waits() -> None:
    mailbox = Mailbox()
    current = ask(mailbox, "in hand")
    mailbox.get()
    waiting, stopping = ask(mailbox, "waiting"), ask(mailbox, _ActorStop())
    mailbox.close()
    for future in (current, waiting):
        with pytest.raises(ActorDeadError):
            future.get(timeout=0)
    assert stopping.get(timeout=0) is None


def test_an_answer_after_closing_is_dropped_quietly() -> None:
    mailbox = Mailbox()
    future = ask(mailbox, "question")
    envelope = mailbox.get()
    mailbox.close()
    answer(envelope, "too late")
    with pytest.raises(ActorDeadError):
        future.get(timeout=0)


def test_what_is_told_and_never_handled_is_a_dead_letter() -> None:
    mailbox = Mailbox()
    put(mailbox, 1, 2, Urgent(1))
    before = COUNTERS.dead_letters
    mailbox.close()
    assert COUNTERS.dead_letters == before + 2


def test_closing_wakes_an_owner_who_waits() -> None:
    mailbox = Mailbox()
    closer = threading.Thread(target=mailbox.close)
    closer.start()
    with pytest.raises(MailboxClosed):
        mailbox.get(timeout=LIMIT)
    closer.join()


def test_the_owner_is_busy_from_taking_a_message_to_asking_for_the_next() -> None:
    clock = Clock()
    mailbox = Mailbox(clock=clock)
    assert mailbox.busy_since is None
    put(mailbox, Urgent(1))
    mailbox.get()
    assert (mailbox.busy_since, mailbox.busy_with) == (100.0, "Urgent")
    with pytest.raises(MailboxEmpty):
        mailbox.get(timeout=0)
    assert (mailbox.busy_since, mailbox.busy_with) == (None, None)


def test_the_numbers_add_up() -> None:
    mailbox = Mailbox(bound=3)
    put(mailbox, 1, 2, 3)
    mailbox.get()
    put(mailbox, Urgent(1))
    stats = mailbox.stats()
    assert (stats.received, stats.handled, stats.depth, stats.high_water) == (4, 0, 2, 3)
    take_all(mailbox)
    stats = mailbox.stats()
    assert (stats.received, stats.handled, stats.depth, stats.high_water) == (4, 4, 0, 3)


def test_nothing_is_lost_between_many_senders_and_a_close() -> None:
    for _ in range(50):
        mailbox = Mailbox(bound=10_000)
        futures: list[ThreadingFuture[object]] = []

        def ask_on(mailbox: Mailbox = mailbox, futures: list[ThreadingFuture[object]] = futures) -> None:
            futures.extend(ask(mailbox, number) for number in range(20))

        senders = [threading.Thread(target=ask_on) for _ in range(3)]
        for sender in senders:
            sender.start()
        mailbox.close()
        for sender in senders:
            sender.join()
        assert len(futures) == 60
        for future in futures:
            with pytest.raises(ActorDeadError):
                future.get(timeout=LIMIT)


def test_a_message_that_slips_in_while_the_mailbox_closes_is_answered() -> None:  # behaviour 9
    class ClosesMeanwhile(Mailbox):
        def _admit(self, envelope: Envelope[object]) -> Lane:
            lane = super()._admit(envelope)
            self.close()
            return lane

    with pytest.raises(ActorDeadError):
        ask(ClosesMeanwhile(), "question").get(timeout=0)


def test_a_subclass_may_have_a_lane_of_its_own() -> None:
    class TwoClasses(Mailbox):
        def __init__(self) -> None:
            super().__init__(bound=1)
            self.data: Lane = Lane()

        def _admit(self, envelope: Envelope[object]) -> Lane:
            return self.data if isinstance(envelope.message, bytes) else super()._admit(envelope)

        def _take(self) -> Envelope[object] | None:
            return super()._take() or (self.data.popleft() if self.data else None)

    mailbox = TwoClasses()
    put(mailbox, b"1", b"2", "command", Urgent(1))
    assert take_all(mailbox) == [Urgent(1), "command", b"1", b"2"]
