"""A body that goes on for as long as somebody follows it: server-sent events from the ring.

    retry: 2000                                 how soon to come back when it breaks
    id: BOOT.SEQ / event: event / data: {...}   an event
    event: gap / data: {"from": 3, "to": 57}    events that are kept no more
    event: state / data: {...}                  now and then, where a state is asked for
    : heartbeat                                 when nothing happens

Runs on:   the request's own thread, one for each follower; their number is bounded by `Audience`.

It ends when the ring is closed, which is when the gateway has drained; when the caller is gone; and when the
caller reads so slowly that events were lost to it meanwhile: it may come back, and will hear of the gap. What
waits for a slow reader is one write, and never a queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator

from cortex_actors.events import Event, EventKind, EventRing, Told
from cortex_actors.gateway.audience import Seat
from cortex_actors.web.framing import to_json, utf8
from cortex_actors.web.operator.events import event_id, event_payload

CONTENT_TYPE = "text/event-stream; charset=utf-8"

#: Between two signs of life, in seconds.
_HEARTBEAT = 15.0

#: Between two looks at whether the caller is still there, in seconds.
_LOOK = 1.0

#: How soon a follower comes back, in milliseconds.
_RETRY = 2000


class Following:
    """What one follower gets, piece by piece; it gives up its seat when it ends, and again when closed."""

    def __init__(
        self,
        ring: EventRing,
        seat: Seat,
        gone: Callable[[], bool],
        *,
        after: int,
        kinds: Collection[EventKind] | None = None,
        state: Callable[[], str] | None = None,
        every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins after this event. `state` gives a text of JSON, which is sent at once and then regularly."""
        self._ring = ring
        self._seat = seat
        self._gone = gone
        self._place = after
        self._kinds = kinds
        self._state = state
        self._every = every
        self._clock = clock
        self._pieces = self._all()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Gives up the seat."""
        self._pieces.close()
        self._seat.leave()

    def _all(self) -> Generator[bytes]:
        try:
            yield f"retry: {_RETRY}\n\n".encode()
            yield from self._news()
            yield from self._live()
        finally:
            self._seat.leave()

    def _live(self) -> Iterator[bytes]:
        state_at = self._clock()
        sign_at = state_at + _HEARTBEAT
        while not self._gone():
            now = self._clock()
            if self._state is not None and now >= state_at:
                yield utf8(f"event: state\ndata: {self._state()}\n\n")
                state_at, sign_at = now + self._every, now + _HEARTBEAT
            elif now >= sign_at:
                yield b": heartbeat\n\n"
                sign_at = now + _HEARTBEAT
            if self._ring.closed:
                yield from self._told(self._ring.since(self._place))
                return
            until = sign_at if self._state is None else min(state_at, sign_at)
            if self._ring.wait(self._place, max(0.0, min(_LOOK, until - self._clock()))):
                told = self._ring.since(self._place)
                if told.lost:
                    return  # it was too slow; when it comes back it is told how many it missed
                yield from self._told(told)

    def _news(self) -> Iterator[bytes]:
        """What came before the following began."""
        told = self._ring.since(self._place)
        if told.lost:
            yield utf8(f"event: gap\ndata: {to_json({'from': self._place + 1, 'to': told.oldest - 1})}\n\n")
        yield from self._told(told)

    def _told(self, told: Told) -> Iterator[bytes]:
        self._place = max(self._place, told.latest)
        wanted = [event for event in told.events if self._kinds is None or event.kind in self._kinds]
        if wanted:
            yield utf8("".join(_frame(event, self._ring.boot) for event in wanted))


def _frame(event: Event, boot: str) -> str:
    return f"id: {event_id(event, boot)}\nevent: event\ndata: {to_json(event_payload(event, boot))}\n\n"
