"""One object of a manifest, read field by field; in the end, what nobody asked for is refused by name.

A field that does not fit is a mistake and reads as its default, so that reading goes on to the next mistake.

Imports:  mistakes of this package.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cortex_actors.client.manifest.mistakes import Report, nearest, step


class Section:
    """An object, its place, and which of its fields were read."""

    def __init__(self, values: Mapping[str, Any], pointer: str, report: Report) -> None:
        self.values = values
        self.pointer = pointer
        self.report = report
        self._read: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether a field is there; null counts as absent."""
        return self.values.get(key) is not None

    def wrong(self, key: str, message: str) -> None:
        """Notes a mistake at a field."""
        self.report.add(step(self.pointer, key), message)

    def anything(self, key: str) -> Any:
        """A field as it is, or None."""
        self._read.add(key)
        return self.values.get(key)

    def text(self, key: str) -> str | None:
        """A text that is not empty."""
        value = self.anything(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self.wrong(key, "must be a text")
        return None

    def flag(self, key: str, default: bool | None = False) -> bool | None:
        """true or false."""
        value = self.anything(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "must be true or false")
        return default

    def number(self, key: str, *, least: float | None = None, above: float | None = None) -> float | None:
        """A finite number."""
        value = self.anything(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            self.wrong(key, "must be a number")
        elif least is not None and value < least:
            self.wrong(key, f"must be at least {least:g}")
        elif above is not None and value <= above:
            self.wrong(key, f"must be above {above:g}")
        else:
            return value
        return None

    def whole(self, key: str, *, least: int) -> int | None:
        """A whole number."""
        value = self.number(key, least=least)
        if value is None or isinstance(value, int):
            return value
        self.wrong(key, "must be a whole number")
        return None

    def word(self, key: str, words: Collection[str]) -> str | None:
        """One of these words."""
        value = self.anything(key)
        if value is None or (isinstance(value, str) and value in words):
            return value
        near = nearest(value, words) if isinstance(value, str) else ""
        self.wrong(key, f"must be one of {', '.join(words)}{near}")
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts."""
        value = self.anything(key)
        if value is None:
            return None
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self.wrong(key, "must be a list of texts")
        return None

    def scalars(self, key: str) -> dict[str, str | int | float | bool]:
        """An object of plain values: headers, query parameters."""
        table = self.table(key)
        found: dict[str, str | int | float | bool] = {}
        for name, value in table.values.items() if table else ():
            if isinstance(value, str | int | float | bool):
                found[name] = value
            elif table:
                table.wrong(name, "must be a text, a number, true or false")
        return found

    def table(self, key: str) -> Section | None:
        """An object inside this one."""
        value = self.anything(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Section(value, step(self.pointer, key), self.report)
        self.wrong(key, "must be an object")
        return None

    def tables(self, key: str) -> Iterator[tuple[str, Section]]:
        """The objects of an object, each under its name."""
        table = self.table(key)
        for name, value in table.values.items() if table else ():
            if isinstance(value, dict) and table:
                yield name, Section(value, step(table.pointer, name), self.report)
            elif table:
                table.wrong(name, "must be an object")

    def rows(self, key: str) -> Iterator[Section]:
        """The objects of a list."""
        value = self.anything(key)
        if value is not None and not isinstance(value, list):
            self.wrong(key, f"{key} must be a list")
            return
        for index, row in enumerate(value or ()):
            pointer = step(step(self.pointer, key), index)
            if isinstance(row, dict):
                yield Section(row, pointer, self.report)
            else:
                self.report.add(pointer, "must be an object")

    def refuse(self, *keys: str, because: str) -> None:
        """Refuses fields that would be understood, were they allowed here."""
        for key in keys:
            if key in self.values:
                self._read.add(key)
                self.wrong(key, because)

    def finish(self) -> None:
        """Refuses what nobody read."""
        for key in self.values:
            if key not in self._read:
                self.wrong(key, f"is not a field here{nearest(key, self._read)}")


def _is_finite(value: float) -> bool:
    """Whether it is a number that a float can hold; JSON has longer ones."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
