"""What a journal's owner and Redis say to one another: immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: How long one question to Redis may take, in seconds. No running stream waits for it.
PATIENCE = 1.0

#: What became of a parcel: written; a gap before it; no such stream; another instance owns it; try it again.
Outcome = Literal["written", "behind", "unknown", "lost", "again"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which Redis journals are; times in seconds."""

    url: str
    password: str | None = field(repr=False)
    #: The beginning of all keys.
    prefix: str
    #: How long a stream is kept after its end, and how long an instance counts as alive without a word.
    ttl: float
    lease: float


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records of one journal on their way to Redis, none of them to renew the lease alone."""

    stream: str
    #: Whether Redis must be told of the stream first.
    opens: bool
    owner: str
    question: bytes
    #: The fencing token: how many instances have run the stream, this one included.
    token: int
    #: Where the oldest record that memory holds is: (epoch, number).
    oldest: tuple[int, int]
    #: The number and the epoch of the first line.
    number: int
    epoch: int
    lines: tuple[bytes, ...]
    #: Whether the stream ends with the last line; then how long to keep it, in seconds.
    final: bool
    keep: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a parcel, and what Redis has after it."""

    outcome: Outcome
    last: int = 0
    #: Somebody wants the stream to be cancelled.
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as Redis has it."""

    epoch: int
    number: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Sight:
    """What Redis knows of a stream at one moment."""

    owner: str
    token: int
    ended: bool
    #: Whether the instance that runs it is alive.
    leased: bool
    #: Whether that instance gave it up by itself.
    released: bool
    #: The time of Redis, in microseconds.
    at: int


@dataclass(frozen=True, slots=True)
class Takeover:
    """What an instance needs that runs a stream from now on."""

    token: int
    question: bytes
    #: Its caller does not want it any more.
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """A stream that is gone, and whose it was."""

    owner: str
