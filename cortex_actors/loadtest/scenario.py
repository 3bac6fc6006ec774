"""The scenario of a load test: how many callers, how fast, and what kind of callers they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cortex_actors.loadtest.target import Target

#: Callers at once, where the user names no number: in a closed model, and as the most of an open one.
CLOSED_CONNECTIONS = 16
OPEN_CONNECTIONS = 1000


class Manners(StrEnum):
    """How a caller treats its answer."""

    READ = "read"
    #: Hangs up early.
    LEAVE = "leave"
    #: Reads a little at a time.
    SLOW = "slow"


class Expect(StrEnum):
    """How much is known about an answer that is right."""

    #: Found out by two requests before the test: every answer the same text, or not.
    AUTO = "auto"
    #: Only its end is judged.
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked of whom. Times are seconds, shares are 0 to 1."""

    target: Target
    #: Names of framings, which take turns.
    framings: tuple[str, ...] = ("text", "sse", "ndjson", "openai")
    #: Callers at once.
    connections: int = CLOSED_CONNECTIONS
    #: Requests a second, whatever becomes of those before: the open model. None has each caller ask again
    #: when its answer is over: the closed model.
    rate: float | None = None
    #: New requests begin for so long; those that run then are read to their end.
    duration: float = 10.0
    #: From the first caller to all of them, or from no rate to the whole.
    ramp: float = 0.0
    #: Requests whose body is sent in chunks of its own.
    chunked: float = 0.0
    leave: float = 0.0
    slow: float = 0.0
    #: What slow readers take, in bytes a second.
    slow_rate: int = 2000
    #: After so long an answer that is not over counts as hanging.
    timeout: float = 60.0
    model: str = ""
    prompt: str = "Say something about"
    headers: tuple[tuple[str, str], ...] = ()
    expect: Expect = Expect.AUTO
    #: Words of every whole answer, where that is known.
    words: int | None = None
    processes: int = 1
    #: Of the choices who leaves, who is slow, and when.
    seed: int = 0

    @property
    def is_open(self) -> bool:
        """Whether requests begin at times of their own."""
        return self.rate is not None


@dataclass(frozen=True, slots=True)
class Part:
    """What one process does of a scenario: callers and arrivals are dealt out like cards."""

    number: int = 0
    of: int = 1

    def share_of(self, whole: int) -> int:
        """How many of so many are its own.

        >>> [Part(number, of=3).share_of(10) for number in range(3)]
        [4, 3, 3]
        """
        return len(range(self.number, whole, self.of))
