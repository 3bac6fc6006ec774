"""What a report says: the model, the figures, the lies; as table, JSON and page."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from cortex_actors.loadtest import report
from cortex_actors.loadtest.judgement import End, Expectation
from cortex_actors.loadtest.page import page
from cortex_actors.loadtest.plots import Scale, Series, line_plot, scale_of
from cortex_actors.loadtest.scenario import Scenario
from cortex_actors.loadtest.tally import Tally
from cortex_actors.loadtest.target import Target
from tests.loadtest.test_tally import counted, outcome

TARGET = Target("http://127.0.0.1:4000/<b>", "127.0.0.1:4000", "", "127.0.0.1", 4000)
CLOSED, OPEN = Scenario(TARGET), Scenario(TARGET, rate=50.0)
EXACT = Expectation("Hola")


def some() -> Tally:
    """Two whole answers, one of them a lie, one failure, one that left."""
    tally = counted(outcome(), outcome(lies=("short",)), outcome(End.ERROR, code="503"), outcome(End.LEFT))
    tally.begun, tally.elapsed, tally.cpu = 4, 10.0, [1.0]
    return tally


def test_the_table_says_which_model_was_used_and_what_that_leaves_out() -> None:
    assert any("Closed model" in line and "--rate" in line for line in report.lines(CLOSED, EXACT, some()))
    assert any("Open model" in line for line in report.lines(OPEN, EXACT, some()))


def test_the_table_names_every_lie_and_every_error_with_its_number() -> None:
    told = "\n".join(report.lines(CLOSED, EXACT, some()))

    assert "3 of 4 told the truth (every text, word for word)" in told
    assert "LIE        1 x short" in told
    assert "error      1 x error 503" in told


def test_the_json_has_all_of_it_and_no_header_of_the_requests() -> None:
    secret = Scenario(TARGET, headers=(("Authorization", "Bearer sk-secret"),))
    told = json.dumps(report.payload(secret, EXACT, some()))
    found = json.loads(told)

    assert "sk-secret" not in told
    assert found["arrivals"]["model"] == "closed"
    assert found["exactness"] == {
        "checked": "every text, word for word", "answers": 4, "lied": 1, "lies": {"short": 1},
    }  # fmt: skip
    assert found["requests"]["failed_share"] == 0.25
    assert found["milliseconds"]["first_chunk"]["max"] == 1000.0
    assert found["milliseconds"]["whole_answer"]["count"] == 2
    assert found["by_second"][0]["whole"] == 2


def test_only_the_open_model_tells_the_two_times_apart() -> None:
    assert "first_chunk_served" not in report.payload(CLOSED, EXACT, some())["milliseconds"]
    assert report.payload(OPEN, EXACT, some())["milliseconds"]["first_chunk_served"]["max"] == 500.0


def test_callers_that_were_busy_themselves_are_told_of() -> None:
    tally = some()
    assert report.busy_note(tally) == ""
    tally.cpu = [1.0, 9.5]
    assert "95%" in report.busy_note(tally)


@pytest.mark.parametrize(
    ("lies", "end", "most", "failed"),
    [
        ((), End.WHOLE, 0.0, False),
        (("short",), End.WHOLE, 1.0, True),
        ((), End.CUT, 1.0, False),
        ((), End.CUT, 0.5, True),
    ],
)
def test_a_test_is_failed_by_any_lie_or_by_more_errors_than_may_be(
    lies: tuple[str, ...], end: End, most: float, failed: bool
) -> None:
    assert report.failed(counted(outcome(end, lies=lies)), most) is failed


def test_a_report_of_nothing_can_be_made() -> None:
    assert list(report.lines(CLOSED, Expectation(), Tally()))
    assert "<html" in page(CLOSED, Expectation(), Tally())


def test_the_page_needs_nothing_from_anywhere_and_knows_light_and_dark() -> None:
    made = page(OPEN, EXACT, some())

    assert not re.search(r"(src|href)=|url\(|@import|<script", made)
    assert "prefers-color-scheme: dark" in made
    assert "<b>" not in made.replace("<b>", "", made.count('"><b>'))  # those of the tiles alone
    assert "&lt;b&gt;" in made


def test_the_page_has_the_figures_and_three_plots_that_are_well_formed() -> None:
    made = page(CLOSED, EXACT, some())

    plots = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    assert len(plots) == 3
    for plot in plots:
        assert ElementTree.fromstring(plot).get("aria-label")
    assert "lie: short" in made
    assert "Closed model" in made


def test_a_line_goes_up_with_its_values_and_stays_inside() -> None:
    series = [Series("a", [(0, 1.0), (1, 10.0), (2, 1000.0)])]
    plot = ElementTree.fromstring(line_plot("t", series, Scale(0, 2), scale_of(series, log=True), "ms"))

    line = plot.find("polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    width, height = map(float, plot.attrib["viewBox"].split()[2:])
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[1] == pytest.approx(
        (heights[1] - heights[2]) / 2, abs=0.2
    )  # a decade, two decades


@pytest.mark.parametrize(("least", "most"), [(0, 0.7), (0, 7), (0, 43), (0, 99_000)])
def test_marks_of_a_scale_are_few_round_and_inside(least: float, most: float) -> None:
    marks = [value for value, _ in Scale(least, most).marks()]

    assert 2 <= len(marks) <= 8
    assert all(least <= value <= most for value in marks)
