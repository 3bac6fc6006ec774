"""A journal: one writes, many read, each at its own place, and nobody is ever told a hole."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cortex_actors.errors import EventAhead, EventsGone
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.gate import Gate
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.reader import Reader
from cortex_actors.journal.records import weight

STREAM = "0123456789abcdef" * 2
MUCH = 10**9
WORD = b'delta {"text":"word"}'
END = b'end {"end":"complete"}'

#: Longer than any of these tests takes, in seconds.
LONG = 20.0


def journal(limit: int = MUCH, **how: object) -> Journal:
    return Journal(STREAM, "owner", b"", limit, **how)  # type: ignore[arg-type]


def words(*texts: str) -> list[bytes]:
    return [f"delta {text}".encode() for text in texts]


def after(number: int, epoch: int = 1) -> EventId:
    return EventId(STREAM, number, epoch)


def read(reader: Reader, timeout: float = 0.0) -> list[int]:
    return [record.number for record in reader.next(MUCH, timeout)]


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


# -- reading


def test_a_reader_gets_each_event_once() -> None:
    kept = journal()
    reader = kept.attach(after(0))
    kept.append(words("a", "b"))

    assert read(reader) == [1, 2]
    assert read(reader) == []
    kept.append([WORD, END])
    assert read(reader) == [3, 4]
    assert read(reader) == []
    assert reader.has_all


@pytest.mark.parametrize("place", range(5))
def test_a_reader_that_comes_back_goes_on_exactly_where_it_was(place: int) -> None:
    kept = journal()
    kept.append([WORD, WORD, WORD, WORD, END])

    assert read(kept.attach(after(place))) == list(range(place + 1, 6))


def test_a_reader_that_has_the_last_event_has_it_all() -> None:
    kept = journal()
    kept.append([WORD, END])

    assert kept.attach(after(2)).has_all
    assert not kept.attach(after(1)).has_all


def test_a_running_stream_is_not_over_for_who_has_its_newest_event() -> None:
    kept = journal()
    kept.append([WORD])

    assert not kept.attach(after(1)).has_all


def test_readers_do_not_disturb_one_another() -> None:
    kept = journal()
    one, two = kept.attach(after(0)), kept.attach(after(0))
    kept.append(words("a", "b"))

    assert read(one) == [1, 2]
    one.leave()
    assert read(two) == [1, 2]
    kept.append([END])
    assert read(two) == [3]


def test_a_reader_waits_for_the_next_event() -> None:
    kept = journal()
    reader = kept.attach(after(0))
    found: list[int] = []
    thread = in_background(lambda: found.extend(read(reader, LONG)))

    kept.append([WORD])

    thread.join(LONG)
    assert found == [1]


def test_a_reader_is_given_no_more_than_it_asks_for() -> None:
    kept = journal()
    kept.append([WORD] * 10)
    reader = kept.attach(after(0))

    assert len(reader.next(3 * weight(WORD), 0.0)) == 3
    assert len(reader.next(3 * weight(WORD), 0.0)) == 3


def test_nothing_is_written_behind_the_last_event() -> None:
    kept = journal()
    kept.append([WORD, END, WORD])
    kept.append([WORD])

    assert kept.last == 2


# -- what cannot be read


def test_an_event_that_has_not_come_is_told_apart_from_one_that_never_will() -> None:
    kept = journal()
    kept.append([WORD])
    with pytest.raises(EventAhead):
        kept.attach(after(2))

    kept.append([END])
    with pytest.raises(EventsGone) as raised:
        kept.attach(after(3))
    assert raised.value.headers == {
        "X-Cortex-First-Event": f"{STREAM}:1",
        "X-Cortex-Last-Event": f"{STREAM}:2",
    }


def test_events_that_were_dropped_are_an_error_that_says_what_is_left() -> None:
    kept = journal(limit=3 * weight(WORD))
    kept.append([WORD] * 20)

    with pytest.raises(EventsGone, match="Events up to 17 were dropped") as raised:
        kept.attach(after(16))
    assert raised.value.first == f"{STREAM}:18"
    assert raised.value.last == f"{STREAM}:20"
    assert read(kept.attach(after(17))) == [18, 19, 20]


def test_a_reader_whose_next_event_is_dropped_meanwhile_is_told_and_gets_no_later_one() -> None:
    kept = journal(limit=3 * weight(WORD))
    slow = kept.attach(after(0))
    kept.append([WORD] * 20)

    with pytest.raises(EventsGone):
        read(slow)


def test_an_event_that_another_instance_wrote_in_its_place_is_not_taken_for_it() -> None:
    kept = journal()
    kept.append([WORD] * 5)
    kept.take_over(Gate(1.0), 2, b"question")
    kept.append([WORD] * 5)
    kept.confirm(10, 0.0)

    with pytest.raises(EventsGone, match="lost with the instance"):
        kept.attach(after(7))  # the first instance gave it away, and nobody else knows it
    assert read(kept.attach(after(7, 2))) == [8, 9, 10]
    assert read(kept.attach(after(5))) == [6, 7, 8, 9, 10]


def test_an_event_beyond_the_newest_of_a_dead_instance_is_gone_at_once() -> None:
    kept = journal()
    kept.append([WORD] * 5)
    kept.take_over(Gate(1.0), 2, b"question")

    with pytest.raises(EventsGone):
        kept.attach(after(9))
    with pytest.raises(EventAhead):
        kept.attach(after(9, 2))


# -- flow control


def test_the_writer_waits_until_the_foremost_reader_has_read() -> None:
    kept = journal()
    size = weight(WORD)
    fast, _slow = kept.attach(after(0)), kept.attach(after(0))
    kept.append([WORD] * 4)

    assert not kept.wait_for_room(size, 4 * size, 0.0)
    read(fast)
    assert not kept.wait_for_room(size, 4 * size, 0.0)  # taken, but perhaps not yet sent
    read(fast)
    assert kept.wait_for_room(size, 4 * size, 0.0)


def test_the_writer_is_woken_when_there_is_room() -> None:
    kept = journal()
    reader = kept.attach(after(0))
    kept.append([WORD])
    room: list[bool] = []
    thread = in_background(lambda: room.append(kept.wait_for_room(1, 1, LONG)))

    read(reader)
    read(reader)

    thread.join(LONG)
    assert room == [True]


def test_a_record_larger_than_the_window_has_room_once_all_is_read() -> None:
    kept = journal()
    kept.attach(after(0))

    assert kept.wait_for_room(10**6, 10, 0.0)


def test_without_readers_the_writer_waits_for_nobody() -> None:
    kept = journal()
    reader = kept.attach(after(0))
    kept.append([WORD] * 100)
    assert not kept.wait_for_room(1, 1, 0.0)

    reader.leave()

    assert kept.wait_for_room(1, 1, 0.0)


def test_a_reader_that_comes_back_late_is_counted_from_where_it_is() -> None:
    kept = journal()
    kept.append([WORD] * 100)
    kept.attach(after(98))

    assert kept.wait_for_room(weight(WORD), 3 * weight(WORD), 0.0)
    assert not kept.wait_for_room(weight(WORD), 2 * weight(WORD), 0.0)


def test_that_the_last_reader_has_left_is_told_once() -> None:
    kept, told = journal(), list[str]()
    kept.on_deserted = lambda: told.append("deserted")
    one, two = kept.attach(after(0)), kept.attach(after(0))
    one.on_leave = lambda: told.append("one")

    one.leave()
    one.leave()
    assert told == ["one"]
    two.leave()
    assert told == ["one", "deserted"]


# -- cut


def test_a_journal_that_is_cut_ends_its_readers_without_an_end() -> None:
    kept = journal()
    reader = kept.attach(after(0))
    found: list[list[int]] = []
    thread = in_background(lambda: found.append(read(reader, LONG)))

    kept.cut()

    thread.join(LONG)
    assert found == [[]]
    assert reader.was_cut
    assert not reader.has_all


def test_a_journal_that_ended_cannot_be_cut() -> None:
    kept = journal()
    kept.append([END])
    kept.cut()

    assert kept.state == "ended"


# -- the gate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def mirrored(clock: Clock, gate: Gate) -> tuple[Journal, Reader]:
    kept = journal(gate=gate, clock=clock)
    kept.lease_until = clock.now + 5.0
    return kept, kept.attach(after(0))


def test_what_redis_does_not_have_yet_is_not_read_yet() -> None:
    clock, gate = Clock(), Gate(0.05)
    kept, reader = mirrored(clock, gate)
    kept.append([WORD, WORD])

    assert read(reader) == []
    kept.confirm(1, clock.now + 5.0)
    assert read(reader) == [1]


def test_when_redis_is_late_the_reader_goes_on_and_so_do_all_others() -> None:
    clock, gate = Clock(), Gate(0.05)
    kept, reader = mirrored(clock, gate)
    other, another = mirrored(clock, gate)
    kept.append([WORD])
    other.append([WORD])

    clock.now += 0.05
    assert read(reader) == [1]
    assert gate.open
    other.append([WORD])
    assert read(another) == [1, 2]


def test_a_gate_that_was_opened_closes_when_redis_has_caught_up() -> None:
    clock, gate = Clock(), Gate(0.05)
    kept, reader = mirrored(clock, gate)
    gate.give_up()
    kept.append([WORD])
    assert read(reader) == [1]

    gate.caught_up()
    kept.append([WORD])

    assert read(reader) == []


def test_after_its_lease_a_journal_waits_for_the_word_of_redis() -> None:
    clock, gate = Clock(), Gate(0.05)
    kept, reader = mirrored(clock, gate)
    kept.append([WORD])

    clock.now += 60.0  # the process stood still; meanwhile the stream may have become another's

    assert read(reader) == []
    assert not gate.open
    kept.cut()
    assert read(reader) == []
    assert reader.was_cut


# -- the mirror


def test_what_is_not_confirmed_is_given_in_order_and_in_pieces() -> None:
    kept = journal()
    kept.append([WORD] * 5)
    kept.confirm(1, 0.0)

    number, records = kept.unconfirmed(2 * weight(WORD))

    assert number == 2
    assert [record.number for record in records] == [2, 3]


def test_a_piece_is_of_one_instance() -> None:
    kept = journal()
    kept.append([WORD] * 2)
    kept.take_over(Gate(1.0), 2, b"")
    kept.append([WORD] * 2)
    kept.confirm(0, 0.0)  # Redis has lost everything

    number, records = kept.unconfirmed(MUCH)
    assert (number, [record.epoch for record in records]) == (1, [1, 1])
    kept.confirm(2, 0.0)
    number, records = kept.unconfirmed(MUCH)
    assert (number, [record.epoch for record in records]) == (3, [2, 2])


def test_what_memory_has_dropped_cannot_be_given_any_more() -> None:
    kept = journal(limit=2 * weight(WORD))
    kept.append([WORD] * 9)

    assert kept.unconfirmed(MUCH)[0] == 8
    assert kept.oldest() == (1, 8)


def test_a_copy_takes_what_follows_and_refuses_a_hole() -> None:
    kept = journal(first=5, epoch=2)

    assert kept.restore(5, 2, WORD)
    assert kept.restore(5, 2, WORD)
    assert kept.restore(6, 3, WORD)
    assert not kept.restore(8, 3, WORD)
    assert kept.last == 6
    assert read(kept.attach(after(5, 2))) == [6]
