"""A reader: one who follows a journal, from a place of its own.

Runs on:   the thread of one request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cortex_actors.journal.records import Record, weight

if TYPE_CHECKING:
    from cortex_actors.journal.journal import Journal


class Reader:
    """One who follows a journal; made by `Journal.attach`."""

    __slots__ = ("_journal", "_next_bytes", "_next_place", "on_leave", "place", "read_bytes")

    def __init__(self, journal: Journal, place: int, read_bytes: int) -> None:
        self._journal = journal
        #: The number of the last record that is known to be passed on.
        self.place = place
        #: All that was ever written up to there, in bytes.
        self.read_bytes = read_bytes
        self._next_place = place
        self._next_bytes = read_bytes
        #: Told when it leaves, once.
        self.on_leave: Callable[[], None] = lambda: None

    @property
    def stream(self) -> str:
        """The stream it follows."""
        return self._journal.stream

    @property
    def has_all(self) -> bool:
        """Whether the last record of the stream was passed on."""
        return self._journal.is_over_at(self.place)

    @property
    def was_cut(self) -> bool:
        """Whether the stream goes on elsewhere, if at all."""
        return self._journal.state == "cut"

    def next(self, most: int, timeout: float) -> list[Record]:
        """The next records, none if there is none for a while; asking again says that those before were sent.

        `most` is bytes. Raises EventsGone when records were dropped before they were read.
        """
        self.place, self.read_bytes = self._next_place, self._next_bytes
        records = self._journal.read(self, most, timeout)
        if records:
            self._next_place = records[-1].number
            self._next_bytes += sum(weight(record.line) for record in records)
        return records

    def leave(self) -> None:
        """Follows no more; may be repeated."""
        self._journal.detach(self)
