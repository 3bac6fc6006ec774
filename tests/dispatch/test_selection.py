"""Strategies: each is a function from candidates to an order."""

from __future__ import annotations

from random import Random

import pytest

from cortex_actors.dispatch.selection import STRATEGIES, Candidate, Turn
from tests.dispatch.factories import view


def _order(strategy: str, candidates: list[Candidate], turn: Turn | None = None) -> list[str]:
    return [c.view.name for c in STRATEGIES[strategy](candidates, turn or Turn(Random(7)))]


def _candidates(**priorities: int) -> list[Candidate]:
    return [Candidate(view(name, priority=priority), "m") for name, priority in priorities.items()]


def test_priority_first_tries_the_lowest_number_first() -> None:
    assert _order("priority_first", _candidates(c=40, a=20, b=30)) == ["a", "b", "c"]


def test_equal_priorities_are_ordered_by_name() -> None:
    assert _order("priority_first", _candidates(z=1, y=1)) == ["y", "z"]


def test_local_first_tries_local_providers_before_all_others() -> None:
    cloud, local = view("cloud", priority=1), view("ollama-local", priority=50, local=True)
    assert _order("local_first", [Candidate(cloud, "m"), Candidate(local, "m")]) == ["ollama-local", "cloud"]


def test_round_robin_begins_one_further_with_every_turn() -> None:
    candidates = _candidates(a=1, b=2, c=3)
    firsts = [_order("round_robin", candidates, Turn(Random(1), number))[0] for number in range(4)]
    assert firsts == ["a", "b", "c", "a"]


def test_least_used_tries_the_one_with_the_fewest_streams() -> None:
    busy, idle = view("busy", in_flight=5), view("idle", in_flight=1)
    assert _order("least_used", [Candidate(busy, "m"), Candidate(idle, "m")]) == ["idle", "busy"]


def test_random_gives_every_candidate_the_first_place_now_and_then() -> None:
    candidates, turn = _candidates(a=1, b=2, c=3), Turn(Random(3))
    assert {_order("random", candidates, turn)[0] for _ in range(60)} == {"a", "b", "c"}


def test_weighted_gives_the_first_place_by_weight() -> None:
    turn = Turn(Random(11))
    heavy, light = Candidate(view("heavy"), "m", 9.0), Candidate(view("light"), "m", 1.0)
    firsts = [_order("weighted", [light, heavy], turn)[0] for _ in range(1000)]
    assert 850 < firsts.count("heavy") < 950


def test_a_weight_of_zero_is_tried_last() -> None:
    never, ever = Candidate(view("never"), "m", 0.0), Candidate(view("ever"), "m", 0.1)
    assert all(_order("weighted", [never, ever], Turn(Random(n))) == ["ever", "never"] for n in range(20))


def test_fastest_tries_the_shortest_time_to_first_token_first() -> None:
    slow, quick = view("slow", mean_ttft=2.0), view("quick", mean_ttft=0.2)
    assert _order("fastest", [Candidate(slow, "m"), Candidate(quick, "m")]) == ["quick", "slow"]


def test_fastest_gives_a_provider_nobody_measured_its_chance() -> None:
    known, unknown = view("known", mean_ttft=0.2), view("unknown", mean_ttft=None)
    assert _order("fastest", [Candidate(known, "m"), Candidate(unknown, "m")])[0] == "unknown"


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_no_strategy_loses_a_candidate(strategy: str) -> None:
    candidates = _candidates(a=3, b=1, c=2, d=1)
    assert sorted(_order(strategy, candidates)) == ["a", "b", "c", "d"]
