"""The shelf: all journals in this process, bounded together, each kept for a time after its end.

    put(journal)      a new one, as long as there is room
    find(stream)      one that is there
    remembers(...)    whether there was one, of this owner, that is gone by now
    grew(journal)     keeps the bound: what ended first goes first, then the oldest events of it

Runs on:   any thread, under one short lock; what is past its time goes on a timer's thread, which ends when
           the shelf is empty.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import takewhile

from cortex_actors.journal.journal import Journal
from cortex_actors.journal.owner import same_owner

#: What a journal holds beside its records, in bytes.
JOURNAL_OVERHEAD = 2048

#: Room that a new journal must find, in bytes.
_LEAST_ROOM = 64 * 1024

#: Streams that are remembered to have been there.
_MOST_REMEMBERED = 10_000


class Shelf:
    """The journals of one gateway."""

    def __init__(self, limit: int, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._journals: dict[str, Journal] = {}
        #: What each of them is counted with.
        self._sizes: dict[str, int] = {}
        #: Those that ended, oldest end first.
        self._ended: OrderedDict[str, Journal] = OrderedDict()
        self._remembered: OrderedDict[str, str] = OrderedDict()
        self._timer: threading.Timer | None = None
        self._closed = False
        #: What they hold, in bytes.
        self.size = 0
        #: Told which journal is gone.
        self.on_drop: Callable[[Journal], None] = lambda journal: None

    @property
    def count(self) -> int:
        """How many journals there are."""
        return len(self._journals)

    def has_room(self) -> bool:
        """Whether one more can be kept; makes room by dropping what ended first."""
        needed = JOURNAL_OVERHEAD + min(_LEAST_ROOM, self._limit // 2)
        self._make_room(needed)
        return self.size + needed <= self._limit

    def put(self, journal: Journal) -> None:
        """Keeps a journal."""
        with self._lock:
            before = self._journals.get(journal.stream)
            if before is not None:
                self._drop(before, remember=False)
            self._journals[journal.stream] = journal
            self._sizes[journal.stream] = 0
            self._count(journal)

    def find(self, stream: str) -> Journal | None:
        """The journal of a stream."""
        return self._journals.get(stream)

    def grew(self, journal: Journal) -> None:
        """A journal grew; if that was its end, its time begins to run."""
        self._recount(journal)
        if self.size > self._limit:
            self._make_room(0)
            if self.size > self._limit:
                journal.shed(self.size - self._limit)
                self._recount(journal)

    def drop(self, journal: Journal, *, remember: bool) -> None:
        """Forgets a journal; `remember` that it was there, for whoever comes back too late."""
        with self._lock:
            self._drop(journal, remember)
        self.on_drop(journal)

    def remembers(self, stream: str, owner: str) -> bool:
        """Whether there was such a stream of this owner."""
        known = self._remembered.get(stream)
        return known is not None and same_owner(known, owner)

    def journals(self) -> list[Journal]:
        """All of them."""
        with self._lock:
            return list(self._journals.values())

    def sweep(self) -> None:
        """Drops what is past its time."""
        now = self._clock()
        with self._lock:
            late = list(takewhile(lambda each: now - each.ended_at >= self._ttl, self._ended.values()))
            for journal in late:
                self._drop(journal, remember=True)
            self._timer = None
            self._set_timer()
        for journal in late:
            self.on_drop(journal)

    def close(self) -> None:
        """Nothing is swept any more."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _make_room(self, size: int) -> None:
        """Drops what ended first, until so many bytes are free or nothing that ended is left."""
        dropped = []
        with self._lock:
            while self.size + size > self._limit and self._ended:
                journal = next(iter(self._ended.values()))
                self._drop(journal, remember=True)
                dropped.append(journal)
        for journal in dropped:
            self.on_drop(journal)

    def _drop(self, journal: Journal, remember: bool) -> None:
        if self._journals.get(journal.stream) is not journal:
            return
        del self._journals[journal.stream]
        self._ended.pop(journal.stream, None)
        self.size -= self._sizes.pop(journal.stream)
        if remember:
            self._remembered[journal.stream] = journal.owner
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def _recount(self, journal: Journal) -> None:
        with self._lock:
            if self._journals.get(journal.stream) is not journal:
                return
            self._count(journal)
            if journal.state == "ended" and journal.stream not in self._ended:
                self._ended[journal.stream] = journal
                self._set_timer()

    def _count(self, journal: Journal) -> None:
        size = JOURNAL_OVERHEAD + journal.size
        self.size += size - self._sizes[journal.stream]
        self._sizes[journal.stream] = size

    def _set_timer(self) -> None:
        if self._timer is not None or not self._ended or self._closed:
            return
        first = next(iter(self._ended.values()))
        delay = max(0.0, first.ended_at + self._ttl - self._clock())
        self._timer = threading.Timer(delay, self.sweep)
        self._timer.name = "journal-sweep"
        self._timer.daemon = True
        self._timer.start()
