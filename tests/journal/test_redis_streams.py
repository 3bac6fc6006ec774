"""Journals in a real Redis: written once, in order, by one instance at a time, and never with a hole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis as library

from cortex_actors.errors import JournalUnavailable
from cortex_actors.journal.parcels import Entry, Parcel, Place, Sight, Trace
from cortex_actors.journal.redis_streams import RedisStreams
from tests.journal.conftest import Connect
from tests.redis_server import RedisServer

pytestmark = pytest.mark.needs("redis-server")

STREAM = "0123456789abcdef" * 2
LONG = 20.0

#: Short enough to wait for its end, in seconds.
SHORT = 0.2


def parcel(number: int, *lines: str, **how: object) -> Parcel:
    plain = Parcel(
        stream=STREAM,
        opens=number == 1,
        owner="me",
        question=b'{"messages": []}',
        token=1,
        oldest=(1, 1),
        number=number,
        epoch=1,
        lines=tuple(line.encode() for line in lines),
        final=False,
        keep=60.0,
    )
    return replace(plain, **how)  # type: ignore[arg-type]


def write(streams: RedisStreams, *parcels: Parcel) -> list[str]:
    """What became of each; scripts that Redis does not know yet are no news."""
    verdicts = streams.append(parcels)
    if any(verdict.outcome == "again" for verdict in verdicts):
        verdicts = streams.append(parcels)
    return [verdict.outcome for verdict in verdicts]


def lines(streams: RedisStreams) -> list[str]:
    return [entry.line.decode() for entry in streams.read(STREAM)]


def wait_until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def sight_of(streams: RedisStreams) -> Sight:
    sight = streams.look(STREAM)
    assert isinstance(sight, Sight)
    return sight


# -- writing


def test_what_is_written_is_read(connect: Connect) -> None:
    one, two = connect("one"), connect("two")

    assert write(one, parcel(1, "a", "b")) == ["written"]
    assert write(one, parcel(3, "c")) == ["written"]

    assert two.read(STREAM) == [Entry(1, 1, b"a"), Entry(1, 2, b"b"), Entry(1, 3, b"c")]
    assert two.read(STREAM, (1, 2)) == [Entry(1, 3, b"c")]


def test_what_is_written_twice_is_there_once(connect: Connect) -> None:
    one = connect()
    write(one, parcel(1, "a", "b", "c"))

    assert write(one, parcel(2, "b", "c", "d")) == ["written"]

    assert lines(one) == ["a", "b", "c", "d"]


def test_a_gap_is_refused_and_told(connect: Connect) -> None:
    one = connect()
    write(one, parcel(1, "a"))

    (verdict,) = one.append([parcel(3, "c")])

    assert (verdict.outcome, verdict.last) == ("behind", 1)
    assert lines(one) == ["a"]


def test_what_cannot_be_filled_any_more_begins_anew(connect: Connect) -> None:
    one = connect()
    write(one, parcel(1, "a"))

    assert write(one, parcel(5, "e", "f", oldest=(1, 5))) == ["written"]

    assert [entry.number for entry in one.read(STREAM)] == [5, 6]


def test_what_memory_dropped_is_dropped_here_too(connect: Connect) -> None:
    one = connect()
    write(one, parcel(1, *"abcdef"))

    write(one, parcel(7, "g", oldest=(1, 5)))

    assert [entry.number for entry in one.read(STREAM)] == [5, 6, 7]


def test_a_stream_that_redis_does_not_know_must_be_opened(connect: Connect) -> None:
    assert write(connect(), parcel(2, "b")) == ["unknown"]


def test_scripts_that_redis_forgot_are_loaded_again(connect: Connect, server: RedisServer) -> None:
    one = connect()
    write(one, parcel(1, "a"))
    library.Redis.from_url(server.url).script_flush()

    assert [verdict.outcome for verdict in one.append([parcel(2, "b")])] == ["again"]
    assert [verdict.outcome for verdict in one.append([parcel(2, "b")])] == ["written"]


def test_many_journals_travel_together(connect: Connect) -> None:
    one = connect()
    parcels = [parcel(1, *map(str, range(100)), stream=f"{number:032x}") for number in range(50)]

    assert set(write(one, *parcels)) == {"written"}
    assert all(len(one.read(f"{number:032x}")) == 100 for number in range(50))


# -- looking


def test_what_is_known_of_a_running_stream(connect: Connect) -> None:
    one = connect()
    write(one, parcel(1, "a"))

    sight = sight_of(one)

    assert (sight.owner, sight.token) == ("me", 1)
    assert (sight.ended, sight.leased, sight.released) == (False, True, False)


def test_a_stream_that_never_was_is_unknown(connect: Connect) -> None:
    assert connect().look(STREAM) is None


def test_a_stream_that_ended_is_kept_for_its_time_and_remembered_for_longer(connect: Connect) -> None:
    one = connect(ttl=SHORT)
    write(one, parcel(1, "a", "end {}", final=True, keep=SHORT))
    sight = sight_of(one)
    assert (sight.ended, sight.leased) == (True, False)
    assert lines(one) == ["a", "end {}"]

    wait_until(lambda: not isinstance(one.look(STREAM), Sight))

    assert one.look(STREAM) == Trace("me")
    assert one.read(STREAM) == []
    wait_until(lambda: one.look(STREAM) is None)


def test_a_question_is_forgotten_as_soon_as_it_is_answered(connect: Connect, server: RedisServer) -> None:
    one, plain = connect(), library.Redis.from_url(server.url)
    head = f"test:{{{STREAM}}}:head"
    write(one, parcel(1, "a"))
    assert plain.hget(head, "question") == b'{"messages": []}'

    write(one, parcel(2, "end {}", final=True))

    assert plain.hget(head, "question") is None


def test_everything_in_redis_has_an_end(connect: Connect, server: RedisServer) -> None:
    one, plain = connect(), library.Redis.from_url(server.url)
    write(one, parcel(1, "a"))
    assert all(plain.pttl(key) > 0 for key in plain.keys("*"))

    write(one, parcel(2, "end {}", final=True))

    assert len(plain.keys("*")) == 3
    assert all(plain.pttl(key) > 0 for key in plain.keys("*"))


def test_who_reads_is_woken_by_the_next_event(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "a"))
    found: list[Entry] = []

    def follow() -> None:
        while not found:
            found.extend(two.read(STREAM, (1, 1), LONG))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    write(one, parcel(2, "b"))

    thread.join(LONG)
    assert found == [Entry(1, 2, b"b")]


# -- taking over


def test_a_stream_whose_instance_lives_is_not_taken_over(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "a"))

    assert two.take_over(STREAM, sight_of(two)) is None


def test_a_stream_whose_lease_is_over_is_taken_over_by_one_alone(connect: Connect) -> None:
    one = connect("one", lease=SHORT)
    write(one, parcel(1, "a"))
    wait_until(lambda: not sight_of(one).leased)
    others = [connect(f"other-{number}") for number in range(8)]
    seen = sight_of(one)
    taken: list[object] = []
    threads = [
        threading.Thread(target=lambda each=each: taken.append(each.take_over(STREAM, seen)))
        for each in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)

    (winner,) = [each for each in taken if each is not None]
    assert winner.token == 2  # type: ignore[attr-defined]
    assert winner.question == b'{"messages": []}'  # type: ignore[attr-defined]


def test_an_instance_that_lost_its_stream_cannot_write_any_more(connect: Connect) -> None:
    zombie, two = connect("one", lease=SHORT), connect("two")
    write(zombie, parcel(1, "a", "b"))
    wait_until(lambda: not sight_of(two).leased)
    taken = two.take_over(STREAM, sight_of(two))
    assert taken is not None

    assert write(zombie, parcel(3, "zombie")) == ["lost"]
    assert write(two, parcel(3, "c", token=2, epoch=2)) == ["written"]
    assert write(zombie, parcel(3, "zombie", opens=True)) == ["lost"]

    assert two.read(STREAM) == [Entry(1, 1, b"a"), Entry(1, 2, b"b"), Entry(2, 3, b"c")]


def test_a_stream_that_was_given_up_is_free_at_once(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "a"))

    one.release(STREAM, 1)

    sight = sight_of(two)
    assert (sight.leased, sight.released) == (False, True)
    assert two.take_over(STREAM, sight) is not None
    assert not sight_of(two).released


def test_who_has_no_right_to_it_cannot_give_it_up(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "a"))

    two.release(STREAM, 7)

    assert sight_of(one).leased


def test_a_stream_that_ended_is_not_taken_over(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "end {}", final=True))

    assert two.take_over(STREAM, sight_of(two)) is None


def test_a_takeover_that_redis_slept_over_is_void(connect: Connect) -> None:
    one, two = connect("one", lease=SHORT), connect("two")
    write(one, parcel(1, "a"))
    wait_until(lambda: not sight_of(two).leased)
    long_ago = replace(sight_of(two), at=sight_of(two).at - 10_000_000)

    assert two.take_over(STREAM, long_ago) is None


def test_the_wish_to_cancel_is_told_with_the_next_word_of_the_owner(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    write(one, parcel(1, "a"))

    assert two.ask_to_cancel(STREAM)

    (verdict,) = one.append([parcel(2)])
    assert (verdict.outcome, verdict.cancel) == ("written", True)


def test_the_wish_to_cancel_outlives_the_instance_that_should_heed_it(connect: Connect) -> None:
    one, two = connect("one", lease=SHORT), connect("two")
    write(one, parcel(1, "a"))
    two.ask_to_cancel(STREAM)
    wait_until(lambda: not sight_of(two).leased)

    taken = two.take_over(STREAM, sight_of(two))

    assert taken is not None
    assert taken.cancelled


def test_what_ended_or_never_was_cannot_be_cancelled(connect: Connect) -> None:
    one = connect()
    assert not one.ask_to_cancel(STREAM)
    write(one, parcel(1, "end {}", final=True))

    assert not one.ask_to_cancel(STREAM)


# -- outages


@pytest.mark.parametrize("hurt", ["stop_answering", "kill"])
def test_a_redis_that_does_not_answer_is_one_error_within_a_moment(
    connect: Connect, server: RedisServer, hurt: str
) -> None:
    one = connect()
    write(one, parcel(1, "a"))
    getattr(server, hurt)()
    started = time.monotonic()
    calls: list[Callable[[], object]] = [
        lambda: one.append([parcel(2, "b")]),
        lambda: one.look(STREAM),
        lambda: one.read(STREAM),
        lambda: one.read(STREAM, (1, 1), 5.0),
        one.ping,
    ]

    for call in calls:
        with pytest.raises(JournalUnavailable):
            call()

    assert time.monotonic() - started < LONG


def test_what_was_on_its_way_when_redis_hung_is_there_once_in_the_end(
    connect: Connect, server: RedisServer
) -> None:
    one = connect()
    write(one, parcel(1, "a"))
    server.stop_answering()
    with pytest.raises(JournalUnavailable):
        one.append([parcel(2, "b", "c")])

    server.go_on()
    write(one, parcel(2, "b", "c", "d"))

    assert lines(one) == ["a", "b", "c", "d"]


def test_a_password_is_in_no_error_and_in_no_repr(server: RedisServer) -> None:
    place = Place(server.url, "secret-canary", "test", 60.0, 60.0)
    streams = RedisStreams(place, "one")

    with pytest.raises(JournalUnavailable) as raised:
        streams.ping()

    assert "canary" not in str(raised.value)
    assert "canary" not in repr(place)
    assert server.url not in str(raised.value)
    streams.close()
