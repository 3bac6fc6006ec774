"""Streams that other instances run: found in Redis, followed for readers here, taken over when orphaned.

Runs on:   the requests' threads; a follower's own thread, which becomes that of a stream that is taken over.
Raises:    NotFound for what never was or is another's, EventsGone, EventAhead, JournalUnavailable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from cortex_actors.errors import EventAhead, EventsGone, GatewayBusy, NotFound
from cortex_actors.gateway.follower import Follower, GoOn
from cortex_actors.gateway.resumption import Asking
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.owner import same_owner
from cortex_actors.journal.parcels import Sight, Trace
from cortex_actors.journal.reader import Reader
from cortex_actors.journal.redis_streams import RedisStreams
from cortex_actors.journal.shelf import Shelf

#: How often it is looked for events that a client has and the journal has not, in seconds.
_LOOK = 0.1


class Elsewhere:
    """What runs on other instances, as far as somebody here reads it."""

    def __init__(
        self,
        redis: RedisStreams,
        shelf: Shelf,
        *,
        limit: int,
        settle: float,
        go_on: Callable[[Asking, GoOn], None],
    ) -> None:
        self._redis = redis
        self._shelf = shelf
        self._limit = limit
        self._settle = settle
        self._go_on = go_on
        self._lock = threading.Lock()
        self._followers: dict[str, Follower] = {}

    def has(self, stream: str) -> bool:
        """Whether the journal that is here is a copy."""
        return stream in self._followers

    def attach(self, after: EventId, asking: Asking) -> Reader:
        """A reader of a stream that runs elsewhere, or of one that ended."""
        if not self._shelf.has_room():
            raise GatewayBusy("As much is read as fits into memory.")
        follower = self._copied(after, asking)
        with self._lock:
            quicker = self._shelf.find(after.stream)
            if quicker is not None and quicker.state != "cut":
                return quicker.attach(after)
            reader = follower.journal.attach(after)
            self._shelf.put(follower.journal)
            self._followers[after.stream] = follower
        follower.start()
        return reader

    def cancel(self, stream: str, owner: str) -> None:
        """Leaves word for the instance that runs the stream."""
        self._sight(stream, owner)
        self._redis.ask_to_cancel(stream)

    def adopt(self, journal: Journal) -> None:
        """A copy has become the original."""
        with self._lock:
            self._followers.pop(journal.stream, None)
            journal.on_deserted = _nobody_cares

    def stop(self) -> None:
        """Cuts all readers: they find their streams at another instance."""
        for follower in list(self._followers.values()):
            follower.stop()

    def _sight(self, stream: str, owner: str) -> Sight:
        """What Redis knows of a stream of this owner."""
        sight = self._redis.look(stream)
        if isinstance(sight, Trace) and same_owner(sight.owner, owner):
            raise EventsGone("The stream is over, and its time to live has ended.")
        if not isinstance(sight, Sight) or not same_owner(sight.owner, owner):
            raise NotFound("There is no such stream.")
        return sight

    def _copied(self, after: EventId, asking: Asking) -> Follower:
        """A copy that reaches the event; a client may be ahead of Redis for a moment, or for good."""
        deadline = time.monotonic() + self._settle
        while True:
            sight = self._sight(after.stream, asking.owner)
            follower = self._copy(after.stream, asking, sight)
            last = follower.journal.last
            if last >= after.number or sight.ended:
                return follower
            if time.monotonic() >= deadline and sight.leased:
                raise EventAhead(f"The stream has reached event {last} only.")
            if time.monotonic() >= deadline:
                raise EventsGone("This event was lost with the instance that ran the stream.")
            time.sleep(_LOOK)

    def _copy(self, stream: str, asking: Asking, sight: Sight) -> Follower:
        page = self._redis.read(stream)
        journal = Journal(
            stream,
            asking.owner,
            b"",
            self._limit,
            first=page[0].number if page else 1,
            epoch=page[0].epoch if page else sight.token,
        )
        follower = Follower(
            journal,
            self._redis,
            settle=self._settle,
            grew=self._shelf.grew,
            go_on=partial(self._go_on, asking),
        )
        follower.load()
        journal.on_deserted = partial(self._deserted, follower)
        return follower

    def _deserted(self, follower: Follower) -> None:
        """The last reader of a copy has left."""
        with self._lock:
            if follower.journal.readers or self._followers.get(follower.journal.stream) is not follower:
                return
            del self._followers[follower.journal.stream]
            follower.stop()
        self._shelf.drop(follower.journal, remember=False)


def _nobody_cares() -> None:
    """A stream that runs here runs on without readers."""
