"""The report as one HTML file that needs nothing else: figures, plots, light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from string import Template

from cortex_actors.loadtest import report
from cortex_actors.loadtest.histogram import Histogram
from cortex_actors.loadtest.judgement import Expectation
from cortex_actors.loadtest.page_style import STYLE
from cortex_actors.loadtest.plots import Scale, Series, line_plot, scale_of
from cortex_actors.loadtest.scenario import Scenario
from cortex_actors.loadtest.tally import Tally

#: The percentiles of the curve, each at the number of nines that it has.
_CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
_NINES = ((0.0, "0 %"), (0.301, "50 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"))

_PAGE = Template("""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Load test of $target</title><style>$style</style></head><body>
<h1>Load test of $target</h1>
<p>$setup</p>
<p>$model</p>
$note
<div class="tiles">$tiles</div>
<h2>Times, in milliseconds</h2>
$times
<h2>Percentiles</h2>
$curve
<h2>Second by second</h2>
$throughput
$latency
<h2>Ends</h2>
$ends
</body></html>
""")


def page(scenario: Scenario, expectation: Expectation, tally: Tally) -> str:
    """The whole file."""
    told = report.payload(scenario, expectation, tally)
    note = "".join(f'<p class="note">{escape(text)}</p>' for text in _notes(tally))
    return _PAGE.substitute(
        style=STYLE,
        target=escape(scenario.target.url),
        setup=escape(_setup(scenario)),
        model=escape(told["arrivals"]["about"]),
        note=note,
        tiles="".join(_tiles(scenario, expectation, tally)),
        times=_times(scenario, tally),
        curve=_curve(scenario, tally),
        throughput=_throughput(tally),
        latency=_latency(tally),
        ends=_ends(tally),
    )


def _setup(scenario: Scenario) -> str:
    shares = [
        f"{share:.0%} {text}"
        for share, text in (
            (scenario.chunked, "send their request in chunks"),
            (scenario.leave, "leave early"),
            (scenario.slow, "read slowly"),
        )
        if share
    ]
    framings = f"framings: {', '.join(scenario.framings)}"
    return "; ".join([report.setup(scenario), framings, *shares]) + "."


def _notes(tally: Tally) -> Iterator[str]:
    if tally.interrupted:
        yield "The test was interrupted."
    if busy := report.busy_note(tally):
        yield busy
    if tally.never_begun:
        yield f"{tally.never_begun} requests were never begun: every caller was busy to the end."


def _tiles(scenario: Scenario, expectation: Expectation, tally: Tally) -> Iterator[str]:
    true = tally.ended - tally.liars
    yield _tile("", f"{report.per_second(scenario, tally):,.1f}", "whole answers a second")
    yield _tile("", f"{tally.whole:,}", "whole answers")
    yield _tile("bad" if tally.failed else "good", f"{tally.failed:,}", f"failed ({tally.failed_share:.2%})")
    yield _tile(
        "bad" if tally.liars else "good",
        f"{true:,} / {tally.ended:,}",
        f"told the truth; checked: {expectation.about}",
    )


def _tile(kind: str, figure: str, text: str) -> str:
    return f'<div class="tile {kind}"><b>{escape(figure)}</b><span>{escape(text)}</span></div>'


def _times(scenario: Scenario, tally: Tally) -> str:
    rows = []
    for name, histogram in report.timings(scenario, tally).items():
        found = report.figures(histogram)
        cells = ["-" if (value := found[each]) is None else f"{value:,.2f}" for each in report.PERCENTILES]
        rows.append([name.replace("_", " "), *cells, f"{histogram.count:,}"])
    return _table(["", *report.PERCENTILES, "count"], rows)


def _ends(tally: Tally) -> str:
    rows = [["whole", f"{tally.whole:,}"], ["left by their caller", f"{tally.ends['left']:,}"]]
    rows += [[kind, f"{number:,}"] for kind, number in tally.errors.most_common()]
    rows += [[f"lie: {kind}", f"{number:,}"] for kind, number in tally.lies.most_common()]
    return _table(["", "answers"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table></div>'


def _curve(scenario: Scenario, tally: Tally) -> str:
    told = report.timings(scenario, tally)
    series = [
        Series(name.replace("_", " "), _nines(told[name])) for name in ("first_chunk", "gap", "whole_answer")
    ]
    x = Scale(0.0, 4.0, named=_NINES)
    plot = line_plot("time by percentile", series, x, scale_of(series, log=True), "ms, by percentile")
    return _figure(series, plot)


def _nines(histogram: Histogram) -> list[tuple[float, float]]:
    """The curve as far as there are values to make it of, over the number of nines of each percentile."""
    points = []
    for share in _CURVE:
        value = histogram.percentile(share)
        if value is not None and (1 - share) * histogram.count >= 1:
            points.append((-math.log10(1 - share), 1000 * value))
    return points


def _throughput(tally: Tally) -> str:
    seconds = sorted(tally.seconds.items())
    series = [
        Series("whole answers a second", [(number, second.whole) for number, second in seconds]),
        Series("failed", [(number, second.failed) for number, second in seconds]),
    ]
    plot = line_plot("answers by second", series, _time_scale(tally), scale_of(series), "second of the test")
    return _figure(series, plot)


def _latency(tally: Tally) -> str:
    series = [
        Series(f"first chunk {name}, ms", _by_second(tally, share))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    y = scale_of(series, log=True)
    return _figure(
        series, line_plot("first chunk by second", series, _time_scale(tally), y, "second of the test")
    )


def _by_second(tally: Tally, share: float) -> list[tuple[float, float]]:
    found = (
        (number, second.first_piece.percentile(share)) for number, second in sorted(tally.seconds.items())
    )
    return [(number, 1000 * value) for number, value in found if value is not None]


def _time_scale(tally: Tally) -> Scale:
    return Scale(0, max(1, max(tally.seconds, default=1)))


def _figure(series: Sequence[Series], plot: str) -> str:
    legend = "".join(
        f'<i style="--line: var(--s{number})">{escape(each.name)}</i>'
        for number, each in enumerate(series, 1)
    )
    return f"<figure><figcaption>{legend}</figcaption>{plot}</figure>"
