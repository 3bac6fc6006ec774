"""The gate between a journal and its readers: whether events may be read that Redis does not have yet.

While Redis is well, readers get an event once Redis has it, which costs them well under a millisecond: what a
client has seen is then still known when this process dies. When Redis is late, the first reader who waited
for `patience` opens the gate for all, and it stays open until Redis has caught up. So an outage costs a
stream that time once, and never an answer.

Runs on:   any thread; one attribute, swapped.
"""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


class Gate:
    """Shared by all journals that are mirrored."""

    __slots__ = ("_open", "patience")

    def __init__(self, patience: float) -> None:
        #: Seconds that a reader waits for Redis.
        self.patience = patience
        self._open = False

    @property
    def open(self) -> bool:
        """Whether nobody waits for Redis now."""
        return self._open

    def give_up(self) -> None:
        """Redis is late."""
        if not self._open:
            self._open = True
            _log.debug("the journal in Redis is late: streams do not wait for it until it has caught up")

    def caught_up(self) -> None:
        """Redis has everything."""
        if self._open:
            self._open = False
            _log.debug("the journal in Redis has caught up")
