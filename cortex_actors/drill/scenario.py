"""A row of the drill: a fault, how it is met, and what counts.

A row's target and fallbacks are `provider/behaviour`; the providers are those of `config/drill.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cortex_actors.drill.behaviours import BEHAVIOURS, Behaviour
from cortex_actors.drill.evidence import Check
from cortex_actors.drill.reading import EVERY, Framing


class Drive(StrEnum):
    """How a row is driven."""

    #: Ask, and read to the end or leave.
    ASK = "ask"
    #: Ask, and read nothing.
    READ_NOTHING = "read_nothing"
    #: Ask again and again, through an outage and beyond.
    KEEP_ASKING = "keep_asking"
    #: Ask, and look at the gateway's own pages.
    LOOK_AROUND = "look_around"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row. Times are seconds."""

    name: str
    #: What the caller must get, in a few words.
    want: str
    target: str
    checks: tuple[Check, ...]
    fallbacks: tuple[str, ...] = ()
    framings: tuple[Framing, ...] = EVERY
    drive: Drive = Drive.ASK
    #: Limits for this request alone, which make a short row of a long one.
    limits: Mapping[str, float] = field(default_factory=dict)
    patience: float = 20.0
    leave_after: float | None = None
    leave_at_word: int | None = None
    #: Between two requests of a row that keeps asking.
    every: float = 1.0
    #: How long to watch the wall afterwards: until its sockets are closed, or for this time.
    watch_sockets: bool = False
    watch: float = 0.0
    #: Rows of one lane run one after the other.
    lane: str = ""
    #: Runs when nothing else does.
    alone: bool = False
    #: Runs only when asked for.
    long: bool = False

    @property
    def provider(self) -> str:
        """The provider that is asked first."""
        return self.target.partition("/")[0]

    @property
    def behaviour(self) -> Behaviour:
        """What the wall does to it."""
        return BEHAVIOURS[self.target.partition("/")[2]]
