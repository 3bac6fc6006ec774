"""What a judge is shown: what the caller of one row saw and what the wall saw. And what a judge can say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from cortex_actors.drill.behaviours import BEHAVIOURS, Behaviour
from cortex_actors.drill.caller import Outcome
from cortex_actors.drill.wall_log import MARK, Entry


class Verdict(IntEnum):
    """What a gateway's way with a fault is worth, best first."""

    #: What was asked for.
    PASS = 0
    #: The right answer, but later or with more attempts than asked.
    PARTIAL = 1
    #: One honest error where an answer would have been possible.
    SAFE = 2
    #: A lie: a truncated success, an invented end, words lost or doubled, a hang, a wrong status, a storm.
    FAIL = 3

    @property
    def word(self) -> str:
        """The verdict as it is printed."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a judge has to say."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row, as it went; all moments are epoch seconds of our own clock."""

    #: Who was asked, and for what.
    provider: str
    behaviour: Behaviour
    #: One, except where a row asks again and again.
    outcomes: tuple[Outcome, ...]
    #: Every request at the wall that carries the mark of this row, oldest first.
    entries: tuple[Entry, ...]
    #: Somebody else's request at the same time, where a row has one.
    companion: Outcome | None = None
    #: Pages of the gateway: status and body.
    pages: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The last one."""
        return self.outcomes[-1]

    @property
    def at_primary(self) -> tuple[Entry, ...]:
        """The wall's requests for the behaviour under drill, without those for its fallbacks."""
        return tuple(entry for entry in self.entries if entry.behaviour == self.behaviour.name)

    def expected(self, outcome: Outcome) -> str:
        """The whole answer of whoever answered."""
        name = outcome.reading.model.partition(MARK)[0]
        return BEHAVIOURS.get(name, self.behaviour).text


Check = Callable[[Evidence], Iterable[Finding]]
