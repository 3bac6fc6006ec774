"""A caller's windows of requests and of tokens, on one storage.

test     whether tokens are left       before a request, as nobody knows yet what it will cost
hit      one request                   not counted when it is refused
charge   the tokens of an answer       afterwards, also beyond the limit: what was used was used
"""

from __future__ import annotations

import time
from math import floor

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport
from limits.strategies import SlidingWindowCounterRateLimiter

from cortex_actors.rate_limits.quota import Quota, Standing, Window

#: Seconds of a window.
MINUTE = 60

#: At the moment itself the last one still counts; in seconds.
_MOMENT = 0.001

#: More than any limit, and still exact in Redis, where numbers are doubles.
_NO_LIMIT = 2**52


class Windows:
    """Sliding windows, each known by its caller."""

    def __init__(self, storage: Storage, period: int = MINUTE) -> None:
        assert isinstance(storage, SlidingWindowCounterSupport)
        self._counts: SlidingWindowCounterSupport = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._period = period

    def enter(self, who: str, quota: Quota, reserved: int) -> Standing:
        """Counts one request, unless a limit is reached; `reserved` tokens are as good as used."""
        tokens = self._tokens(who, quota)
        if tokens is not None and tokens.remaining <= reserved:
            return Standing(self._requests(who, quota), tokens, refused="tokens")
        if quota.requests and not self._limiter.hit(self._item(quota.requests), "requests", who):
            return Standing(self._requests(who, quota), tokens, refused="requests")
        return Standing(self._requests(who, quota), tokens)

    def look(self, who: str, quota: Quota) -> Standing:
        """Where a caller stands; nothing is counted."""
        return Standing(self._requests(who, quota), self._tokens(who, quota))

    def record(self, who: str, quota: Quota) -> None:
        """Counts a request that was let in elsewhere."""
        if quota.requests:
            self._limiter.hit(self._item(quota.requests), "requests", who)

    def charge(self, who: str, quota: Quota, tokens: int) -> None:
        """Counts the tokens of an answer."""
        if quota.tokens and tokens > 0:
            key = self._item(quota.tokens).key_for("tokens", who)
            self._counts.acquire_sliding_window_entry(key, _NO_LIMIT, self._period, tokens)

    def _requests(self, who: str, quota: Quota) -> Window | None:
        return self._window(quota.requests, "requests", who) if quota.requests else None

    def _tokens(self, who: str, quota: Quota) -> Window | None:
        return self._window(quota.tokens, "tokens", who) if quota.tokens else None

    def _window(self, limit: int, kind: str, who: str) -> Window:
        key, period = self._item(limit).key_for(kind, who), self._period
        previous, previous_left, current, current_left = self._counts.get_sliding_window(key, period)
        before = previous * previous_left / period
        used = floor(before) + current
        reset_in = _more_in(limit, previous, before, current, current_left - period, period) if used else 0.0
        return Window(limit, max(0, limit - used), time.time() + reset_in)

    def _item(self, limit: int) -> RateLimitItem:
        return RateLimitItemPerSecond(limit, self._period)


def _more_in(limit: int, previous: int, before: float, current: int, left: float, period: int) -> float:
    """Seconds until there is one more than now; of a limit that is passed, until there is one at all.

    `before` is what the last period still counts for; it dwindles until this one ends, `left` seconds from
    now, and then this one does.
    """
    allowed = min(floor(before) + current, limit)
    if current < allowed:
        wait = (before - (allowed - current)) / previous * period
    else:
        wait = left + (1 - allowed / current) * period
    return max(0.0, wait) + _MOMENT
