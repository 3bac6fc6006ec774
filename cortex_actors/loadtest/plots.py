"""Plots as inline SVG: lines over a linear or a logarithmic scale. Colours are the page's, by class.

line_plot("first chunk by second", [Series("p50", points)], x=Scale(0, 10), y=Scale(0.1, 100, log=True))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 28, 12, 34

#: About so many marks on a linear scale.
_MARKS = 6


@dataclass(frozen=True, slots=True)
class Series:
    """One line."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where, and which values are marked."""

    least: float
    most: float
    log: bool = False
    #: Marks with their text, where the values themselves would say nothing.
    named: Sequence[tuple[float, str]] = ()

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to 1; what is outside stands at the edge."""
        least, most, value = (self._flat(each) for each in (self.least, self.most, value))
        return min(1.0, max(0.0, (value - least) / (most - least))) if most > least else 0.0

    def marks(self) -> Sequence[tuple[float, str]]:
        """Values that are marked, each with its text."""
        if self.named:
            return self.named
        found = _decades(self.least, self.most) if self.log else _steps(self.least, self.most)
        return [(value, f"{value:g}") for value in found]

    def _flat(self, value: float) -> float:
        return math.log10(max(value, self.least)) if self.log else value


def scale_of(series: Sequence[Series], *, log: bool = False) -> Scale:
    """The y scale that holds all of these: from 0, or in whole decades."""
    values = [y for each in series for _, y in each.points if y > 0]
    if not values:
        return Scale(0.1, 1.0, log)
    if log:
        return Scale(
            10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))), True
        )
    return Scale(0.0, max(values) * 1.05)


def line_plot(title: str, series: Sequence[Series], x: Scale, y: Scale, unit: str) -> str:
    """One plot; the title is for those who cannot see it."""
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        *(_y_mark(y, value, text) for value, text in y.marks()),
        *(_x_mark(x, value, text) for value, text in x.marks()),
        f'<text class="unit" x="{_LEFT}" y="{_HEIGHT - 4}">{escape(unit)}</text>',
        *(_line(number, each, x, y) for number, each in enumerate(series, 1)),
        "</svg>",
    ]
    return "\n".join(parts)


def _line(number: int, series: Series, x: Scale, y: Scale) -> str:
    at = [(_across(x, a), _up(y, b)) for a, b in series.points]
    if len(at) == 1:
        return f'<circle class="s{number}" cx="{at[0][0]:.1f}" cy="{at[0][1]:.1f}" r="3"/>'
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
    return f'<polyline class="s{number}" points="{points}"><title>{escape(series.name)}</title></polyline>'


def _y_mark(scale: Scale, value: float, text: str) -> str:
    at = _up(scale, value)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="mark" x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    )


def _x_mark(scale: Scale, value: float, text: str) -> str:
    at, low = _across(scale, value), _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{low}" y2="{low + 5}"/>'
        f'<text class="mark" x="{at:.1f}" y="{low + 18}" text-anchor="middle">{escape(text)}</text>'
    )


def _across(scale: Scale, value: float) -> float:
    return _LEFT + scale.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _up(scale: Scale, value: float) -> float:
    return _HEIGHT - _BOTTOM - scale.place(value) * (_HEIGHT - _TOP - _BOTTOM)


def _decades(least: float, most: float) -> list[float]:
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [float(10**power) for power in range(first, last + 1)]


def _steps(least: float, most: float) -> list[float]:
    """Round values, a step of 1, 2 or 5 times a power of ten apart."""
    rough = (most - least) / _MARKS or 1.0
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * number for number in range(math.ceil(least / step), math.floor(most / step) + 1)]
