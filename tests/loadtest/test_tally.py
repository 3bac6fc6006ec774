"""What is counted, and what is left out of the percentiles."""

from __future__ import annotations

import pytest

from cortex_actors.loadtest.judgement import End
from cortex_actors.loadtest.scenario import Manners
from cortex_actors.loadtest.tally import Outcome, Tally, added_up

STARTED, STOPS = 100.0, 110.0


def outcome(end: End = End.WHOLE, **fields: object) -> Outcome:
    usual = {
        "framing": "sse", "manners": Manners.READ, "end": end, "code": "", "lies": (), "intended": 101.0,
        "began": 101.5, "first": 102.0, "over": 103.0, "pieces": 4, "received": 500,
    }  # fmt: skip
    return Outcome(**{**usual, **fields})  # type: ignore[arg-type]


def counted(*outcomes: Outcome) -> Tally:
    tally = Tally()
    for each in outcomes:
        tally.take(each, STARTED, STOPS)
    return tally


def test_time_counts_from_when_a_request_was_meant_to_begin_and_beside_it_from_when_it_did() -> None:
    tally = counted(outcome())

    assert tally.first_piece.most == pytest.approx(1.0)
    assert tally.first_piece_served.most == pytest.approx(0.5)
    assert tally.total.most == pytest.approx(2.0)
    assert tally.total_served.most == pytest.approx(1.5)


@pytest.mark.parametrize("manners", [Manners.SLOW, Manners.LEAVE])
def test_times_of_callers_that_dawdle_or_leave_are_not_the_gateways(manners: Manners) -> None:
    tally = counted(outcome(manners=manners))

    assert tally.whole == 1
    assert tally.first_piece.count == tally.total.count == 0


@pytest.mark.parametrize("end", [End.ERROR, End.CUT, End.HANG, End.NO_ANSWER, End.NOT_CONNECTED])
def test_every_end_but_a_whole_answer_and_a_caller_that_left_is_a_failure(end: End) -> None:
    tally = counted(outcome(end, code="503 busy"), outcome(End.LEFT), outcome())

    assert tally.failed == 1
    assert tally.errors == {f"{end} 503 busy": 1}
    assert tally.failed_share == pytest.approx(1 / 3)


def test_an_answer_with_several_lies_is_one_liar() -> None:
    tally = counted(outcome(lies=("short", "malformed")), outcome())

    assert tally.liars == 1
    assert tally.lies == {"short": 1, "malformed": 1}


def test_a_request_that_never_began_is_a_failure() -> None:
    tally = Tally(never_begun=3)

    assert tally.failed == 3
    assert tally.failed_share == 1.0


def test_answers_are_counted_in_the_second_they_ended_in_and_only_those_in_time_by_the_rate() -> None:
    tally = counted(outcome(over=103.9), outcome(over=104.1), outcome(over=111.0))

    assert {number: second.whole for number, second in tally.seconds.items()} == {3: 1, 4: 1, 11: 1}
    assert tally.whole_in_time == 2


def test_tallies_of_several_processes_add_up_to_one() -> None:
    one, other = counted(outcome(), outcome(End.CUT)), counted(outcome(first=104.0), outcome(lies=("short",)))
    one.elapsed, other.elapsed, one.cpu, other.cpu, other.interrupted = 9.0, 10.0, [1.0], [2.0], 1

    both = added_up([one, other])

    assert both.ended == 4
    assert both.whole == 3
    assert both.first_piece.count == 4
    assert both.first_piece.most == pytest.approx(3.0)
    assert both.seconds[3].whole == 3
    assert both.liars == 1
    assert (both.elapsed, both.cpu, both.interrupted) == (10.0, [1.0, 2.0], 1)
