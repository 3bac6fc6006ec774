"""Arrivals: when requests are to begin. The clock starts at 0 with the test; all times are seconds.

Open model    at a rate, whatever becomes of the requests before: a slow answer delays nobody, and who finds
              no free caller waits, which counts.
Closed model  each caller asks again when its answer is over: while an answer is slow, those who would have
              come meanwhile do not come, and no percentile tells of them.
"""

from __future__ import annotations

import heapq
import math
from typing import Protocol

from cortex_actors.loadtest.scenario import Part, Scenario


class Arrivals(Protocol):
    """One process's share of them."""

    def next_at(self) -> float | None:
        """When the next one is due; None when nobody knows of one."""
        ...

    def take(self, now: float) -> list[float]:
        """Those that are due, each with the time it was meant to begin at."""
        ...

    def freed(self, now: float, rest: float) -> None:
        """A caller is free again, and may be asked to rest before it asks anew."""
        ...


def arrivals(scenario: Scenario, part: Part) -> Arrivals:
    """Those of the scenario's model."""
    return OpenArrivals(scenario, part) if scenario.is_open else ClosedArrivals(scenario, part)


class OpenArrivals:
    """Evenly spaced at the rate; while the rate ramps up, closer and closer."""

    def __init__(self, scenario: Scenario, part: Part) -> None:
        assert scenario.rate is not None
        self._rate = scenario.rate
        self._ramp = scenario.ramp
        self._stops = scenario.duration
        self._step = part.of
        self._number = part.number

    def next_at(self) -> float | None:
        at = self._time_of(self._number)
        return at if at < self._stops else None

    def take(self, now: float) -> list[float]:
        due = []
        while (at := self.next_at()) is not None and at <= now:
            due.append(at)
            self._number += self._step
        return due

    def freed(self, now: float, rest: float) -> None:
        """Nothing depends on it: that is what makes this model open."""

    def _time_of(self, number: int) -> float:
        """Of the arrival with this number, counted from 0 over all processes."""
        in_ramp = self._rate * self._ramp / 2
        if number < in_ramp:
            return math.sqrt(2 * self._ramp * number / self._rate)
        return self._ramp + (number - in_ramp) / self._rate


class ClosedArrivals:
    """One for each caller within the ramp, and another whenever a caller is free."""

    def __init__(self, scenario: Scenario, part: Part) -> None:
        self._stops = scenario.duration
        callers = range(part.number, scenario.connections, part.of)
        self._due = [scenario.ramp * number / scenario.connections for number in callers]
        heapq.heapify(self._due)

    def next_at(self) -> float | None:
        return self._due[0] if self._due and self._due[0] < self._stops else None

    def take(self, now: float) -> list[float]:
        due = []
        while (at := self.next_at()) is not None and at <= now:
            due.append(heapq.heappop(self._due))
        return due

    def freed(self, now: float, rest: float) -> None:
        heapq.heappush(self._due, now + rest)
