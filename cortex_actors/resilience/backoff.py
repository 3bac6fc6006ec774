"""How long to pause before an upstream is tried again: exponential, with full jitter.

May import: nothing of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

#: Enough doublings to reach any cap, few enough to stay inside a float.
_MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds; `retry` counts from 0.

    >>> [Backoff(base=1.0, cap=5.0).ceiling(retry) for retry in range(4)]
    [1.0, 2.0, 4.0, 5.0]
    """

    base: float = 0.5
    factor: float = 2.0
    #: No pause of our own choice is longer.
    cap: float = 8.0
    #: No pause is shorter: full jitter alone could draw a tight loop.
    floor: float = 0.05

    def ceiling(self, retry: int) -> float:
        """The longest pause before this retry."""
        return min(self.cap, self.base * self.factor ** min(retry, _MOST_STEPS))

    def pause(self, retry: int, random: Random, retry_after: float | None = None) -> float:
        """The pause before this retry; a provider's `retry_after` replaces our choice, it is not added."""
        if retry_after is not None:
            return max(self.floor, retry_after)
        return random.uniform(self.floor, max(self.floor, self.ceiling(retry)))
