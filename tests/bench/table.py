"""The table: what each target took, the medians of all rounds, beside what this gateway is to reach.

* the goal is reached     ! the floor is missed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.runs import PACED, faults

#: Of one round: target -> run -> its figures; None where a run was left out or could not be made.
Round = Mapping[str, Mapping[str, Any]]

DIRECT, NGINX = "direct", "nginx"

#: What promises are about; the names of other targets are shown without a mark.
OURS = "cortex"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: how its value is found in a round, and what is promised."""

    name: str
    value: Callable[[Round, str], float | None]
    floor: float | None = None
    goal: float | None = None
    more_is_better: bool = False
    digits: int = 1

    def median(self, rounds: Sequence[Round], target: str) -> float | None:
        """Over the rounds that have a value."""
        values = [value for each in rounds if (value := self._of(each, target)) is not None]
        return median(values) if values else None

    def mark(self, value: float | None, target: str) -> str:
        """Whether a promise is kept."""
        if value is None or self.floor is None or self.goal is None or not target.startswith(OURS):
            return ""
        sign = -1 if self.more_is_better else 1
        if sign * value <= sign * self.goal:
            return "*"
        return "" if sign * value <= sign * self.floor else "!"

    def _of(self, found: Round, target: str) -> float | None:
        try:
            return self.value(found, target)
        except KeyError:  # not measured
            return None


def _plain(run: str, *path: str, times: float = 1.0) -> Callable[[Round, str], float | None]:
    def value(found: Round, target: str) -> float | None:
        place: Any = found[target][run]
        for key in path:
            place = place[key]
        return times * float(place)

    return value


def _between(run: str, *path: str) -> Callable[[Round, str], float | None]:
    """Above what it is without anybody in between, in the same round."""
    plain = _plain(run, *path)

    def value(found: Round, target: str) -> float | None:
        mine, theirs = plain(found, target), plain(found, DIRECT)
        return None if target == DIRECT or mine is None or theirs is None else mine - theirs

    return value


def _of_processes(run: str, *path: str, times: float = 1.0) -> Callable[[Round, str], float | None]:
    """What its processes took; there are none where nobody is in between."""
    plain = _plain(run, *path, times=times)
    return lambda found, target: None if target == DIRECT else plain(found, target)


def _share_of_nginx(found: Round, target: str) -> float:
    rates = [float(found[each]["A"]["requests_per_second"]) for each in (target, NGINX)]
    return 100 * rates[0] / rates[1]


def _faults(found: Round, target: str) -> float:
    mine = found[target]
    return sum(
        faults(each) for each in (mine["A"], mine["C"], *(mine["B"][str(callers)] for callers in PACED))
    )


_MB = 1 / 1e6

ROWS: Sequence[Row] = (
    Row("A: requests/s", _plain("A", "requests_per_second"), digits=0),
    Row("A: share of nginx's requests/s, %", _share_of_nginx, 12, 25, more_is_better=True),
    Row("A: CPU per request, µs", _of_processes("A", "cpu_us_per_request"), digits=0),
    Row("B: added first chunk p50, N = 1, ms", _between("B", "1", "first", "p50"), 5, 1.5, digits=2),
    Row("B: added first chunk p50, N = 32, ms", _between("B", "32", "first", "p50"), 10, 3, digits=2),
    Row("B: added first chunk p50, N = 128, ms", _between("B", "128", "first", "p50"), 40, 10, digits=2),
    Row("B: added delta latency p50, N = 128, ms", _between("B", "128", "delta", "p50"), 1, 0.3, digits=2),
    Row("B: added delta latency p99, N = 128, ms", _between("B", "128", "delta", "p99"), 20, 5, digits=2),
    Row("B: streams sustained", _plain("B", "sustained"), 192, 512, more_is_better=True, digits=0),
    Row("C: memory per stream, KB", _of_processes("C", "bytes_per_stream", times=1e-3), 80, 30),
    Row("C: CPU per delta, µs", _of_processes("C", "cpu_us_per_delta"), 250, 120, digits=0),
    Row("D: health p50, ms", _plain("D", "ms", "p50"), 5, 1, digits=2),
    Row("D: health p99, ms", _plain("D", "ms", "p99"), 30, 5, digits=2),
    Row("idle memory, MB", _of_processes("start", "proportional_bytes", times=_MB), 70, 45),
    Row("start to first answer, s", _of_processes("start", "seconds"), 3, 1, digits=2),
    Row("installed, MB", _plain("size", "bytes", times=_MB), 60, 40),
    Row("answers lost or inexact in A, B, C", _faults, 0, 0, digits=0),
)


def markdown(rounds: Sequence[Round], targets: Sequence[str]) -> Iterator[str]:
    """The table as README has it."""
    yield f"| medians of {len(rounds)} | floor | goal | {' | '.join(targets)} |"
    yield "|---|---|---|" + "---|" * len(targets)
    for row in _measured(rounds, targets):
        yield "| " + " | ".join(_cells(row, rounds, targets)) + " |"


def text(rounds: Sequence[Round], targets: Sequence[str]) -> Iterator[str]:
    """The table for a terminal."""
    head = ["", "floor", "goal", *targets]
    table = [head, *(_cells(row, rounds, targets) for row in _measured(rounds, targets))]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for first, *others in table:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  " + "  ".join(cells)
    yield "* goal reached   ! floor missed"


def payload(rounds: Sequence[Round], targets: Sequence[str]) -> dict[str, Any]:
    """The medians, and all that they were made of."""
    medians = {
        row.name: {target: row.median(rounds, target) for target in targets}
        for row in _measured(rounds, targets)
    }
    return {"medians": medians, "rounds": list(rounds)}


def _measured(rounds: Sequence[Round], targets: Sequence[str]) -> list[Row]:
    return [row for row in ROWS if any(row.median(rounds, target) is not None for target in targets)]


def _cells(row: Row, rounds: Sequence[Round], targets: Sequence[str]) -> list[str]:
    promised = ["" if each is None else f"{each:g}" for each in (row.floor, row.goal)]
    values = [(row.median(rounds, target), target) for target in targets]
    measured = [
        "-" if value is None else f"{value:.{row.digits}f}{row.mark(value, target)}"
        for value, target in values
    ]
    return [row.name, *promised, *measured]
