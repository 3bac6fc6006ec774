"""When requests begin: on time in the open model, after one another in the closed one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cortex_actors.loadtest.arrivals import arrivals
from cortex_actors.loadtest.scenario import Part, Scenario
from cortex_actors.loadtest.target import Target

TARGET = Target("http://h", "h", "", "127.0.0.1", 80)
ALONE = Part()


def scenario(**fields: object) -> Scenario:
    return Scenario(TARGET, **fields)  # type: ignore[arg-type]


def test_in_the_open_model_requests_are_due_at_the_rate_until_the_end() -> None:
    due = arrivals(scenario(rate=10, duration=1.0), ALONE).take(100.0)

    assert due == pytest.approx([number / 10 for number in range(10)])


def test_in_the_open_model_those_that_are_late_keep_the_time_they_were_meant_for() -> None:
    found = arrivals(scenario(rate=10, duration=10.0), ALONE)
    found.take(0.15)

    assert found.take(0.45) == pytest.approx([0.2, 0.3, 0.4])
    assert found.next_at() == pytest.approx(0.5)


def test_in_the_open_model_nothing_waits_for_a_caller_to_be_free() -> None:
    found = arrivals(scenario(rate=10, duration=1.0), ALONE)
    found.freed(0.0, 0.0)

    assert len(found.take(100.0)) == 10


def test_while_the_rate_ramps_up_requests_come_closer_and_closer() -> None:
    due = arrivals(scenario(rate=100, ramp=2.0, duration=3.0), ALONE).take(100.0)

    assert len([at for at in due if at < 1.0]) == 25
    assert len([at for at in due if at < 2.0]) == 100  # half of what the whole rate would bring
    assert len([at for at in due if at >= 2.0]) == 100
    gaps = [later - sooner for sooner, later in pairwise(due)]
    assert all(later <= sooner + 1e-9 for sooner, later in pairwise(gaps))


@pytest.mark.parametrize("fields", [{"rate": 40, "ramp": 0.5}, {"connections": 40, "ramp": 0.5}])
def test_several_processes_together_do_what_one_would(fields: dict[str, float]) -> None:
    whole = scenario(duration=1.0, **fields)
    parts = [arrivals(whole, Part(number, 3)).take(100.0) for number in range(3)]

    assert sorted(at for part in parts for at in part) == pytest.approx(arrivals(whole, ALONE).take(100.0))


def test_in_the_closed_model_each_caller_begins_within_the_ramp() -> None:
    found = arrivals(scenario(connections=4, ramp=2.0), ALONE)

    assert found.take(100.0) == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert found.next_at() is None


def test_in_the_closed_model_a_caller_asks_again_when_it_is_free_and_rested() -> None:
    found = arrivals(scenario(connections=1), ALONE)
    found.take(0.0)
    found.freed(3.0, 0.5)

    assert found.take(3.4) == []
    assert found.take(3.6) == [3.5]


def test_in_the_closed_model_nothing_begins_after_the_end() -> None:
    found = arrivals(scenario(connections=1, duration=5.0), ALONE)
    found.take(0.0)
    found.freed(5.1, 0.0)

    assert found.next_at() is None
