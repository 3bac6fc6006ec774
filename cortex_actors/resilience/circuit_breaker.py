"""One circuit breaker: stops asking an upstream that keeps failing, and finds out when it is back.

    closed     everything passes; failures and slow first tokens of the last minute are judged
    open       nothing passes until a deadline that grows with every opening in a row
    half_open  one probe at a time, under a lease; its answer closes, its failure opens

The moves between them are the table in `breaker_states`. All refusals come down to one number, `retry_at`.
A call is counted when its first token comes, or when it fails without one: were answers counted when they are
whole, those that take a minute would be missing just when failures, which take none, come in. News of an
attempt that was admitted before the last opening is moot: it has been judged already. A rate limit is kept
beside the three states: it is a deadline of the upstream's own, not a failure, and only ever moves later.

May import: backoff, breaker_states, failure_row, outcome_window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from cortex_actors.resilience.backoff import Backoff
from cortex_actors.resilience.breaker_states import (
    ORDERS,
    TRANSITIONS,
    BreakerEvent,
    BreakerState,
    BreakerView,
    Mode,
    Ticket,
    Transition,
    reachable,
)
from cortex_actors.resilience.failure_row import FailureRow
from cortex_actors.resilience.outcome_window import OutcomeWindow

#: What an attempt says about its upstream; neutral says nothing.
Verdict = Literal["success", "failure", "neutral"]


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, and for how long; times in seconds, rates from 0 to 1."""

    window: float = 60.0
    #: Nothing is judged on fewer calls. As many failures in a row are enough, whatever went well before.
    minimum_calls: int = 5
    failure_rate: float = 0.5
    #: A first token later than this is a slow start.
    slow_first_token: float = 30.0
    slow_rate: float = 0.8
    #: The first opening; each further one in a row is twice as long, up to `open_max`.
    open_for: float = 10.0
    #: Low by design: a provider that is back must have its traffic back within 30 s.
    open_max: float = 15.0
    #: The share by which an opening may be longer, so that many instances do not probe together.
    jitter: float = 0.1
    #: So much health forgives one opening.
    forgive_after: float = 60.0
    #: A probe that never reports blocks the next one for no longer.
    probe_lease: float = 20.0


