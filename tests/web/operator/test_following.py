"""A body that goes on for as long as somebody follows it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from cortex_actors.events import EventKind, EventRing
from cortex_actors.gateway.audience import Audience
from cortex_actors.web.operator.following import Following

LIMIT = 10.0


@pytest.fixture
def audience() -> Audience:
    return Audience(1)


@pytest.fixture
def ring() -> Iterator[EventRing]:
    ring = EventRing(capacity=3)
    yield ring
    ring.close()


def follow(
    ring: EventRing,
    audience: Audience,
    *,
    gone: Callable[[], bool] = lambda: False,
    after: int = 0,
    state: Callable[[], str] | None = None,
    clock: Callable[[], float] | None = None,
) -> Following:
    how = {} if clock is None else {"clock": clock}
    return Following(ring, audience.enter(), gone, after=after, state=state, **how)


def seqs(piece: bytes) -> list[int]:
    lines = piece.decode().splitlines()
    return [json.loads(line.removeprefix("data: "))["seq"] for line in lines if line.startswith("data: ")]


def test_it_says_first_when_to_come_back(ring: EventRing, audience: Audience) -> None:
    assert next(follow(ring, audience)) == b"retry: 2000\n\n"


def test_each_event_comes_once_in_order(ring: EventRing, audience: Audience) -> None:
    ring.add(EventKind.ADMIN, "a")
    ring.add(EventKind.ADMIN, "b")
    pieces = follow(ring, audience)
    next(pieces)
    assert seqs(next(pieces)) == [1, 2]
    ring.add(EventKind.ADMIN, "c")
    assert seqs(next(pieces)) == [3]


def test_a_reader_that_was_too_slow_is_let_go_and_hears_of_the_gap_when_it_returns(
    ring: EventRing, audience: Audience
) -> None:
    pieces = follow(ring, audience)
    next(pieces)
    ring.add(EventKind.ADMIN, "read")
    assert seqs(next(pieces)) == [1]
    for _ in range(9):
        ring.add(EventKind.ADMIN, "not read in time")

    assert list(pieces) == []
    assert audience.taken == 0

    again = follow(ring, audience, after=1)
    next(again)
    assert next(again) == b'event: gap\ndata: {"from":2,"to":7}\n\n'
    assert seqs(next(again)) == [8, 9, 10]


def test_it_ends_when_its_caller_is_gone(ring: EventRing, audience: Audience) -> None:
    gone = threading.Event()
    pieces = follow(ring, audience, gone=gone.is_set)
    next(pieces)
    gone.set()
    assert list(pieces) == []
    assert audience.taken == 0


def test_what_happened_last_is_told_before_it_ends(ring: EventRing, audience: Audience) -> None:
    pieces = follow(ring, audience)
    next(pieces)
    ring.add(EventKind.DRAIN, "drained")
    ring.close()
    assert [seqs(piece) for piece in pieces] == [[1]]


def test_a_body_that_nobody_began_gives_up_its_seat_too(ring: EventRing, audience: Audience) -> None:
    follow(ring, audience).close()
    assert audience.taken == 0


def test_closing_twice_frees_one_seat(ring: EventRing) -> None:
    audience = Audience(2)
    first, second = follow(ring, audience), follow(ring, audience)
    first.close()
    first.close()
    assert audience.taken == 1
    second.close()


def test_silence_is_broken_by_a_sign_of_life(ring: EventRing, audience: Audience) -> None:
    now = [0.0]
    looked = 0

    def gone() -> bool:
        nonlocal looked
        looked += 1
        now[0] += 20.0
        return False

    pieces = follow(ring, audience, gone=gone, clock=lambda: now[0])
    next(pieces)
    assert next(pieces) == b": heartbeat\n\n"


def test_a_state_comes_at_once_and_then_regularly(ring: EventRing, audience: Audience) -> None:
    states = iter(['{"n":1}', '{"n":2}'])
    pieces = follow(ring, audience, state=lambda: next(states))
    next(pieces)
    assert next(pieces) == b'event: state\ndata: {"n":1}\n\n'
    assert next(pieces) == b'event: state\ndata: {"n":2}\n\n'
