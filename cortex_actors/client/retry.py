"""When a failed call is made again, and after which pause.

A failure is retriable when the same call may well succeed a moment later: 429, 5xx, no connection, a
timeout; the server's `x-should-retry: true` or `false` overrules that. Whether a second call is *harmless* is
another question: a POST that timed out may have done its work. Unless a policy says otherwise, such a request
is repeated only with an idempotency key, or where the server certainly did nothing.

Imports:  errors of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from cortex_actors.client.errors import APIError, ConnectionFailed, RateLimited, StatusError, TimedOut

Growth = Literal["exponential", "linear", "constant"]

#: Methods that do no more when they are called twice (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

#: Enough doublings to reach any cap, few enough to stay inside a float.
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, how long, and what; times in seconds.

    >>> policy = RetryPolicy(base=0.5, cap=3.0)
    >>> [policy.ceiling(retry) for retry in range(4)]
    [0.5, 1.0, 2.0, 3.0]
    """

    #: Attempts altogether; 1 is no retry.
    max_attempts: int = 3
    backoff: Growth = "exponential"
    base: float = 0.5
    cap: float = 10.0
    #: The share of a pause that chance may take away: many clients must not come back together.
    jitter: float = 0.25
    #: No attempt begins later than this after the first one.
    max_elapsed: float | None = None
    #: A longer Retry-After is not waited for: the caller gets the error, and it says how long.
    longest_wait: float = 60.0
    #: Whether a request that may have done its work is repeated all the same.
    repeat_unsafe: bool = True
    #: Decides in place of `error.retriable`.
    retry_on: Callable[[APIError], bool] | None = None

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must be a share from 0 to 1, not {self.jitter}")
        for name in ("base", "cap", "longest_wait"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0 s, not {getattr(self, name)}")

    def ceiling(self, retry: int) -> float:
        """The longest pause before this retry, counted from 0."""
        doubled = 2.0 ** min(retry, _MOST_DOUBLINGS)
        factor = {"constant": 1.0, "linear": retry + 1.0, "exponential": doubled}[self.backoff]
        return min(self.cap, self.base * factor)

    def pause(
        self, error: APIError, *, attempt: int, elapsed: float, harmless: bool, random: Random
    ) -> float | None:
        """Seconds to wait before the next attempt, after this many; None to give up."""
        retriable = self.retry_on(error) if self.retry_on else error.retriable
        if attempt >= self.max_attempts or not retriable:
            return None
        if not (harmless or self.repeat_unsafe or nothing_was_done(error)):
            return None
        pause = error.retry_after
        if pause is None:
            ceiling = self.ceiling(attempt - 1)
            pause = random.uniform(ceiling * (1 - self.jitter), ceiling)
        elif pause > self.longest_wait:
            return None
        if self.max_elapsed is not None and elapsed + pause > self.max_elapsed:
            return None
        return pause


#: What holds where neither the manifest nor the caller names a policy.
CAREFUL = RetryPolicy(repeat_unsafe=False)


def nothing_was_done(error: APIError) -> bool:
    """Whether the server certainly did not do what was asked, or says that asking again is right."""
    match error:
        case ConnectionFailed():
            return not error.sent
        case TimedOut():
            return error.limit == "connect"
        case RateLimited():
            return True
        case StatusError():
            return error.headers.get("x-should-retry", "").lower() == "true"
    return False
