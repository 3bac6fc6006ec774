"""The benchmark works: tools build, runs run, the table says what was measured. No figure is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import table
from tests.bench.__main__ import main
from tests.bench.build import build
from tests.bench.runs import faults, run_a, trial
from tests.bench.targets import Target, direct

pytestmark = pytest.mark.needs("gcc")


def test_the_tools_count_every_delta_of_every_answer(tmp_path: Path) -> None:
    bench = trial(build(tmp_path), tmp_path)

    found = run_a(bench, Target("direct", direct))

    assert found["done"] > 0
    assert found["deltas"] == 20 * found["done"]
    assert faults(found) == 0
    assert 0 < found["first"]["p50"] <= found["total"]["max"]


@pytest.mark.parametrize("mode", ["threads", "gevent"])
def test_every_run_can_be_made_with_this_gateway_and_is_in_the_table(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "bench.json", tmp_path / "bench.md"
    targets = f"direct,cortex {mode}"
    written = ["--json", str(files[0]), "--markdown", str(files[1])]

    assert main(["--trial", "--runs", "1", "--targets", targets, "--only", "A,B,C,D,start", *written]) == 0

    ours = json.loads(files[0].read_text())["rounds"][0][f"cortex {mode}"]
    assert set(ours) == {"A", "B", "C", "D", "start"}
    assert ours["A"]["deltas"] == 20 * ours["A"]["done"] > 0
    assert ours["C"]["done"] >= 8
    assert ours["D"]["bad"] == 0
    assert ours["start"]["proportional_bytes"] > 1e6
    printed, markdown = capsys.readouterr().out, files[1].read_text()
    for row in (
        "A: requests/s",
        "B: added first chunk p50, N = 1, ms",
        "C: CPU per delta, µs",
        "D: health p99, ms",
    ):
        assert row in printed
        assert f"| {row} |" in markdown


def test_a_median_is_of_all_rounds_and_what_is_added_is_against_the_same_round() -> None:
    rounds = [_round(direct=d, ours=o) for d, o in ((1.0, 3.0), (10.0, 11.0), (1.0, 2.0))]
    row = _row("B: added first chunk p50, N = 1, ms")

    assert row.median(rounds, "cortex threads") == 1.0
    assert row.median(rounds, "direct") is None
    assert row.median(rounds, "nginx") is None


@pytest.mark.parametrize(
    ("name", "value", "mark"),
    [
        ("B: added first chunk p50, N = 1, ms", 1.5, "*"),
        ("B: added first chunk p50, N = 1, ms", 5.0, ""),
        ("B: added first chunk p50, N = 1, ms", 5.1, "!"),
        ("B: streams sustained", 512, "*"),
        ("B: streams sustained", 192, ""),
        ("B: streams sustained", 128, "!"),
        ("A: requests/s", 1.0, ""),
    ],
)
def test_the_table_marks_goals_that_are_reached_and_floors_that_are_missed(
    name: str, value: float, mark: str
) -> None:
    assert _row(name).mark(value, "cortex gevent") == mark
    assert _row(name).mark(value, "LiteLLM") == ""


def _round(**firsts: float) -> dict[str, dict[str, object]]:
    names = {"direct": "direct", "ours": "cortex threads"}
    return {names[each]: {"B": {"1": {"first": {"p50": value}}}} for each, value in firsts.items()}


def _row(name: str) -> table.Row:
    return next(row for row in table.ROWS if row.name == name)
