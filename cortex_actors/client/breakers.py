"""Circuit breakers: a server that keeps failing is left alone for a while.

What counts as a failure: no connection, a timeout, a broken stream, and the statuses that speak of the
server (408, 500, 502, 503, 504). Every other refusal shows that the server is there; a 429 and a cancelled
call say nothing.

Imports:  errors of this package; resilience.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random

from cortex_actors.client.errors import (
    APIError,
    Cancelled,
    CircuitOpen,
    ConnectionFailed,
    InvalidCall,
    MissingCredential,
    RateLimited,
    StatusError,
    StreamInterrupted,
    TimedOut,
)
from cortex_actors.resilience.breaker_states import BreakerState, Ticket
from cortex_actors.resilience.circuit_breaker import BreakerLimits, CircuitBreaker, Verdict

_FAILURES = frozenset({408, 500, 502, 503, 504})


class Permit:
    """A call that a breaker let pass; it comes back with its outcome, once."""

    def __init__(self, breaker: CircuitBreaker, ticket: Ticket, lock: threading.RLock, clock: Clock) -> None:
        self._breaker = breaker
        self._ticket = ticket
        self._lock = lock
        self._clock = clock
        self._told = False

    def connected(self) -> None:
        """When the answer has begun."""
        with self._lock:
            self._breaker.first_token(self._ticket, self._clock())

    def ended(self, error: APIError | None) -> None:
        """When the call is over; only the first word counts."""
        with self._lock:
            if not self._told:
                self._told = True
                self._breaker.record(self._ticket, verdict_on(error), self._clock())


Clock = Callable[[], float]


class Breakers:
    """The breakers of one client, by name; safe to share between threads."""

    def __init__(self, limits: BreakerLimits, *, clock: Clock = time.monotonic, random: Random) -> None:
        self._limits = limits
        self._clock = clock
        self._random = random
        # Reentrant: the collector may end a forgotten stream while this very thread holds it.
        self._lock = threading.RLock()
        self._breakers: dict[str, CircuitBreaker] = {}

    def enter(self, name: str) -> Permit:
        """Lets a call pass; raises CircuitOpen."""
        with self._lock:
            breaker = self._breaker(name)
            now = self._clock()
            if not breaker.admits(now):
                wait = breaker.retry_at - now
                raise CircuitOpen(name, wait if wait < float("inf") else None)
            return Permit(breaker, breaker.enter(now), self._lock, self._clock)

    def state(self, name: str) -> BreakerState:
        """Where a breaker stands; one that nobody used yet is closed."""
        with self._lock:
            return self._breaker(name).state

    def reset(self, name: str) -> None:
        """Closes a breaker and forgets what it saw."""
        with self._lock:
            self._breaker(name).force("auto", self._clock())

    def _breaker(self, name: str) -> CircuitBreaker:
        if name not in self._breakers:
            self._breakers[name] = CircuitBreaker(name, self._limits, self._random)
        return self._breakers[name]


def verdict_on(error: APIError | None) -> Verdict:
    """What the end of a call says about its server."""
    match error:
        case None:
            return "success"
        case Cancelled() | RateLimited() | InvalidCall() | MissingCredential():
            return "neutral"
        case StatusError():
            return "failure" if error.status in _FAILURES else "success"
        case ConnectionFailed() | TimedOut() | StreamInterrupted():
            return "failure"
    return "success"
