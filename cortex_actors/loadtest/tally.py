"""The tally: everything a load test counts, in a form that several processes can add up.

Percentiles are of answers that were read to their end by readers in a hurry: a caller that leaves or dawdles
makes figures of its own, which say nothing about the gateway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from cortex_actors.loadtest.histogram import Histogram
from cortex_actors.loadtest.judgement import End
from cortex_actors.loadtest.scenario import Manners


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request. Times are seconds on the clock of the run."""

    framing: str
    manners: Manners
    end: End
    #: The code of an error that was told.
    code: str
    lies: tuple[str, ...]
    #: When it was to begin, and when it began.
    intended: float
    began: float
    #: When the first piece of its answer was there.
    first: float | None
    over: float
    pieces: int
    received: int

    @property
    def kind(self) -> str:
        """The name it is counted under."""
        return f"{self.end} {self.code}".strip()


@dataclass(slots=True)
class Second:
    """One second of the test."""

    whole: int = 0
    failed: int = 0
    pieces: int = 0
    first_piece: Histogram = field(default_factory=Histogram)

    def add(self, other: Second) -> None:
        """Counts all that another process has counted in the same second."""
        self.whole += other.whole
        self.failed += other.failed
        self.pieces += other.pieces
        self.first_piece.add(other.first_piece)


@dataclass(slots=True)
class Tally:
    """The counts. Histograms count seconds."""

    begun: int = 0
    #: Requests that were due in an open model and found no free caller to the end.
    never_begun: int = 0
    #: Most requests that were due at one time and waited for a free caller.
    most_waiting: int = 0
    running: int = 0
    #: Ends of every kind, and of those the failures, by kind.
    ends: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lies: Counter[str] = field(default_factory=Counter)
    #: Answers that lied, whatever the number of their lies.
    liars: int = 0
    framings: Counter[str] = field(default_factory=Counter)
    manners: Counter[str] = field(default_factory=Counter)
    pieces: int = 0
    received: int = 0
    #: From when a request was to begin, to the first piece and to the end of its answer.
    first_piece: Histogram = field(default_factory=Histogram)
    total: Histogram = field(default_factory=Histogram)
    #: The same from when it began: what the gateway took, without the wait for a free caller.
    first_piece_served: Histogram = field(default_factory=Histogram)
    total_served: Histogram = field(default_factory=Histogram)
    #: Between two arrivals of pieces of one answer.
    gaps: Histogram = field(default_factory=Histogram)
    #: By the second in which an answer was over, counted from the start.
    seconds: dict[int, Second] = field(default_factory=dict)
    #: CPU time of the callers themselves, by process.
    cpu: list[float] = field(default_factory=list)
    #: From the first request to the last end.
    elapsed: float = 0.0
    #: Whole answers before the last request was begun: what requests per second are counted by.
    whole_in_time: int = 0
    #: Processes that were interrupted.
    interrupted: int = 0

    @property
    def ended(self) -> int:
        """Requests that are over."""
        return self.ends.total()

    @property
    def whole(self) -> int:
        """Answers that said they were whole."""
        return self.ends[End.WHOLE]

    @property
    def failed(self) -> int:
        """Requests without an answer that says it is whole, except those whose caller left."""
        return self.errors.total() + self.never_begun

    @property
    def failed_share(self) -> float:
        """Of all requests that were to be asked."""
        asked = self.ended + self.never_begun
        return self.failed / asked if asked else 0.0

    def take(self, outcome: Outcome, started: float, stops: float) -> None:
        """Counts one outcome; `started` and `stops` are when the first and the last request begin."""
        second = self.seconds.setdefault(max(0, int(outcome.over - started)), Second())
        self.ends[outcome.end] += 1
        self.framings[outcome.framing] += 1
        self.manners[outcome.manners] += 1
        self.pieces += outcome.pieces
        second.pieces += outcome.pieces
        self.received += outcome.received
        self.lies.update(outcome.lies)
        self.liars += bool(outcome.lies)
        if outcome.end is End.WHOLE:
            second.whole += 1
            self.whole_in_time += outcome.over <= stops
        elif outcome.end is not End.LEFT:
            second.failed += 1
            self.errors[outcome.kind] += 1
        if outcome.manners is Manners.READ:
            self._time(outcome, second)

    def _time(self, outcome: Outcome, second: Second) -> None:
        if outcome.first is not None:
            self.first_piece.record(outcome.first - outcome.intended)
            self.first_piece_served.record(outcome.first - outcome.began)
            second.first_piece.record(outcome.first - outcome.intended)
        if outcome.end is End.WHOLE:
            self.total.record(outcome.over - outcome.intended)
            self.total_served.record(outcome.over - outcome.began)

    def add(self, other: Tally) -> None:
        """Counts all that another process has counted."""
        for name in (each.name for each in fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            match mine:
                case Histogram():
                    mine.add(theirs)
                case Counter():
                    mine.update(theirs)
                case dict():
                    for number, second in theirs.items():
                        mine.setdefault(number, Second()).add(second)
                case list() | int():
                    setattr(self, name, mine + theirs)
                case float():
                    setattr(self, name, max(mine, theirs))


def added_up(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole
