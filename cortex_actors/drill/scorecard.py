"""The scorecard: what a drill found, as a table for people or as JSON for programs.

row                    verdict  s      upstream  what
500-once               pass     0.31   2
cut-at-40              safe     0.05   1         one error: truncated_stream (sse, ndjson)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_actors.drill.evidence import Verdict
from cortex_actors.drill.runner import Result


def lines(results: Iterable[Result]) -> Iterator[str]:
    """The table: a line a row, in the order of the rows, and the sum below."""
    rows = list(_by_row(results))
    wide = max((len(name) for name, _ in rows), default=0)
    yield f"{'row':<{wide}}  verdict  {'s':>6}  upstream  what"
    for name, cases in rows:
        worst = max(result.verdict for result in cases)
        slowest = max(result.seconds for result in cases)
        asked = sorted({result.upstream for result in cases})
        upstream = f"{asked[0]}-{asked[-1]}" if len(asked) > 1 else f"{asked[0]}"
        said = "; ".join(_said(cases))
        yield f"{name:<{wide}}  {worst.word:<7}  {slowest:>6.2f}  {upstream:>8}  {said}".rstrip()
    counts = Counter(max(result.verdict for result in cases) for _, cases in rows)
    yield ", ".join(f"{counts[verdict]} {verdict.word}" for verdict in Verdict)


def payload(results: Sequence[Result]) -> dict[str, Any]:
    """All of it, a case an entry."""
    counts = Counter(result.verdict for result in results)
    return {
        "cases": [
            {
                "row": result.case.scenario.name,
                "framing": result.case.framing.name,
                "wanted": result.case.scenario.want,
                "verdict": result.verdict.word,
                "findings": [
                    {"verdict": finding.verdict.word, "text": finding.text} for finding in result.findings
                ],
                "seconds": round(result.seconds, 3),
                "upstream_requests": result.upstream,
            }
            for result in results
        ],
        "verdicts": {verdict.word: counts[verdict] for verdict in Verdict},
    }


def exit_code(results: Iterable[Result]) -> int:
    """1 when the gateway lied anywhere."""
    return 1 if any(result.verdict is Verdict.FAIL for result in results) else 0


def _by_row(results: Iterable[Result]) -> Iterator[tuple[str, list[Result]]]:
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.case.scenario.name, []).append(result)
    yield from rows.items()


def _said(cases: Sequence[Result]) -> Iterator[str]:
    """What was found, each thing once, with the framings it was found in unless those are all."""
    found: dict[str, list[str]] = {}
    for result in cases:
        for finding in result.findings:
            found.setdefault(finding.text, []).append(result.case.framing.name)
    for text, framings in found.items():
        yield text if len(framings) == len(cases) else f"{text} ({', '.join(framings)})"
