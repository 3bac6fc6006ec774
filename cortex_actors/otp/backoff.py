"""Back-off: how long a supervisor waits before it starts a failing child again.

The n-th failure in a row waits `min` x `factor`^n seconds, at most `max`, spread by +- `jitter` so that
children that fell together do not all come back together. A child that ran for `reset_after` seconds starts
at `min` again. Pure; randomness is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Times in seconds; `jitter` is a fraction of the delay."""

    min: float = 1.0
    max: float = 60.0
    factor: float = 2.0
    jitter: float = 0.2
    reset_after: float = 60.0

    def delay(self, failures: int, random: Random) -> float:
        """The wait after this many failures in a row before this one; never longer than `max`."""
        # The exponent is capped: a float overflows long before a child has failed that often for a reason.
        plain = min(self.max, self.min * self.factor ** min(failures, 64))
        return min(self.max, plain * (1.0 + self.jitter * random.uniform(-1.0, 1.0)))

    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with these numbers, in words."""
        checks = (
            (0 < self.min <= self.max, f"invalid_backoff: 0 < min <= max, not {self.min} and {self.max}"),
            (self.factor >= 1, f"invalid_backoff: factor {self.factor} would shrink the delay"),
            (0 <= self.jitter < 1, f"invalid_backoff: jitter {self.jitter} is not in [0, 1)"),
            (self.reset_after >= 0, f"invalid_backoff: reset_after {self.reset_after} is negative"),
        )
        return tuple(words for good, words in checks if not good)
