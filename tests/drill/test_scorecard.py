"""The table, the JSON and the exit code."""

from __future__ import annotations

import json

from cortex_actors.drill import scorecard
from cortex_actors.drill.evidence import Finding, Verdict
from cortex_actors.drill.reading import SSE, TEXT, Framing
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.runner import Case, Result

PASS, PARTIAL, SAFE, FAIL = Verdict


def result(
    row: str, framing: Framing, *findings: tuple[Verdict, str], seconds: float = 0.5, upstream: int = 1
) -> Result:
    scenario = next(each for each in ROWS if each.name == row)
    found = tuple(Finding(verdict, text) for verdict, text in findings)
    worst = max((finding.verdict for finding in found), default=PASS)
    return Result(Case(scenario, framing), worst, found, seconds, upstream)


RESULTS = [
    result("steady", SSE),
    result("500-once", SSE, (PARTIAL, "took 4.0 s"), seconds=4.0, upstream=2),
    result("500-once", TEXT, upstream=3),
    result("cut-at-40", SSE, (SAFE, "one error: truncated_stream")),
    result("cut-at-40", TEXT, (SAFE, "cut short, and seen to be")),
]
_FAILED = result("no-done", SSE, (SAFE, "one error: x"), (FAIL, "no end after 20 s"))


def test_a_row_has_one_line_with_its_worst_verdict_its_longest_time_and_what_was_found() -> None:
    lines = list(scorecard.lines(RESULTS))

    assert [line.split() for line in lines[:4]] == [
        ["row", "verdict", "s", "upstream", "what"],
        ["steady", "pass", "0.50", "1"],
        ["500-once", "partial", "4.00", "2-3", "took", "4.0", "s", "(sse)"],
        lines[3].split(),
    ]
    assert lines[3].endswith("one error: truncated_stream (sse); cut short, and seen to be (text)")
    assert lines[4] == "1 pass, 1 partial, 1 safe, 0 fail"


def test_json_has_every_case_with_its_findings() -> None:
    told = json.loads(json.dumps(scorecard.payload([*RESULTS, _FAILED])))

    assert told["verdicts"] == {"pass": 2, "partial": 1, "safe": 2, "fail": 1}
    assert told["cases"][1] == {
        "row": "500-once",
        "framing": "sse",
        "wanted": "the whole answer, after one retry",
        "verdict": "partial",
        "findings": [{"verdict": "partial", "text": "took 4.0 s"}],
        "seconds": 4.0,
        "upstream_requests": 2,
    }


def test_only_a_lie_makes_the_exit_code_one() -> None:
    assert scorecard.exit_code(RESULTS) == 0
    assert scorecard.exit_code([*RESULTS, _FAILED]) == 1


def test_no_results_are_no_failure() -> None:
    assert list(scorecard.lines([]))[-1] == "0 pass, 0 partial, 0 safe, 0 fail"
    assert scorecard.exit_code([]) == 0
