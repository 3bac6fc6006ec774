"""One stream's journal: its numbered events, in memory, written by one and read by many.

    append(lines)            the writer's; the oldest are dropped beyond the bound
    attach(after) -> Reader  somebody who follows
    confirm(number)          Redis has everything up to here

             running ──final record──> ended       nothing follows, and readers know that they have it all
                └─────────cut────────> cut         written elsewhere from now on: come back, and be sent there

Runs on:   any thread, under one lock a journal. Only a reader waits, and the writer in `wait_for_room`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

from cortex_actors.errors import EventAhead, EventsGone
from cortex_actors.journal.event_id import EventId, event_id
from cortex_actors.journal.gate import Gate
from cortex_actors.journal.reader import Reader
from cortex_actors.journal.records import Record, Records, is_final

State = Literal["running", "ended", "cut"]

#: Longer than any reader waits, in seconds.
_LONG = 3600.0


class Journal:
    """The events of one stream. `limit` is bytes; the clock counts seconds."""

    def __init__(
        self,
        stream: str,
        owner: str,
        question: bytes,
        limit: int,
        *,
        gate: Gate | None = None,
        first: int = 1,
        epoch: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        #: The fingerprint of the credential that may read it.
        self.owner = owner
        #: The request that it answers, as it came: what another instance needs to go on with it.
        self.question = question
        self.state: State = "running"
        #: When that became `ended`.
        self.ended_at = 0.0
        #: Redis has everything up to this number.
        self.confirmed = first - 1
        #: Until then no other instance can have taken the stream over.
        self.lease_until = 0.0
        #: Told when the last reader has left.
        self.on_deserted: Callable[[], None] = lambda: None
        self._limit = limit
        self._gate = gate
        self._clock = clock
        self._records = Records(first, epoch)
        self._unconfirmed_since = 0.0
        self._readers: set[Reader] = set()
        self._waits_for_room = False
        self._news = threading.Condition(threading.Lock())

    @property
    def first(self) -> int:
        """The number of the oldest record that is kept."""
        return self._records.first

    @property
    def last(self) -> int:
        """The number of the newest record."""
        return self._records.last

    @property
    def size(self) -> int:
        """What it holds, in bytes."""
        return len(self.question) + self._records.size

    @property
    def readers(self) -> int:
        """How many follow it now."""
        return len(self._readers)

    # -- the writer

    def append(self, lines: Sequence[bytes]) -> None:
        """Adds records. A journal that is over takes no more, and none is taken after a final one."""
        with self._news:
            self._append(lines)

    def restore(self, number: int, epoch: int, line: bytes) -> bool:
        """Adds a record that another instance wrote; False when there are others in between."""
        with self._news:
            if number > self.last + 1:
                return False
            if number == self.last + 1:
                if epoch != self._records.epoch:
                    self._records.begin_epoch(epoch)
                self._append((line,))
            return True

    def take_over(self, gate: Gate, epoch: int, question: bytes) -> None:
        """From the next record on this instance writes. Redis has all that is there."""
        with self._news:
            self._gate = gate
            self._records.begin_epoch(epoch)
            self.question = question
            self.confirmed = self.last

    def lines(self) -> list[bytes]:
        """All records that are kept."""
        with self._news:
            return self._records.lines

    def wait_for_room(self, size: int, window: int, timeout: float) -> bool:
        """Whether so much may be appended now; waits a while until the foremost reader has read enough.

        The foremost one sets the pace, by design: one that hangs must not hold up one that came after it.
        """
        with self._news:
            self._waits_for_room = True
            try:
                return self._news.wait_for(lambda: self._has_room(size, window), timeout)
            finally:
                self._waits_for_room = False

    def cut(self) -> None:
        """Ends the journal here, though the stream may go on elsewhere."""
        with self._news:
            if self.state == "running":
                self.state = "cut"
            self._news.notify_all()

    def shed(self, size: int) -> None:
        """Drops the oldest records to free so many bytes, but never the newest."""
        with self._news:
            self._records.drop_to(self._records.size - size)

    # -- the mirror

    def unconfirmed(self, most: int) -> tuple[int, list[Record]]:
        """What Redis does not have, of one epoch, up to so many bytes: the number it begins with, records."""
        with self._news:
            start = max(self.confirmed + 1, self.first)
            records = list(self._records.between(start, self.last, most))
            return start, [record for record in records if record.epoch == records[0].epoch]

    def confirm(self, number: int, lease_until: float) -> None:
        """Redis has everything up to this number, and no more: it may have lost what it had."""
        with self._news:
            self.lease_until = lease_until
            if number != self.confirmed:
                self.confirmed = number
                self._unconfirmed_since = self._clock()
                self._news.notify_all()

    def oldest(self) -> tuple[int, int]:
        """The epoch and the number of the oldest record that is kept."""
        with self._news:
            return self._records.epoch_of(self.first), self.first

    # -- readers

    def attach(self, after: EventId) -> Reader:
        """A reader that goes on after this event. Raises EventsGone or EventAhead."""
        with self._news:
            self._check(after)
            read = self._records.written - self._records.size_after(after.number)
            reader = Reader(self, after.number, read)
            self._readers.add(reader)
            return reader

    def detach(self, reader: Reader) -> None:
        """A reader has left; may be repeated."""
        with self._news:
            if reader not in self._readers:
                return
            self._readers.discard(reader)
            deserted = not self._readers
            self._news.notify_all()
        reader.on_leave()
        if deserted:
            self.on_deserted()

    def is_over_at(self, number: int) -> bool:
        """Whether nothing can come after this number."""
        return self.state == "ended" and number >= self.last

    def read(self, reader: Reader, most: int, timeout: float) -> list[Record]:
        """What comes after the reader's place, up to so many bytes; waits for it. Raises EventsGone."""
        deadline = self._clock() + timeout
        with self._news:
            if self._waits_for_room:
                self._news.notify_all()
            while True:
                now = self._clock()
                if reader.place + 1 < self.first:
                    raise self._dropped()
                readable, patience = self._readable(now)
                if readable > reader.place:
                    return list(self._records.between(reader.place + 1, readable, most))
                if self.state == "cut" or self.is_over_at(reader.place) or now >= deadline:
                    return []
                self._news.wait(min(deadline - now, patience))

    # -- inside, under the lock

    def _append(self, lines: Sequence[bytes]) -> None:
        if self.state != "running":
            return
        now = self._clock()
        if self.confirmed == self.last:
            self._unconfirmed_since = now
        for line in lines:
            self._records.add(line)
            if is_final(line):
                self.state, self.ended_at = "ended", now
                break
        self._records.drop_to(self._limit)
        self._news.notify_all()

    def _readable(self, now: float) -> tuple[int, float]:
        """Up to where may be read, and how long to wait for the rest before asking again."""
        gate = self._gate
        if gate is None or self.confirmed >= self.last:
            return self.last, _LONG
        if self.state == "cut":
            return self.confirmed, _LONG  # what Redis does not have has never been
        if gate.open:
            return self.last, _LONG
        patience = self._unconfirmed_since + gate.patience - now
        if patience > 0:
            return self.confirmed, patience
        if now >= self.lease_until:
            # The whole process has stood still, and the stream may be another's by now: the mirror will know.
            return self.confirmed, gate.patience
        gate.give_up()
        return self.last, _LONG

    def _has_room(self, size: int, window: int) -> bool:
        if not self._readers or self.state != "running":
            return True
        ahead = self._records.written - max(reader.read_bytes for reader in self._readers)
        return ahead <= 0 or ahead + size <= window

    def _check(self, after: EventId) -> None:
        if after.number > self.last:
            if self.state == "running" and after.epoch >= self._records.epoch:
                raise EventAhead(f"The stream has reached event {self.last} only.")
            raise self._gone(f"There is no such event: the newest is {self.last}.")
        if after.number and self._records.epoch_of(after.number) != after.epoch:
            raise self._gone("This event was lost with the instance that ran the stream.")
        if after.number + 1 < self.first:
            raise self._dropped()

    def _dropped(self) -> EventsGone:
        return self._gone(f"Events up to {self.first - 1} were dropped.")

    def _gone(self, details: str) -> EventsGone:
        if self.first > self.last:
            return EventsGone(details)
        first, last = (
            event_id(self.stream, number, self._records.epoch_of(number))
            for number in (self.first, self.last)
        )
        return EventsGone(f"{details} Still there are {first} to {last}.", first=first, last=last)

    def _id(self, number: int) -> str:
        return event_id(self.stream, number, self._records.epoch_of(number))
