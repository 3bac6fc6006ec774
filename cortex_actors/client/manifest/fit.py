"""Whether a value may stand where a shape says what may stand there.

Imports:  formats and types of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cortex_actors.client.manifest.formats import fits
from cortex_actors.client.manifest.types import NO_BOUNDS, UNSET, Bounds, Shape


def complaint(value: Any, shape: Shape) -> str:
    """What is wrong with a value, or nothing.

    >>> complaint(3, Shape(type="integer", bounds=Bounds(gteq=5))), complaint(7, Shape(type="integer"))
    ('must be at least 5', '')
    """
    return next(_complaints(value, shape), "")


def _complaints(value: Any, shape: Shape) -> Iterator[str]:
    if shape.ref is None and not _IS[shape.type](value):
        yield f"must be {_CALLED[shape.type]}"
    elif shape.value is not UNSET and not _same(value, shape.value):
        yield f"must be {shape.value!r}"
    elif shape.choices and not any(_same(value, choice) for choice in shape.choices):
        yield f"must be one of {', '.join(map(str, shape.choices))}"
    elif shape.bounds is not NO_BOUNDS:
        yield from _out_of_bounds(value, shape.bounds)


def _out_of_bounds(value: Any, bounds: Bounds) -> Iterator[str]:
    if isinstance(value, str):
        yield from _length(len(value), bounds.min_length, bounds.max_length, "characters")
        if bounds.format and not fits(value, bounds.format):
            yield f"must be a {bounds.format}"
    elif isinstance(value, list | tuple):
        yield from _length(len(value), bounds.min_items, bounds.max_items, "items")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _range(value, bounds)


def _length(length: int, least: int | None, most: int | None, unit: str) -> Iterator[str]:
    if least is not None and length < least:
        yield f"must have at least {least} {unit}"
    if most is not None and length > most:
        yield f"must have at most {most} {unit}"


def _range(value: float, bounds: Bounds) -> Iterator[str]:
    if bounds.gt is not None and not value > bounds.gt:
        yield f"must be above {bounds.gt:g}"
    if bounds.gteq is not None and not value >= bounds.gteq:
        yield f"must be at least {bounds.gteq:g}"
    if bounds.lt is not None and not value < bounds.lt:
        yield f"must be below {bounds.lt:g}"
    if bounds.lteq is not None and not value <= bounds.lteq:
        yield f"must be at most {bounds.lteq:g}"


def _same(value: Any, other: Any) -> bool:
    """Equal in JSON, where 1 and true are two things."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_IS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_whole,
    "float": _is_number,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "map": lambda value: isinstance(value, Mapping),
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "null": lambda value: value is None,
    "any": lambda value: True,
}
_CALLED: Mapping[str, str] = {
    "string": "a text",
    "integer": "a whole number",
    "float": "a number",
    "number": "a number",
    "boolean": "true or false",
    "map": "an object",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
