"""Rate limits: how much one caller may ask for, counted in memory, or in a Redis that instances share.

Belongs here:  windows of requests and tokens, running requests, and what happens when Redis is lost.
May import:    the standard library; `limits` and `redis` have their home here.
Imported by:   gateway (which makes the limiter), web (which asks it at the start and the end of a request).

    limiter    what the front end asks: enter, look, leave
    windows    a caller's windows, on any storage
    counters   the storage in memory: bounded, and without a thread of its own
    shared     the storage in Redis, behind a breaker: a request waits for it a moment at most, or not at all

Nothing here is asked while an answer runs, so no limit and no outage of Redis can delay a piece of one.
"""

from cortex_actors.rate_limits.limiter import Entry, Limiter
from cortex_actors.rate_limits.quota import NO_QUOTA, Kind, Quota, Standing, Window
from cortex_actors.rate_limits.target import Target

__all__ = ["NO_QUOTA", "Entry", "Kind", "Limiter", "Quota", "Standing", "Target", "Window"]
