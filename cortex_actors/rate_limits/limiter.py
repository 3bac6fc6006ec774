"""The limiter: lets a request in or says what its caller has too much of, and keeps count.

    enter    at the start of a request: counts it, unless it is refused
    leave    at its end: frees its place, and charges its tokens
    look     where a caller stands; counts nothing

Shared windows, where there are any, decide. What they let in is written down in memory too, so that when they
are lost this instance still knows what it let in during the last minute, and goes on with that.

Runs on:   the request's own thread, at its start and its end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from cortex_actors.rate_limits.counters import Counters
from cortex_actors.rate_limits.quota import Kind, Quota, Standing
from cortex_actors.rate_limits.target import Lost, Target
from cortex_actors.rate_limits.windows import MINUTE, Windows

if TYPE_CHECKING:
    from cortex_actors.rate_limits.shared import SharedWindows


@dataclass(slots=True)
class Entry:
    """A request that was let in, or was not."""

    who: str
    quota: Quota
    standing: Standing
    #: Tokens that count as used until it is known how many were.
    reserved: int = 0
    #: It has left already, or never came in.
    over: bool = False


class Limiter:
    """Keeps every caller within its quota."""

    def __init__(
        self,
        target: Target | None = None,
        *,
        period: int = MINUTE,
        clock: Callable[[], float] = time.time,
        on_refused: Callable[[Kind], None] = lambda kind: None,
    ) -> None:
        self._memory = Windows(Counters(clock), period)
        self._shared = _shared(target, period) if target else None
        self._on_refused = on_refused
        self._running: Counter[str] = Counter()
        self._reserved: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def lost(self) -> bool:
        """Whether there is a Redis, and it cannot be asked."""
        return self._shared is not None and self._shared.lost

    @property
    def losses(self) -> int:
        """How often Redis was lost."""
        return self._shared.losses if self._shared else 0

    def enter(self, who: str, quota: Quota, estimate: int = 0) -> Entry:
        """A request begins; `estimate` is what it may cost in tokens, as far as anybody can tell."""
        estimate = min(estimate, quota.tokens)
        with self._lock:
            full = bool(quota.streams) and self._running[who] >= quota.streams
            reserved = self._reserved[who]
            if not full:
                self._hold(who, quota, estimate)
        if full:
            standing = replace(self.look(who, quota), refused="streams")
        else:
            standing = self._enter(who, quota, reserved)
        if standing.refused:
            self._on_refused(standing.refused)
            if not full:
                self._free(who, quota, estimate)
        return Entry(who, quota, standing, estimate, over=standing.refused is not None)

    def leave(self, entry: Entry, tokens: int) -> None:
        """The request is over, and cost so many tokens; it may leave more than once."""
        if entry.over:
            return
        entry.over = True
        self._free(entry.who, entry.quota, entry.reserved)
        self._memory.charge(entry.who, entry.quota, tokens)
        if self._shared is not None and entry.quota.tokens:
            self._shared.tell(lambda windows: windows.charge(entry.who, entry.quota, tokens))

    def look(self, who: str, quota: Quota) -> Standing:
        """Where a caller stands now."""
        if self._shared is not None and (quota.requests or quota.tokens):
            try:
                return self._shared.ask(lambda windows: windows.look(who, quota))
            except Lost:
                pass
        return self._memory.look(who, quota)

    def close(self) -> None:
        """Lets go of Redis."""
        if self._shared is not None:
            self._shared.close()

    def _enter(self, who: str, quota: Quota, reserved: int) -> Standing:
        if self._shared is not None and (quota.requests or quota.tokens):
            try:
                standing = self._shared.ask(lambda windows: windows.enter(who, quota, reserved))
            except Lost:
                pass
            else:
                if standing.refused is None:
                    self._memory.record(who, quota)
                return standing
        return self._memory.enter(who, quota, reserved)

    def _hold(self, who: str, quota: Quota, estimate: int) -> None:
        if quota.streams:
            self._running[who] += 1
        if quota.tokens:
            self._reserved[who] += estimate

    def _free(self, who: str, quota: Quota, estimate: int) -> None:
        """Gives back what was held; who holds nothing is forgotten."""
        with self._lock:
            for held, amount in ((self._running, bool(quota.streams)), (self._reserved, estimate)):
                held[who] -= amount
                if held[who] <= 0:
                    del held[who]


def _shared(target: Target, period: int) -> SharedWindows:
    """Imported here by design: the library is an extra."""
    from cortex_actors.rate_limits.shared import SharedWindows

    return SharedWindows(target, period)
