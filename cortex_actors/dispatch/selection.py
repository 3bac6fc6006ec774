"""Strategies: in which order providers are tried. Each is a function of the candidates and the turn.

A strategy never drops a candidate; who may be tried at all is the router's question. Ties keep the order of
priority, then of name, so that the same state always gives the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from cortex_actors.dispatch.messages import ProviderView


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider as a strategy sees it, with the weight of this route."""

    view: ProviderView
    model: str
    weight: float = 1.0


@dataclass(slots=True)
class Turn:
    """What strategies may remember or draw from: a counter of requests and a source of randomness."""

    random: Random
    number: int = 0


Strategy = Callable[[Sequence[Candidate], Turn], list[Candidate]]


def priority_first(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Lowest priority number first."""
    return sorted(candidates, key=_by_priority)


def local_first(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Local providers before all others, each group by priority."""
    return sorted(candidates, key=lambda c: (not c.view.local, *_by_priority(c)))


def round_robin(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Everyone in turn, by name; the turn moves with every request, whatever became of the last."""
    ring = sorted(candidates, key=lambda c: c.view.name)
    start = turn.number % len(ring)
    return ring[start:] + ring[:start]


def least_used(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Fewest streams in flight first."""
    return sorted(candidates, key=lambda c: (c.view.in_flight, *_by_priority(c)))


def shuffled(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Any order, each as likely."""
    return turn.random.sample(list(candidates), len(candidates))


def weighted(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Any order, a first place as likely as the weight says (Efraimidis and Spirakis, 2006)."""
    return sorted(candidates, key=lambda c: _draw(c.weight, turn.random), reverse=True)


def fastest(candidates: Sequence[Candidate], turn: Turn) -> list[Candidate]:
    """Shortest mean time to first token first; a provider nobody has measured yet goes before all."""
    return sorted(candidates, key=lambda c: (c.view.mean_ttft or 0.0, *_by_priority(c)))


STRATEGIES: Mapping[str, Strategy] = {
    "priority_first": priority_first,
    "local_first": local_first,
    "round_robin": round_robin,
    "least_used": least_used,
    "random": shuffled,
    "weighted": weighted,
    "fastest": fastest,
}


def _by_priority(candidate: Candidate) -> tuple[int, str]:
    return (candidate.view.priority, candidate.view.name)


def _draw(weight: float, random: Random) -> float:
    return float(random.random() ** (1.0 / weight)) if weight > 0 else -1.0
