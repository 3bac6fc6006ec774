"""Events: what happened lately, numbered, for an operator to read back and to follow live.

    events = EventRing()
    events.add(EventKind.RELOAD, "settings reloaded", file="cortex.toml")
    events.often(EventKind.REFUSED, "busy", subject="gateway_busy")      one a second, the rest is counted
    told = events.since(117)          told.events, told.oldest, told.latest, told.lost
    events.wait(118, timeout=1.0)     until there is something later than 118

Runs on:   any thread. Adding takes one short lock and wakes whoever follows; what happens for every chunk, or
           for every request that goes well, is no event.

Only the last `capacity` events are kept: whoever reads too late is told how many it missed. Numbers begin
anew with each process; `boot` tells one process from another, so that no number means two things.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Literal

#: Events that are kept.
CAPACITY = 1000

#: What happens often is told once in so many seconds, for each kind and subject.
SPACING = 1.0

#: Kinds and subjects whose last time is remembered; the oldest is forgotten first.
_REMEMBERED = 1024

#: Characters of a text or a field.
_LONGEST = 500

Level = Literal["info", "warning", "error"]
Scalar = str | int | float | bool | None


class EventKind(StrEnum):
    """What can happen."""

    STARTED = "started"
    DRAIN = "drain"
    ACTOR_ENDED = "actor_ended"
    ACTOR_RESTARTED = "actor_restarted"
    ACTOR_HUNG = "actor_hung"
    ACTOR_ABANDONED = "actor_abandoned"
    ACTOR_GAVE_UP = "actor_gave_up"
    PROVIDER_STATUS = "provider_status"
    BREAKER = "breaker"
    KEY = "key"
    RETRY = "retry"
    FAILOVER = "failover"
    RECOVERY = "recovery"
    STREAM_FAILED = "stream_failed"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    RELOAD = "reload"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `time` in epoch seconds."""

    seq: int
    time: float
    kind: EventKind
    level: Level
    #: Whom it is about: an actor, a provider, a stream, a caller.
    subject: str
    #: One line for people.
    text: str
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    #: So many alike were not told one by one since the last.
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of the ring."""

    events: tuple[Event, ...]
    #: The numbers of the oldest and the latest event there is; 0 when there is none.
    oldest: int
    latest: int
    #: So many were asked for and are kept no more.
    lost: int = 0


class EventRing:
    """The last events of one gateway."""

    def __init__(
        self,
        capacity: int = CAPACITY,
        *,
        spacing: float = SPACING,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        #: Names this process among those that had the same numbers.
        self.boot = secrets.token_hex(4)
        #: How many of each kind there were, those that were not told one by one included.
        self.counts: dict[EventKind, int] = dict.fromkeys(EventKind, 0)
        self.closed = False
        self._events: deque[Event] = deque(maxlen=capacity)
        self._latest = 0
        self._spacing = spacing
        self._wall_clock = wall_clock
        self._clock = clock
        self._news = threading.Condition(threading.Lock())
        #: When something alike was told last, and how many were not since.
        self._alike: OrderedDict[tuple[EventKind, str], tuple[float, int]] = OrderedDict()

    def add(
        self, kind: EventKind, text: str, *, subject: str = "", level: Level = "info", **fields: Scalar
    ) -> Event:
        """Tells an event."""
        with self._news:
            return self._add(kind, text, subject, level, fields, 0)

    def often(
        self, kind: EventKind, text: str, *, subject: str = "", level: Level = "info", **fields: Scalar
    ) -> Event | None:
        """Tells an event that may come in floods: at most one a second for each kind and subject."""
        with self._news:
            now = self._clock()
            last, untold = self._alike.get((kind, subject), (-self._spacing, 0))
            if now - last < self._spacing:
                self._alike[kind, subject] = (last, untold + 1)
                self.counts[kind] += 1
                return None
            self._alike[kind, subject] = (now, 0)
            self._alike.move_to_end((kind, subject))
            if len(self._alike) > _REMEMBERED:
                self._alike.popitem(last=False)
            return self._add(kind, text, subject, level, fields, untold)

    def since(
        self, seq: int, *, kinds: Collection[EventKind] | None = None, limit: int | None = None
    ) -> Told:
        """What came after this number, oldest first; of more than `limit`, the newest."""
        with self._news:
            kept = tuple(self._events)
        oldest = kept[0].seq if kept else 0
        latest = kept[-1].seq if kept else 0
        newer = islice(kept, max(0, seq - oldest + 1), None) if kept else ()
        found = tuple(event for event in newer if kinds is None or event.kind in kinds)
        if limit is not None:
            found = found[max(0, len(found) - limit) :]
        return Told(found, oldest, latest, lost=max(0, oldest - 1 - seq))

    @property
    def latest(self) -> int:
        """The number of the latest event; 0 before the first."""
        return self._latest

    def wait(self, seq: int, timeout: float) -> bool:
        """Waits until there is an event after this number, or the ring is closed; False at the timeout."""
        with self._news:
            return self._news.wait_for(lambda: self._latest > seq or self.closed, timeout)

    def close(self) -> None:
        """Ends everybody's waiting: nothing more is worth being followed."""
        with self._news:
            self.closed = True
            self._news.notify_all()

    def _add(
        self,
        kind: EventKind,
        text: str,
        subject: str,
        level: Level,
        fields: Mapping[str, Scalar],
        repeated: int,
    ) -> Event:
        self._latest += 1
        self.counts[kind] += 1
        short = {name: _short(value) for name, value in fields.items()}
        event = Event(
            self._latest, self._wall_clock(), kind, level, subject, text[:_LONGEST], short, repeated
        )
        self._events.append(event)
        self._news.notify_all()
        return event


def _short(value: Scalar) -> Scalar:
    return value[:_LONGEST] if isinstance(value, str) else value
