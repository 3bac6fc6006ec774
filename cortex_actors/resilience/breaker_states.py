"""The states of a circuit breaker, every move between them as one table, and the values it hands out.

             tripped               wait_over                probe_answered
    closed -----------> open -----------------> half_open -----------------> closed
                          ^                         |
                          +------- probe_failed ----+       an operator's order moves it from anywhere

May import: outcome_window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from cortex_actors.resilience.outcome_window import Counts


class BreakerState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerEvent(StrEnum):
    """What moves a breaker."""

    TRIPPED = "tripped"
    WAIT_OVER = "wait_over"
    PROBE_ANSWERED = "probe_answered"
    PROBE_FAILED = "probe_failed"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"
    RELEASED = "released"


_BY_OPERATOR = {
    BreakerEvent.FORCED_OPEN: BreakerState.OPEN,
    BreakerEvent.FORCED_CLOSED: BreakerState.CLOSED,
    BreakerEvent.RELEASED: BreakerState.CLOSED,
}

TRANSITIONS: Mapping[BreakerState, Mapping[BreakerEvent, BreakerState]] = {
    BreakerState.CLOSED: {BreakerEvent.TRIPPED: BreakerState.OPEN, **_BY_OPERATOR},
    BreakerState.OPEN: {BreakerEvent.WAIT_OVER: BreakerState.HALF_OPEN, **_BY_OPERATOR},
    BreakerState.HALF_OPEN: {
        BreakerEvent.PROBE_ANSWERED: BreakerState.CLOSED,
        BreakerEvent.PROBE_FAILED: BreakerState.OPEN,
        **_BY_OPERATOR,
    },
}

#: Who decides: the outcomes, or an operator.
Mode = Literal["auto", "open", "closed"]
ORDERS: Mapping[Mode, BreakerEvent] = {
    "auto": BreakerEvent.RELEASED,
    "open": BreakerEvent.FORCED_OPEN,
    "closed": BreakerEvent.FORCED_CLOSED,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of one breaker: one log line."""

    breaker: str
    before: BreakerState
    after: BreakerState
    event: BreakerEvent
    #: No attempt passes before; None when only an operator can change that.
    retry_at: float | None


@dataclass(slots=True, eq=False)
class Ticket:
    """What a breaker knows of an attempt it admitted.

    Everybody else carries it to and fro as it is; only its breaker changes it, and so on one thread alone.
    """

    admitted_at: float
    #: Openings the breaker had seen when the attempt was admitted.
    opening: int
    #: Its place in the order of admission.
    number: int
    is_probe: bool = False
    #: The move that admitting it caused.
    transition: Transition | None = None
    #: Its first token has been counted.
    answered: bool = False


@dataclass(frozen=True, slots=True)
class BreakerView:
    """What a breaker shows of itself; times are monotonic seconds."""

    name: str
    state: BreakerState
    mode: Mode
    #: The earliest time an attempt passes: 0 for at once, None when only an operator can tell.
    retry_at: float | None
    rate_limited_until: float | None
    counts: Counts
    openings: int

    def admits(self, now: float) -> bool:
        """Whether an attempt would pass, as far as this view knows."""
        return self.retry_at is not None and now >= self.retry_at

    def is_shut(self, now: float) -> bool:
        """Whether it is open and no probe is due; half open is not shut, for somebody is let through."""
        return self.state is BreakerState.OPEN and not self.admits(now)

    def is_rate_limited(self, now: float) -> bool:
        """Whether the upstream's own deadline is still ahead."""
        return self.rate_limited_until is not None and now < self.rate_limited_until


def reachable(moment: float) -> float | None:
    """A time that waiting leads to, or None for one that never comes."""
    return None if math.isinf(moment) else moment
