"""Rates: how many requests, errors and tokens there were in the last seconds, and how long first tokens took.

    rates.enter("complete", failed=False, ttft=0.2, tokens=120)    when a stream is over
    rates.last(10)                                                the figures of the last ten seconds
    rates.per_second()                                            the last minute, a second each

Runs on:   any thread; entering takes one short lock, once a request.

For a page that shows what happens now. Prometheus has the long memory.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: Whole seconds that are kept.
MEMORY = 60

#: First tokens that are remembered of one second; more would not change a percentile that can be seen.
_SAMPLES = 200


@dataclass(slots=True)
class _Second:
    at: int
    ends: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    tokens: int = 0
    #: Seconds.
    first_tokens: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rates:
    """Figures of some seconds; times in seconds."""

    #: Epoch second in which it began.
    at: int
    #: So many seconds are looked at.
    window: float
    requests: int
    errors: int
    tokens: int
    ttft_p50: float | None
    ttft_p95: float | None
    ends: Mapping[str, int]


class RateMeter:
    """What happened in the last minute."""

    def __init__(self, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._seconds: deque[_Second] = deque(maxlen=MEMORY + 1)

    def enter(self, end: str, *, failed: bool, ttft: float | None = None, tokens: int = 0) -> None:
        """Notes a stream that is over; `ttft` in seconds. `failed` says that somebody should do better."""
        at = int(self._wall_clock())
        with self._lock:
            if not self._seconds or self._seconds[-1].at != at:
                self._seconds.append(_Second(at))
            second = self._seconds[-1]
            second.ends[end] += 1
            second.errors += failed
            second.tokens += tokens
            if ttft is not None and len(second.first_tokens) < _SAMPLES:
                second.first_tokens.append(ttft)

    def last(self, window: int = 10) -> Rates:
        """The last so many whole seconds, together."""
        now = int(self._wall_clock())
        return self._sum(now - window, window)

    def per_second(self) -> tuple[Rates, ...]:
        """The last minute, second by second, the oldest first."""
        now = int(self._wall_clock())
        return tuple(self._sum(at, 1) for at in range(now - MEMORY, now))

    def _sum(self, begin: int, window: int) -> Rates:
        with self._lock:
            seconds = [second for second in self._seconds if begin <= second.at < begin + window]
            ends = sum((second.ends for second in seconds), Counter())
            first_tokens = sorted(ttft for second in seconds for ttft in second.first_tokens)
            errors = sum(second.errors for second in seconds)
            tokens = sum(second.tokens for second in seconds)
        return Rates(
            at=begin,
            window=float(window),
            requests=ends.total(),
            errors=errors,
            tokens=tokens,
            ttft_p50=_percentile(first_tokens, 0.50),
            ttft_p95=_percentile(first_tokens, 0.95),
            ends=dict(ends),
        )


def _percentile(ordered: list[float], share: float) -> float | None:
    """The smallest value that so many are not above (nearest rank)."""
    if not ordered:
        return None
    return ordered[math.ceil(share * len(ordered)) - 1]
