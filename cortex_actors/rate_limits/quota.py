"""Quotas and what is left of them, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What a caller can have too much of.
Kind = Literal["requests", "tokens", "streams"]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one caller may ask for; 0 is no limit."""

    #: In any minute.
    requests: int = 0
    #: In any minute, of questions and answers together.
    tokens: int = 0
    #: Requests at once, at this instance.
    streams: int = 0

    def __bool__(self) -> bool:
        return bool(self.requests or self.tokens or self.streams)


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class Window:
    """One limit, what is left of it, and when there is more again; in epoch seconds."""

    limit: int
    remaining: int
    reset_at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands; `refused` says what it has too much of."""

    requests: Window | None = None
    tokens: Window | None = None
    refused: Kind | None = None
