"""The shelf: bounded as a whole; what ended first goes first, and it is known that it was there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cortex_actors.errors import EventsGone
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.records import weight
from cortex_actors.journal.shelf import JOURNAL_OVERHEAD, Shelf

WORD = b"delta " + b"x" * 994
END = b"end {}"
LONG = 20.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(clock: Clock) -> Iterator[Shelf]:
    shelf = Shelf(100_000, 60.0, clock)
    yield shelf
    shelf.close()


def put(
    shelf: Shelf, number: int, lines: int = 0, *, ended: bool = False, clock: Clock | None = None
) -> Journal:
    journal = Journal(f"{number:032x}", f"owner-{number}", b"", 10**9, clock=clock or Clock())
    shelf.put(journal)
    journal.append([WORD] * lines + ([END] if ended else []))
    shelf.grew(journal)
    return journal


def test_what_is_put_is_found(shelf: Shelf) -> None:
    journal = put(shelf, 1, lines=3)

    assert shelf.find(journal.stream) is journal
    assert shelf.find("other") is None
    assert shelf.count == 1
    assert shelf.size == JOURNAL_OVERHEAD + 3 * weight(WORD)


def test_what_is_dropped_is_counted_no_more(shelf: Shelf) -> None:
    journal = put(shelf, 1, lines=3)

    shelf.drop(journal, remember=False)
    shelf.grew(journal)

    assert (shelf.count, shelf.size) == (0, 0)


def test_when_it_is_full_what_ended_first_goes_first(shelf: Shelf) -> None:
    first, running, second = (
        put(shelf, 1, lines=30, ended=True),
        put(shelf, 2, lines=20),
        put(shelf, 3, lines=30, ended=True),
    )
    dropped: list[Journal] = []
    shelf.on_drop = dropped.append

    put(shelf, 4, lines=30)

    assert dropped == [first]
    assert shelf.find(second.stream) is second
    assert shelf.find(running.stream) is running
    assert shelf.size <= 100_000


def test_running_streams_lose_their_own_oldest_events_and_nobody_elses(shelf: Shelf) -> None:
    quiet, loud = put(shelf, 1, lines=40), put(shelf, 2, lines=40)

    loud.append([WORD] * 40)
    shelf.grew(loud)

    assert shelf.size <= 100_000
    assert quiet.first == 1
    assert loud.first > 1
    with pytest.raises(EventsGone):
        loud.attach(EventId(loud.stream, 0))


def test_one_record_larger_than_all_is_kept_alone(shelf: Shelf) -> None:
    journal = put(shelf, 1, lines=5)

    journal.append([b"x" * 200_000])
    shelf.grew(journal)

    assert journal.first == journal.last == 6


def test_full_of_running_streams_it_has_no_room(shelf: Shelf) -> None:
    assert shelf.has_room()
    put(shelf, 1, lines=70)

    assert not shelf.has_room()


def test_full_of_streams_that_ended_it_makes_room(shelf: Shelf) -> None:
    put(shelf, 1, lines=70, ended=True)

    assert shelf.has_room()
    assert shelf.count == 0


def test_a_shelf_of_nothing_has_never_room() -> None:
    assert not Shelf(0, 60.0).has_room()


def test_what_ended_goes_when_its_time_is_over_and_what_runs_stays(shelf: Shelf, clock: Clock) -> None:
    running, early = put(shelf, 1, lines=1, clock=clock), put(shelf, 2, ended=True, clock=clock)
    clock.now = 30.0
    late = put(shelf, 3, ended=True, clock=clock)

    clock.now = 60.0
    shelf.sweep()

    assert shelf.find(early.stream) is None
    assert shelf.find(late.stream) is late
    assert shelf.find(running.stream) is running


def test_only_its_owner_hears_that_it_was_there(shelf: Shelf, clock: Clock) -> None:
    journal = put(shelf, 1, ended=True, clock=clock)
    clock.now = 60.0
    shelf.sweep()

    assert shelf.remembers(journal.stream, "owner-1")
    assert not shelf.remembers(journal.stream, "owner-2")
    assert not shelf.remembers(f"{2:032x}", "owner-1")


def test_it_sweeps_by_itself() -> None:
    shelf = Shelf(100_000, 0.05)
    gone = threading.Event()
    shelf.on_drop = lambda journal: gone.set()

    put(shelf, 1, ended=True, clock=time.monotonic)  # type: ignore[arg-type]

    assert gone.wait(LONG)
    assert shelf.count == 0
    shelf.close()


def test_many_threads_leave_the_books_in_order() -> None:
    shelf = Shelf(10**9, 60.0)

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            for turn in range(50):
                journal = put(shelf, number * 1000 + turn, lines=3, ended=turn % 2 == 0)
                if turn % 3 == 0:
                    shelf.drop(journal, remember=True)

        return run

    threads = [threading.Thread(target=work(number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    for number in range(8):
        for turn in range(50):
            journal = shelf.find(f"{number * 1000 + turn:032x}")
            if journal is not None:
                shelf.drop(journal, remember=False)

    assert (shelf.count, shelf.size) == (0, 0)
    shelf.close()
