"""The ring of events: numbered, bounded, followed by many."""

from __future__ import annotations

import threading

from cortex_actors.events import Event, EventKind, EventRing

LIMIT = 10.0


def texts(events: tuple[Event, ...]) -> list[str]:
    return [event.text for event in events]


def test_events_are_numbered_from_one_in_their_order() -> None:
    ring = EventRing()
    for text in "abc":
        ring.add(EventKind.ADMIN, text)
    told = ring.since(0)
    assert [(event.seq, event.text) for event in told.events] == [(1, "a"), (2, "b"), (3, "c")]
    assert (told.oldest, told.latest, told.lost) == (1, 3, 0)


def test_a_reader_that_comes_back_gets_each_event_once() -> None:
    ring = EventRing()
    seen: list[str] = []
    after = 0
    for text in "abcdef":
        ring.add(EventKind.ADMIN, text)
        if text in "bdf":
            told = ring.since(after)
            seen += texts(told.events)
            after = told.latest
    assert seen == list("abcdef")


def test_only_the_last_are_kept_and_a_late_reader_is_told_how_many_it_missed() -> None:
    ring = EventRing(capacity=3)
    for text in "abcdef":
        ring.add(EventKind.ADMIN, text)
    told = ring.since(1)
    assert texts(told.events) == ["d", "e", "f"]
    assert told.lost == 2


def test_a_reader_of_the_future_gets_nothing() -> None:
    ring = EventRing()
    ring.add(EventKind.ADMIN, "a")
    assert ring.since(99).events == ()
    assert ring.since(99).latest == 1


def test_kinds_and_limit_choose_the_newest_that_fit() -> None:
    ring = EventRing()
    for number in range(6):
        ring.add(EventKind.BREAKER if number % 2 else EventKind.ADMIN, str(number))
    assert texts(ring.since(0, kinds={EventKind.BREAKER}, limit=2).events) == ["3", "5"]


def test_what_happens_often_is_told_once_a_second_and_the_rest_is_counted() -> None:
    now = [100.0]
    ring = EventRing(clock=lambda: now[0])
    for _ in range(50):
        ring.often(EventKind.REFUSED, "busy", subject="gateway_busy")
    ring.often(EventKind.REFUSED, "draining", subject="gateway_draining")
    now[0] += 1.0
    ring.often(EventKind.REFUSED, "busy", subject="gateway_busy")

    told = [(event.subject, event.repeated) for event in ring.since(0).events]
    assert told == [("gateway_busy", 0), ("gateway_draining", 0), ("gateway_busy", 49)]
    assert ring.counts[EventKind.REFUSED] == 52


def test_no_number_of_subjects_fills_the_memory() -> None:
    ring = EventRing(capacity=10)
    for number in range(5000):
        ring.often(EventKind.REFUSED, "x", subject=str(number))
    assert len(ring._alike) <= 1024
    assert len(ring.since(0).events) == 10


def test_texts_and_fields_have_a_longest() -> None:
    event = EventRing().add(EventKind.ADMIN, "x" * 10_000, actor="y" * 10_000, number=3)
    assert len(event.text) == 500
    assert event.fields == {"actor": "y" * 500, "number": 3}


def test_a_follower_is_woken_by_the_next_event() -> None:
    ring = EventRing()
    woken: list[bool] = []
    follower = threading.Thread(target=lambda: woken.append(ring.wait(0, LIMIT)))
    follower.start()
    ring.add(EventKind.ADMIN, "a")
    follower.join(LIMIT)
    assert woken == [True]


def test_waiting_ends_at_the_timeout() -> None:
    assert not EventRing().wait(0, 0.01)


def test_closing_ends_everybodys_waiting() -> None:
    ring = EventRing()
    followers = [threading.Thread(target=lambda: ring.wait(0, 60.0)) for _ in range(3)]
    for follower in followers:
        follower.start()
    ring.close()
    for follower in followers:
        follower.join(LIMIT)
    assert not any(follower.is_alive() for follower in followers)


def test_events_of_many_threads_have_one_number_each() -> None:
    ring = EventRing(capacity=10_000)

    def add() -> None:
        for _ in range(500):
            ring.add(EventKind.ADMIN, "x")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert [event.seq for event in ring.since(0).events] == list(range(1, 4001))


def test_two_rings_have_different_boots() -> None:
    assert EventRing().boot != EventRing().boot
