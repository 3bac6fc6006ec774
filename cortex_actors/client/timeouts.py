"""The four limits of a call, in seconds; each fails under its own name.

    connect       to open a connection
    first_byte    from there to the head of the answer
    idle          for each wait for more of it
    total         for the whole call: its attempts, its pauses, its reconnections

Imports:  nothing of the project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The limits of a call; None leaves one to whoever is asked next.

    >>> Timeouts(idle=300).over(Timeouts(connect=5, idle=60))
    Timeouts(connect=5, first_byte=None, idle=300, total=None)
    """

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not is_limit(value):
                raise ValueError(f"the {field.name} limit must be seconds above 0, not {value!r}")

    def over(self, other: Timeouts) -> Timeouts:
        """These limits, and those of `other` where these say nothing."""
        return Timeouts(
            connect=other.connect if self.connect is None else self.connect,
            first_byte=other.first_byte if self.first_byte is None else self.first_byte,
            idle=other.idle if self.idle is None else self.idle,
            total=other.total if self.total is None else self.total,
        )


def is_limit(value: object) -> bool:
    """Whether something can be waited for so many seconds.

    >>> is_limit(0.5), is_limit(0), is_limit(float("inf")), is_limit("5")
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force; only the total may be missing."""

    connect: float
    first_byte: float
    idle: float
    total: float | None


#: What holds where nobody said anything.
_DEFAULTS = Limits(5.0, 60.0, 60.0, None)


def of_silence(seconds: float) -> Timeouts:
    """What a single number means: so long may the server say nothing."""
    return Timeouts(first_byte=seconds, idle=seconds)


def in_force(*given: Timeouts | float | None) -> Limits:
    """The limits of a call; whoever is named first decides.

    >>> in_force(None, 2.5, Timeouts(idle=9, total=30))
    Limits(connect=5.0, first_byte=2.5, idle=2.5, total=30)
    """
    found = Timeouts()
    for timeouts in given:
        if timeouts is not None:
            found = found.over(timeouts if isinstance(timeouts, Timeouts) else of_silence(timeouts))
    return Limits(
        _DEFAULTS.connect if found.connect is None else found.connect,
        _DEFAULTS.first_byte if found.first_byte is None else found.first_byte,
        _DEFAULTS.idle if found.idle is None else found.idle,
        found.total,
    )
