"""Following a stream that another instance runs, and when to go on with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from cortex_actors.errors import JournalUnavailable
from cortex_actors.gateway.follower import Follower, GoOn
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.parcels import Entry, Sight, Takeover
from cortex_actors.journal.redis_streams import RedisStreams
from tests.gateway.resumption import LONG, numbers, wait_until

STREAM = "0123456789abcdef" * 2
RUNNING = Sight("me", token=1, ended=False, leased=True, released=False, at=0)


class FakeRedis:
    """One stream, as a test wants it to look."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sight: Sight | None = RUNNING
        self.away = False
        self.takeover: Takeover | None = Takeover(2, b"question", cancelled=False)
        self.taken = 0
        self.looks = 0

    def say(self, *lines: bytes, epoch: int = 1) -> None:
        last = self.entries[-1].number if self.entries else 0
        self.entries += [Entry(epoch, number, line) for number, line in enumerate(lines, last + 1)]

    def read(self, stream: str, after: tuple[int, int] = (0, 0), wait: float = 0.0) -> list[Entry]:
        self._answer()
        found = [entry for entry in list(self.entries) if (entry.epoch, entry.number) > after]
        if not found and wait:
            threading.Event().wait(0.002)
        return found[:2]  # pages are small here

    def look(self, stream: str) -> Sight | None:
        self._answer()
        self.looks += 1
        return self.sight

    def take_over(self, stream: str, seen: Sight) -> Takeover | None:
        self._answer()
        self.taken += 1
        return self.takeover

    def _answer(self) -> None:
        if self.away:
            raise JournalUnavailable("away")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A follower at work."""

    def __init__(self) -> None:
        self.redis = FakeRedis()
        self.clock = Clock()
        self.journal = Journal(STREAM, "me", b"", 10**9)
        self.gone_on: list[GoOn] = []
        self.follower = Follower(
            self.journal,
            cast(RedisStreams, self.redis),
            settle=2.0,
            grew=lambda journal: None,
            go_on=self._go_on,
            clock=self.clock,
        )

    def _go_on(self, found: GoOn) -> None:
        self.gone_on.append(found)
        self.journal.append([b"end {}"])

    def looked(self, times: int = 3) -> None:
        """Waits until it has looked so many times more."""
        before = self.redis.looks
        wait_until(lambda: self.redis.looks >= before + times)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.follower.stop()


def test_what_the_owner_says_is_read_here(scene: Scene) -> None:
    scene.redis.say(b"start {}", b"delta a", b"delta b")
    scene.follower.load()
    reader = scene.journal.attach(EventId(STREAM, 1))
    assert numbers(reader.next(10**6, 0.0)) == [2, 3]

    scene.follower.start()
    scene.redis.say(b"delta c", b"end {}")

    found: list[int] = []
    while not reader.has_all:
        found += numbers(reader.next(10**6, LONG))
    assert found == [4, 5]


def test_an_owner_that_lives_is_left_alone(scene: Scene) -> None:
    scene.follower.start()
    scene.looked()
    scene.clock.now += 1000.0
    scene.looked()

    assert scene.redis.taken == 0


def test_an_owner_whose_lease_stays_over_is_replaced(scene: Scene) -> None:
    scene.redis.say(b"start {}", b"delta a")
    scene.redis.sight = replace(RUNNING, leased=False)
    scene.follower.start()
    scene.looked()
    assert scene.redis.taken == 0
    scene.redis.say(b"delta b")  # arrived in Redis before its owner died

    scene.clock.now += 2.0

    wait_until(lambda: scene.gone_on)
    assert scene.gone_on == [GoOn(scene.journal, Takeover(2, b"question", cancelled=False))]
    assert scene.journal.last == 4


def test_an_owner_that_renews_its_lease_in_time_stays(scene: Scene) -> None:
    scene.redis.sight = replace(RUNNING, leased=False)
    scene.follower.start()
    scene.looked()
    scene.clock.now += 1.9
    scene.looked()
    scene.redis.sight = RUNNING
    scene.looked()
    scene.redis.sight = replace(RUNNING, leased=False)
    scene.looked()
    scene.clock.now += 1.9
    scene.looked()

    assert scene.redis.taken == 0


def test_after_an_outage_of_redis_owners_get_their_time_anew(scene: Scene) -> None:
    scene.redis.sight = replace(RUNNING, leased=False)
    scene.follower.start()
    scene.looked()
    scene.clock.now += 1.9
    scene.redis.away = True
    threading.Event().wait(0.05)
    scene.redis.away = False
    scene.looked()
    scene.clock.now += 1.9
    scene.looked()

    assert scene.redis.taken == 0


def test_an_owner_that_gave_its_stream_up_is_not_waited_for(scene: Scene) -> None:
    scene.redis.sight = replace(RUNNING, leased=False, released=True)
    scene.follower.start()

    wait_until(lambda: scene.gone_on)


def test_who_comes_second_follows_whoever_came_first(scene: Scene) -> None:
    scene.redis.say(b"start {}")
    scene.redis.sight = replace(RUNNING, leased=False, released=True)
    scene.redis.takeover = None
    scene.follower.start()
    wait_until(lambda: scene.redis.taken)
    scene.redis.sight = RUNNING
    scene.redis.say(b"delta b", b"end {}", epoch=2)

    wait_until(lambda: scene.journal.state == "ended")
    assert scene.gone_on == []
    assert scene.journal.attach(EventId(STREAM, 2, 2))


def test_a_stream_that_ends_between_two_looks_is_read_to_its_end(scene: Scene) -> None:
    scene.redis.say(b"start {}")
    original = scene.redis.look

    def look(stream: str) -> Sight | None:
        if not scene.redis.looks:
            scene.redis.say(b"delta a", b"delta b", b"end {}")
            scene.redis.sight = replace(RUNNING, ended=True, leased=False)
        return original(stream)

    scene.redis.look = look  # type: ignore[method-assign]
    scene.follower.start()

    wait_until(lambda: scene.journal.state == "ended")
    assert scene.journal.last == 4


@pytest.mark.parametrize(
    "happens",
    [
        lambda redis: setattr(redis, "sight", None),
        lambda redis: setattr(redis, "sight", replace(RUNNING, ended=True)),
        lambda redis: redis.entries.append(Entry(1, 9, b"delta after a hole")),
    ],
    ids=["forgotten", "ended without an end", "a hole"],
)
def test_what_cannot_be_followed_is_cut(scene: Scene, happens: Callable[[Any], None]) -> None:
    scene.redis.say(b"start {}")
    scene.follower.start()
    scene.looked()

    happens(scene.redis)

    wait_until(lambda: scene.journal.state == "cut")
    assert scene.journal.last == 1


def test_readers_are_kept_waiting_while_redis_is_away_but_not_for_ever(scene: Scene) -> None:
    scene.redis.away = True
    scene.follower.start()
    threading.Event().wait(0.05)
    assert scene.journal.state == "running"

    scene.clock.now += 31.0

    wait_until(lambda: scene.journal.state == "cut")


def test_nobody_follows_what_nobody_reads(scene: Scene) -> None:
    scene.follower.start()
    scene.looked()

    scene.follower.stop()

    assert scene.journal.state == "cut"
    wait_until(lambda: not any(t.name.startswith("follower-") for t in threading.enumerate()))
