"""The audience: how many callers may follow what happens at once, each for as long as it likes.

    seat = audience.enter()        raises GatewayBusy when all seats are taken
    seat.leave()                   frees it; may be repeated

Runs on:   any thread. A follower holds a thread of the server, so their number has a bound of its own.
"""

from __future__ import annotations

import threading

from cortex_actors.errors import GatewayBusy


class Audience:
    """So many seats."""

    def __init__(self, seats: int) -> None:
        self.seats = seats
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many follow now."""
        return self._taken

    def enter(self) -> Seat:
        """Takes a seat."""
        with self._lock:
            if self._taken >= self.seats:
                raise GatewayBusy(
                    f"{self._taken} callers follow already, and no more may ([server] max_followers)."
                )
            self._taken += 1
        return Seat(self)

    def _left(self) -> None:
        with self._lock:
            self._taken -= 1


class Seat:
    """One follower's place."""

    __slots__ = ("_audience", "_lock")

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._lock = threading.Lock()

    def leave(self) -> None:
        """Frees the place, once."""
        if self._lock.acquire(blocking=False):
            self._audience._left()
