"""The mirror: Redis gets everything in order, whatever happens to it, and no stream waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from cortex_actors.errors import JournalUnavailable
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.gate import Gate
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.mirror import Mirror
from cortex_actors.journal.parcels import Parcel, Verdict

STREAM = "0123456789abcdef" * 2
WORD = b"delta {}"
END = b"end {}"
LONG = 20.0


class FakeRedis:
    """Keeps what it is given, as the scripts do; it can be away, forget, and give a stream away."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[int, bytes]] = {}
        self.tokens: dict[str, int] = {}
        self.parcels: list[Parcel] = []
        self.released: list[str] = []
        self.away = False
        self.cancel = False
        self.pings = 0

    def append(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        self._answer()
        self.parcels += parcels
        return [self._append(parcel) for parcel in parcels]

    def release(self, stream: str, token: int) -> None:
        self._answer()
        self.released.append(stream)

    def ping(self) -> None:
        self._answer()
        self.pings += 1

    def forget_everything(self) -> None:
        self.entries.clear()
        self.tokens.clear()

    def lines(self, stream: str = STREAM) -> list[bytes]:
        return [line for _, line in sorted(self.entries.get(stream, {}).items())]

    def _answer(self) -> None:
        if self.away:
            raise JournalUnavailable("away")

    def _append(self, parcel: Parcel) -> Verdict:
        if parcel.opens:
            self.tokens.setdefault(parcel.stream, parcel.token)
        if parcel.stream not in self.tokens:
            return Verdict("unknown")
        if self.tokens[parcel.stream] != parcel.token:
            return Verdict("lost")
        entries = self.entries.setdefault(parcel.stream, {})
        last = max(entries, default=0)
        if parcel.number > last + 1:
            if parcel.number > parcel.oldest[1]:
                return Verdict("behind", last)
            entries.clear()
        for number, line in enumerate(parcel.lines, parcel.number):
            entries.setdefault(number, line)
        return Verdict("written", max(entries, default=parcel.number - 1), self.cancel)


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def gate() -> Gate:
    return Gate(LONG)


@pytest.fixture
def mirror(redis: FakeRedis, gate: Gate) -> Iterator[Mirror]:
    mirror = Mirror(redis, gate, lease=0.3, ttl=60.0, retry_every=0.01)
    yield mirror
    mirror.close()


def kept(mirror: Mirror, gate: Gate, number: int = 0, limit: int = 10**9) -> tuple[Journal, list[str]]:
    """A journal that is copied, and what its writer was told."""
    stream = f"{number:032x}" if number else STREAM
    journal, told = Journal(stream, "owner", b"question", limit, gate=gate), list[str]()
    mirror.keep(journal, on_lost=lambda: told.append("lost"), on_cancel=lambda: told.append("cancel"))
    return journal, told


def add(mirror: Mirror, journal: Journal, *lines: bytes) -> None:
    journal.append(lines)
    mirror.touch(journal)


def wait_until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_what_is_appended_is_written_in_order_and_confirmed(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate)
    lines = [f"delta {number}".encode() for number in range(500)]
    for line in lines:
        add(mirror, journal, line)

    assert mirror.flush(LONG)
    assert redis.lines() == lines
    assert journal.confirmed == 500
    add(mirror, journal, WORD)
    assert mirror.flush(LONG)
    assert redis.parcels[0].opens
    assert not redis.parcels[-1].opens


def test_a_reader_gets_what_is_written(mirror: Mirror, gate: Gate) -> None:
    journal, _ = kept(mirror, gate)
    reader = journal.attach(EventId(STREAM, 0))
    add(mirror, journal, WORD)

    assert [record.number for record in reader.next(10**6, LONG)] == [1]
    assert not gate.open


def test_while_redis_is_away_readers_go_on_and_afterwards_it_has_everything(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate)
    reader = journal.attach(EventId(STREAM, 0))
    redis.away = True
    for number in range(20):
        add(mirror, journal, f"delta {number}".encode())
    seen: list[int] = []
    while len(seen) < 20:
        seen += [record.number for record in reader.next(10**6, LONG)]
    assert gate.open
    assert not mirror.well

    redis.away = False
    assert mirror.flush(LONG)
    wait_until(lambda: not gate.open)
    assert mirror.well
    assert redis.lines() == [f"delta {number}".encode() for number in range(20)]


def test_what_redis_forgot_is_written_anew_also_of_streams_that_are_over(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    over, _ = kept(mirror, gate, 1)
    add(mirror, over, WORD, END)
    running, _ = kept(mirror, gate, 2)
    add(mirror, running, WORD, WORD)
    assert mirror.flush(LONG)

    redis.away = True
    add(mirror, running, WORD)
    wait_until(lambda: not mirror.well)
    redis.forget_everything()
    redis.away = False

    wait_until(lambda: redis.lines(over.stream) == [WORD, END])
    wait_until(lambda: redis.lines(running.stream) == [WORD, WORD, WORD])


def test_what_memory_dropped_meanwhile_is_a_later_beginning_and_no_hole(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate, limit=1000)
    add(mirror, journal, b"delta 1", b"delta 2")
    assert mirror.flush(LONG)
    redis.away = True
    for number in range(3, 200):
        add(mirror, journal, f"delta {number}".encode())
    wait_until(lambda: not mirror.well)

    redis.away = False

    assert mirror.flush(LONG)
    numbers = sorted(redis.entries[STREAM])
    assert numbers[0] == journal.first > 3
    assert numbers == list(range(numbers[0], 200))


def test_the_lease_of_a_silent_stream_is_renewed(mirror: Mirror, gate: Gate, redis: FakeRedis) -> None:
    journal, _ = kept(mirror, gate)
    add(mirror, journal, WORD)
    assert mirror.flush(LONG)
    before = len(redis.parcels)

    wait_until(lambda: len(redis.parcels) >= before + 3)

    assert not any(parcel.lines for parcel in redis.parcels[before:])


def test_a_stream_that_is_over_is_left_alone(mirror: Mirror, gate: Gate, redis: FakeRedis) -> None:
    journal, _ = kept(mirror, gate)
    other, _ = kept(mirror, gate, 1)
    add(mirror, journal, WORD, END)
    add(mirror, other, WORD)
    assert mirror.flush(LONG)
    assert [parcel.final for parcel in redis.parcels if parcel.stream == STREAM][-1]
    before = len(redis.parcels)

    wait_until(lambda: len(redis.parcels) >= before + 3)

    assert STREAM not in {parcel.stream for parcel in redis.parcels[before:]}


def test_a_stream_that_another_instance_runs_is_lost_and_not_written_any_more(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, told = kept(mirror, gate)
    add(mirror, journal, WORD)
    assert mirror.flush(LONG)

    redis.tokens[STREAM] = 2
    add(mirror, journal, b"delta zombie")

    wait_until(lambda: told == ["lost"])
    before = len(redis.parcels)
    add(mirror, journal, b"delta zombie")
    other, _ = kept(mirror, gate, 1)
    add(mirror, other, WORD)
    assert mirror.flush(LONG)
    assert STREAM not in {parcel.stream for parcel in redis.parcels[before:]}
    assert redis.lines() == [WORD]


def test_the_wish_to_cancel_reaches_the_writer(mirror: Mirror, gate: Gate, redis: FakeRedis) -> None:
    _, told = kept(mirror, gate)
    redis.cancel = True

    wait_until(lambda: "cancel" in told)


def test_a_stream_is_given_up_once_everything_is_written(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate)
    add(mirror, journal, *[WORD] * 1000)

    assert mirror.release(journal, LONG)

    assert redis.released == [STREAM]
    assert len(redis.lines()) == 1000


def test_a_stream_cannot_be_given_up_while_redis_is_away(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate)
    redis.away = True
    add(mirror, journal, WORD)

    assert not mirror.release(journal, 0.05)
    assert redis.released == []


def test_with_nothing_to_write_it_still_learns_that_redis_is_back(
    mirror: Mirror, gate: Gate, redis: FakeRedis
) -> None:
    journal, _ = kept(mirror, gate)
    redis.away = True
    add(mirror, journal, WORD)
    wait_until(lambda: not mirror.well)
    mirror.forget(journal)

    redis.away = False

    wait_until(lambda: mirror.well)
    assert redis.pings


def test_a_bug_in_here_does_not_end_the_copying(mirror: Mirror, gate: Gate, redis: FakeRedis) -> None:
    journal, _ = kept(mirror, gate)
    original, broken = redis.append, threading.Event()

    def once(parcels: Sequence[Parcel]) -> list[Verdict]:
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError
        return original(parcels)

    redis.append = once  # type: ignore[method-assign]
    add(mirror, journal, WORD)

    assert mirror.flush(LONG)
    assert broken.is_set()


def test_many_streams_at_once_are_all_written(mirror: Mirror, gate: Gate, redis: FakeRedis) -> None:
    journals = [kept(mirror, gate, number)[0] for number in range(1, 201)]
    for _ in range(10):
        for journal in journals:
            add(mirror, journal, WORD)

    assert mirror.flush(LONG)
    assert all(len(redis.lines(journal.stream)) == 10 for journal in journals)
