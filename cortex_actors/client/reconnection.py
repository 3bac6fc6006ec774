"""When a stream that broke off is opened again, and after how long.

As browsers do it: the server's `retry` is the pause, `Last-Event-ID` says where to go on, and a 204 means
that there is nothing more. Where the server never sent an id nothing is opened again once an event was
delivered: it could only begin anew, and what was delivered would be delivered twice.

Imports:  event of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from cortex_actors.client.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How to go on with a stream; times in seconds."""

    #: Attempts in a row without a single event in between.
    max_attempts: int = 5
    #: The first pause, unless the server named one; it doubles with every attempt in a row.
    delay: float = 1.0
    longest: float = 30.0
    #: Tells the event after which a stream is complete. With it, an end before that event is a break; without
    #: it, an end that HTTP calls an end is one.
    until: Callable[[Event], bool] | None = None

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts}")
        for name in ("delay", "longest"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0 s, not {getattr(self, name)}")

    def pause(self, attempt: int, retry: int | None, random: Random) -> float:
        """Seconds before this attempt, counted from 1; `retry` is the server's wish in milliseconds.

        >>> [Reconnect().pause(attempt, 250, Random(1)) for attempt in (1, 2, 3)]
        [0.25, 0.5, 1.0]
        """
        first = self.delay * random.uniform(0.75, 1.0) if retry is None else retry / 1000
        return min(first * 2.0 ** (attempt - 1), max(self.longest, first))
