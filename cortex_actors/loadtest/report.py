"""The report: what a load test found, as JSON for programs and as a table for people. Times are milliseconds.

requests        4310 begun, 4310 whole, 0 failed, 0 left       431.0 whole/s
exactness       4310 of 4310 told the truth (every text, word for word)
ms              p50     p90     p99   p99.9     max
first chunk    1.92    2.51    4.80    9.13   11.02
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cortex_actors.loadtest.histogram import Histogram
from cortex_actors.loadtest.judgement import End, Expectation
from cortex_actors.loadtest.scenario import Scenario
from cortex_actors.loadtest.tally import Tally

PERCENTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}

#: A process of callers that is busier than this share of its time may itself be what was slow.
_BUSY = 0.8

_CLOSED = (
    "Closed model: each caller asks again when its answer is over. While answers are slow fewer requests "
    "come, and no percentile tells of those who would have come; --rate counts them."
)
_OPEN = (
    "Open model: requests begin at times of their own, and times count from when a request was to begin, "
    "with any wait for a free caller in them."
)


def payload(scenario: Scenario, expectation: Expectation, tally: Tally) -> dict[str, Any]:
    """All of it."""
    return {
        "target": scenario.target.url,
        "scenario": _scenario(scenario),
        "arrivals": {
            "model": "open" if scenario.is_open else "closed",
            "about": _OPEN if scenario.is_open else _CLOSED,
            "most_waiting": tally.most_waiting,
            "never_begun": tally.never_begun,
        },
        "seconds": round(tally.elapsed, 3),
        "interrupted": bool(tally.interrupted),
        "requests": {
            "begun": tally.begun,
            "whole": tally.whole,
            "failed": tally.failed,
            "left": tally.ends[End.LEFT],
            "failed_share": round(tally.failed_share, 6),
            "whole_per_second": round(per_second(scenario, tally), 2),
            "by_framing": dict(tally.framings),
            "by_manners": dict(tally.manners),
        },
        "errors": dict(tally.errors.most_common()),
        "exactness": {
            "checked": expectation.about,
            "answers": tally.ended,
            "lied": tally.liars,
            "lies": dict(tally.lies.most_common()),
        },
        "pieces": tally.pieces,
        "bytes": tally.received,
        "milliseconds": {name: figures(histogram) for name, histogram in timings(scenario, tally).items()},
        "callers": {"busy": [round(share, 3) for share in busy(tally)], "note": busy_note(tally)},
        "by_second": [
            {
                "second": number,
                "whole": second.whole,
                "failed": second.failed,
                "pieces": second.pieces,
                "first_chunk": figures(second.first_piece),
            }
            for number, second in sorted(tally.seconds.items())
        ],
    }


def lines(scenario: Scenario, expectation: Expectation, tally: Tally) -> Iterator[str]:
    """The table."""
    yield f"{scenario.target.url}, {setup(scenario)}" + (", interrupted" if tally.interrupted else "")
    yield _OPEN if scenario.is_open else _CLOSED
    yield ""
    yield (
        f"requests     {tally.begun} begun, {tally.whole} whole, {tally.failed} failed,"
        f" {tally.ends[End.LEFT]} left; {per_second(scenario, tally):.1f} whole/s, {tally.pieces} chunks"
    )
    told_true = tally.ended - tally.liars
    yield f"exactness    {told_true} of {tally.ended} told the truth ({expectation.about})"
    for kind, number in tally.lies.most_common():
        yield f"  LIE        {number} x {kind}"
    for kind, number in tally.errors.most_common():
        yield f"  error      {number} x {kind}"
    if tally.never_begun:
        yield f"  error      {tally.never_begun} x never begun: every caller was busy to the end"
    yield ""
    yield f"{'ms':<20}" + "".join(f"{name:>10}" for name in PERCENTILES) + f"{'count':>10}"
    for name, histogram in timings(scenario, tally).items():
        found = figures(histogram)
        row = "".join(f"{_number(found[each]):>10}" for each in PERCENTILES)
        yield f"{name.replace('_', ' '):<20}{row}{histogram.count:>10}"
    if note := busy_note(tally):
        yield ""
        yield note


def setup(scenario: Scenario) -> str:
    """How many for how long, and at what rate.

    >>> from cortex_actors.loadtest.target import Target
    >>> setup(Scenario(Target("http://h", "h", "", "127.0.0.1", 80), connections=50, rate=20.0))
    'up to 50 callers for 10 s at 20 requests/s'
    """
    callers = f"{scenario.connections} callers for {scenario.duration:g} s"
    return callers if scenario.rate is None else f"up to {callers} at {scenario.rate:g} requests/s"


def timings(scenario: Scenario, tally: Tally) -> Mapping[str, Histogram]:
    """What is shown in percentiles; only in the open model does a caller wait longer than a gateway takes."""
    told = {"first_chunk": tally.first_piece, "gap": tally.gaps, "whole_answer": tally.total}
    if scenario.is_open:
        told |= {"first_chunk_served": tally.first_piece_served, "whole_answer_served": tally.total_served}
    return told


def figures(histogram: Histogram) -> dict[str, float | None]:
    """The percentiles of a histogram, its mean and its count; milliseconds."""
    found = {name: _milliseconds(histogram.percentile(share)) for name, share in PERCENTILES.items()}
    return {**found, "mean": _milliseconds(histogram.mean), "count": histogram.count}


def per_second(scenario: Scenario, tally: Tally) -> float:
    """Whole answers a second, of those that were over before the last request was begun."""
    span = min(scenario.duration, tally.elapsed)
    return tally.whole_in_time / span if span > 0 else 0.0


def busy(tally: Tally) -> list[float]:
    """The share of its time that each process of callers computed."""
    return [cpu / tally.elapsed for cpu in tally.cpu] if tally.elapsed > 0 else []


def busy_note(tally: Tally) -> str:
    """A warning, where the callers may have been what was slow."""
    most = max(busy(tally), default=0.0)
    if most < _BUSY:
        return ""
    return f"the callers computed {most:.0%} of the time and may be what was slow; --processes adds some"


def failed(tally: Tally, most_errors: float) -> bool:
    """Whether the test was not passed: somebody lied, or more failed than may fail, as a share."""
    return tally.liars > 0 or tally.failed_share > most_errors


def _scenario(scenario: Scenario) -> dict[str, Any]:
    """Headers stay out: there may be a key among them."""
    names = (
        "connections", "rate", "duration", "ramp", "framings", "chunked", "leave", "slow", "slow_rate",
        "timeout", "model", "processes", "seed",
    )  # fmt: skip
    return {name: getattr(scenario, name) for name in names}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
