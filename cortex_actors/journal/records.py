"""The records of one journal that are still kept: numbered lines, and which instance wrote which. No lock.

first ... last      the numbers of the oldest and the newest; an empty journal begins behind `first - 1`
epochs              where in the numbering each instance began to write
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: What a record holds in memory beside its line, in bytes.
RECORD_OVERHEAD = 64

#: Beginnings of the records after which there is none.
_FINAL = (b"end ", b"error ")


@dataclass(frozen=True, slots=True)
class Record:
    """One event of a stream; the line is `kind payload`."""

    number: int
    epoch: int
    line: bytes


def is_final(line: bytes) -> bool:
    """Whether a record is the last of its stream."""
    return line.startswith(_FINAL)


def weight(line: bytes) -> int:
    """What a record holds in memory, in bytes."""
    return len(line) + RECORD_OVERHEAD


class Records:
    """The newest records of a stream."""

    def __init__(self, first: int = 1, epoch: int = 1) -> None:
        self.first = first
        #: What they hold, in bytes.
        self.size = 0
        #: All that was ever added, in bytes.
        self.written = 0
        self._lines: list[bytes] = []
        #: (number of its first record, epoch), the newest last.
        self._epochs: list[tuple[int, int]] = [(first, epoch)]

    @property
    def last(self) -> int:
        """The number of the newest record."""
        return self.first + len(self._lines) - 1

    @property
    def epoch(self) -> int:
        """The epoch of whatever is added next."""
        return self._epochs[-1][1]

    @property
    def lines(self) -> list[bytes]:
        """All lines, oldest first."""
        return list(self._lines)

    def add(self, line: bytes) -> None:
        """Adds the newest record."""
        self._lines.append(line)
        self.size += weight(line)
        self.written += weight(line)

    def begin_epoch(self, epoch: int) -> None:
        """Another instance writes whatever is added next."""
        self._epochs.append((self.last + 1, epoch))

    def epoch_of(self, number: int) -> int:
        """Who wrote a record."""
        return next((epoch for start, epoch in reversed(self._epochs) if number >= start), self._epochs[0][1])

    def between(self, start: int, end: int, most: int) -> Iterator[Record]:
        """The records from one number to another, up to so many bytes, but at least one."""
        size = 0
        for number in range(start, end + 1):
            line = self._lines[number - self.first]
            size += weight(line)
            if number > start and size > most:
                return
            yield Record(number, self.epoch_of(number), line)

    def size_after(self, number: int) -> int:
        """What the records behind a number hold."""
        return sum(map(weight, self._lines[max(0, number + 1 - self.first) :]))

    def drop_to(self, limit: int) -> None:
        """Drops the oldest until the rest fits; the newest stays, however large it is."""
        count = 0
        while self.size > limit and count < len(self._lines) - 1:
            self.size -= weight(self._lines[count])
            count += 1
        if count:
            del self._lines[:count]
            self.first += count
