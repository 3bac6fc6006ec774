"""The follower: copies a stream that another instance runs, and goes on with it when that instance is gone.

    Redis  ->  a journal in this process  ->  its readers, as if the stream ran here

Runs on:   one thread a followed stream, as long as somebody reads it.

An instance counts as gone when its lease is over and stays over while Redis answers: after an outage of
Redis all leases are over, and the instances that live need a moment to renew them. One that gave its stream
up is not waited for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cortex_actors.errors import JournalUnavailable
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.parcels import Entry, Sight, Takeover
from cortex_actors.journal.redis_streams import RedisStreams

_log = logging.getLogger(__name__)

#: How long it waits for the next entry before it looks at the lease, and between two looks at a lost one, in
#: seconds.
_SLICE = 0.5
_SECOND_LOOK = 0.1

#: How long readers are kept waiting while Redis does not answer, in seconds.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class GoOn:
    """A stream that this instance runs from now on."""

    journal: Journal
    taken: Takeover


class Follower:
    """One followed stream; `settle` is how long a lease must be over, in seconds."""

    def __init__(
        self,
        journal: Journal,
        redis: RedisStreams,
        *,
        settle: float,
        grew: Callable[[Journal], None],
        go_on: Callable[[GoOn], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.journal = journal
        self._redis = redis
        self._settle = settle
        self._grew = grew
        self._go_on = go_on
        self._clock = clock
        self._stop = threading.Event()
        #: Where it is: the epoch and the number of the newest entry.
        self._place = (0, 0)
        self._unleased_since: float | None = None
        self._unanswered_since: float | None = None

    def load(self) -> None:
        """Copies what is there; raises JournalUnavailable."""
        while self.journal.state == "running":
            entries = self._redis.read(self.journal.stream, self._place)
            if not entries:
                return
            self._copy(entries)

    def start(self) -> None:
        """Follows on a thread of its own."""
        name = f"follower-{self.journal.stream[:8]}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Nobody reads any more, or this instance ends."""
        self._stop.set()
        self.journal.cut()

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self.journal.state == "running":
                self._step()
        except Exception:
            _log.exception("stream %s could not be followed", self.journal.stream)
        finally:
            self.journal.cut()

    def _step(self) -> None:
        try:
            wait = _SLICE if self._unleased_since is None else _SECOND_LOOK
            entries = self._redis.read(self.journal.stream, self._place, wait)
            if entries:
                self._copy(entries)
                return
            sight = self._redis.look(self.journal.stream)
            self._unanswered_since = None
        except JournalUnavailable:
            self._bear_silence()
            return
        if not isinstance(sight, Sight):
            self.journal.cut()  # its time is over, or Redis has lost it
        elif self._is_orphan(sight):
            self._take_over(sight)

    def _copy(self, entries: list[Entry]) -> None:
        for entry in entries:
            if not self.journal.restore(entry.number, entry.epoch, entry.line):
                self.journal.cut()  # events are gone in between, and whoever comes back will hear of it
                return
        self._place = (entries[-1].epoch, entries[-1].number)
        self._grew(self.journal)

    def _finish(self) -> None:
        """It ended between two looks; without its last record there is nothing to wait for."""
        try:
            self.load()
        except JournalUnavailable:
            self._bear_silence()
            return
        self.journal.cut()

    def _bear_silence(self) -> None:
        now = self._clock()
        self._unleased_since = None
        self._unanswered_since = self._unanswered_since or now
        if now - self._unanswered_since > _PATIENCE:
            self.journal.cut()
        self._stop.wait(_SLICE)

    def _is_orphan(self, sight: Sight) -> bool:
        if sight.ended:
            self._finish()
            return False
        if sight.leased:
            self._unleased_since = None
            return False
        now = self._clock()
        self._unleased_since = self._unleased_since or now
        return sight.released or now - self._unleased_since >= self._settle

    def _take_over(self, sight: Sight) -> None:
        try:
            taken = self._redis.take_over(self.journal.stream, sight)
            if taken is None:
                return
            self.load()  # nobody else can write now
        except JournalUnavailable:
            self._bear_silence()
            return
        if self.journal.state == "running" and not self._stop.is_set():
            _log.info("stream %s: its instance is gone, this one goes on with it", self.journal.stream)
            self._go_on(GoOn(self.journal, taken))