class CircuitBreaker:
    """The breaker of one upstream; see the card of this module."""

    def __init__(self, name: str, limits: BreakerLimits, random: Random) -> None:
        self.name = name
        self.state = BreakerState.CLOSED
        self.mode: Mode = "auto"
        self._limits = limits
        self._random = random
        self._growth = Backoff(base=limits.open_for, cap=limits.open_max)
        self._window = OutcomeWindow(limits.window)
        self._admitted = 0
        self._row = FailureRow()
        #: The end of the wait (open) or of the lease (half_open).
        self._gate = 0.0
        self._rate_limited_until = 0.0
        self._openings = 0
        #: Openings that health has not forgiven yet: the exponent of the next one's length.
        self._unforgiven = 0
        self._closed_at = 0.0
        self._probed_at = 0.0
        #: The ticket number of the probe whose first token closed it; a failure of this one opens it again.
        self._on_trial = 0

    @property
    def retry_at(self) -> float:
        """The earliest time an attempt passes; infinite while forced open."""
        return max(self._gate, self._rate_limited_until)

    def admits(self, now: float) -> bool:
        """Whether an attempt may pass now; asking changes nothing."""
        return now >= self.retry_at

    def is_quiet(self, now: float) -> bool:
        """Whether nothing would be lost by forgetting it."""
        return self.state is BreakerState.CLOSED and self.mode == "auto" and self.admits(now)

    def enter(self, now: float) -> Ticket:
        """Lets an attempt pass, after `admits` said yes; outside closed it is the one probe."""
        if not self.admits(now):
            raise ValueError(f"breaker {self.name} does not admit now")
        self._admitted += 1
        if self.state is BreakerState.CLOSED:
            return Ticket(now, self._openings, self._admitted)
        self._probed_at = now
        self._gate = now + self._limits.probe_lease
        due = self.state is BreakerState.OPEN
        transition = self._move(BreakerEvent.WAIT_OVER) if due else None
        return Ticket(now, self._openings, self._admitted, is_probe=True, transition=transition)

    def first_token(self, ticket: Ticket, now: float) -> Transition | None:
        """When the first content of an answer is there; a probe need not get further."""
        if self._is_moot(ticket):
            return None
        if self.state is BreakerState.CLOSED:
            return self._answer_begun(ticket, now - ticket.admitted_at, now)
        ticket.answered = True
        self._on_trial = ticket.number
        return self._close(BreakerEvent.PROBE_ANSWERED, now)

    def record(
        self, ticket: Ticket, verdict: Verdict, now: float, first_token: float | None = None
    ) -> Transition | None:
        """When an attempt is over; `first_token`: the seconds until its first content, if nobody told."""
        if self._is_moot(ticket):
            return None
        if self.state is BreakerState.HALF_OPEN:
            return self._judge_probe(ticket, verdict, now)
        untold = first_token is not None and not ticket.answered
        if untold and (transition := self._answer_begun(ticket, first_token or 0.0, now)):
            return transition
        return self._judge_call(ticket, verdict, now)

    def rate_limit(self, until: float) -> None:
        """Refuses until then; a deadline that is already later stays."""
        self._rate_limited_until = max(self._rate_limited_until, until)

    def force(self, mode: Mode, now: float) -> Transition | None:
        """An operator's order: always open, always closed, or a fresh start with `auto`."""
        if mode == self.mode != "auto":
            return None
        self.mode = mode
        if mode == "open":
            self._openings += 1
            self._gate = math.inf
            return self._move(ORDERS[mode])
        self._unforgiven = 0
        self._rate_limited_until = 0.0
        return self._close(ORDERS[mode], now)

    def use(self, limits: BreakerLimits) -> None:
        """Goes on under other limits: what is decided stays, what comes is judged by them."""
        if limits.window != self._limits.window:
            self._window = OutcomeWindow(limits.window)
        self._limits = limits
        self._growth = Backoff(base=limits.open_for, cap=limits.open_max)

    def snapshot(self, now: float) -> BreakerView:
        """What to show of it."""
        limited = self._rate_limited_until > now
        return BreakerView(
            name=self.name,
            state=self.state,
            mode=self.mode,
            retry_at=reachable(self.retry_at),
            rate_limited_until=self._rate_limited_until if limited else None,
            counts=self._window.counts(now),
            openings=self._openings,
        )

    def _is_moot(self, ticket: Ticket) -> bool:
        return self.mode != "auto" or ticket.opening != self._openings

    def _judge_probe(self, ticket: Ticket, verdict: Verdict, now: float) -> Transition | None:
        if verdict == "success":
            return self._close(BreakerEvent.PROBE_ANSWERED, now)
        if verdict == "failure":
            return self._open(BreakerEvent.PROBE_FAILED, now)
        if ticket.number == self._admitted:
            # By design not at once: callers who give up on a silent upstream must not become a row of probes.
            self._gate = min(self._gate, self._probed_at + self._growth.ceiling(self._unforgiven))
        return None

    def _answer_begun(self, ticket: Ticket, waited: float, now: float) -> Transition | None:
        ticket.answered = True
        slow = waited > self._limits.slow_first_token
        self._window.add(now, slow=slow)
        self._row.answer_begun(ticket.number)
        return self._trip(now) if slow and self._is_over_limits(now) else None

    def _judge_call(self, ticket: Ticket, verdict: Verdict, now: float) -> Transition | None:
        if verdict == "neutral":
            return None
        self._window.add(now, calls=0 if ticket.answered else 1, failed=verdict == "failure")
        if verdict == "success":
            self._row.succeeded(ticket.number)
            return None
        self._row.failed(ticket.number, after_first_token=ticket.answered)
        over = ticket.number == self._on_trial or self._is_over_limits(now)
        return self._trip(now) if over else None

    def _is_over_limits(self, now: float) -> bool:
        limits, counts = self._limits, self._window.counts(now)
        return counts.calls >= limits.minimum_calls and (
            counts.failures >= limits.failure_rate * counts.calls
            or counts.slow >= limits.slow_rate * counts.calls
            or self._row.is_over(limits.minimum_calls, limits.failure_rate)
        )

    def _trip(self, now: float) -> Transition:
        forgiven = int((now - self._closed_at) // self._limits.forgive_after)
        self._unforgiven = max(0, self._unforgiven - forgiven)
        return self._open(BreakerEvent.TRIPPED, now)

    def _open(self, event: BreakerEvent, now: float) -> Transition:
        length = self._growth.ceiling(self._unforgiven)
        if length < self._limits.open_max:
            self._unforgiven += 1
        self._openings += 1
        self._gate = now + length * (1.0 + self._random.uniform(0.0, self._limits.jitter))
        return self._move(event)

    def _close(self, event: BreakerEvent, now: float) -> Transition:
        self._window.clear()
        self._row.clear()
        self._gate = 0.0
        self._closed_at = now
        return self._move(event)

    def _move(self, event: BreakerEvent) -> Transition:
        before = self.state
        self.state = TRANSITIONS[before][event]
        return Transition(self.name, before, self.state, event, reachable(self.retry_at))
