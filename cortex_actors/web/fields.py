"""Fields: typed readers of a JSON object that name the field in every complaint.

    fields.number("temperature", least=0, most=2)      0.7, "0.7" -> 0.7;  absent, null -> None
    fields.refuse("role", "must be a string")          InvalidRequest: messages[2].role must be a string.

Numbers may come as strings, since forms and shells send them so; "12abc", NaN, true and [1] are refused
rather than guessed at. null always means "not said".
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from cortex_actors.errors import InvalidRequest

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

#: Objects in one list, where nothing says less: messages, their parts, the calls of tools.
MOST_ENTRIES = 10_000

#: A JSON Schema deeper than this is a mistake or an attack.
_DEEPEST = 64


class Fields:
    """One JSON object of a request, and where in the request it is."""

    __slots__ = ("_title", "_where", "values")

    def __init__(self, values: Mapping[str, Any], where: str = "", title: str | None = None) -> None:
        self.values = values
        self._where = where
        self._title = title

    def path(self, key: str) -> str:
        """The field's full name, such as `messages[2].content`."""
        return f"{self._where}.{key}" if self._where else key

    def refuse(self, key: str, complaint: str) -> InvalidRequest:
        """The error that names a field and what it must be."""
        path = self.path(key)
        return InvalidRequest(f"{path} {complaint}.", field=path, title=self._title)

    def unknown(self, known: Collection[str]) -> tuple[str, ...]:
        """The keys that nobody here knows."""
        return tuple(key for key in self.values if key not in known)

    def text(self, key: str) -> str | None:
        """Any text."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.refuse(key, "must be a string")

    def needed_text(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if value is None:
            raise self.refuse(key, "is missing")
        return value

    def name(self, key: str, longest: int = 256) -> str | None:
        """A name: not empty, of one line."""
        value = self.text(key)
        if value is not None:
            self._check_name(key, value, longest)
        return value

    def needed_name(self, key: str, longest: int = 256) -> str:
        """A name that must be there."""
        value = self.needed_text(key)
        self._check_name(key, value, longest)
        return value

    def word(self, key: str, words: Sequence[str]) -> str:
        """One of these words; it must be there."""
        value = self.values.get(key)
        if isinstance(value, str) and value in words:
            return value
        raise self.refuse(key, f"must be one of {', '.join(words)}")

    def flag(self, key: str) -> bool | None:
        """true or false."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.refuse(key, "must be true or false")

    def number(self, key: str, *, least: float, most: float) -> float | None:
        """A finite number within bounds."""
        value = self._numeric(key, "a number")
        if value is None:
            return None
        self._check_bounds(key, value, least, most)
        return float(value)

    def integer(self, key: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds; 100.0 is one."""
        value = self._numeric(key, "a whole number")
        if value is None:
            return None
        if isinstance(value, float) and not value.is_integer():
            raise self.refuse(key, "must be a whole number")
        self._check_bounds(key, value, least, most)
        return int(value)

    def seconds(self, key: str) -> float | None:
        """A duration above zero, of at most a day."""
        value = self.number(key, least=0, most=86_400)
        if value == 0:
            raise self.refuse(key, "must be above 0")
        return value

    def texts(self, key: str, *, most: int) -> tuple[str, ...]:
        """A text, or a list of a few; none of them empty."""
        value = self.values.get(key)
        if value is None:
            return ()
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
            raise self.refuse(key, "must be a string or a list of strings, none of them empty")
        if len(found) > most:
            raise self.refuse(key, f"may have at most {most} entries")
        return tuple(found)

    def child(self, key: str) -> Fields | None:
        """An object inside this one."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refuse(key, "must be an object")
        return Fields(value, self.path(key), self._title)

    def needed_child(self, key: str) -> Fields:
        """An object that must be there."""
        found = self.child(key)
        if found is None:
            raise self.refuse(key, "is missing")
        return found

    def children(self, key: str, *, most: int = MOST_ENTRIES) -> Iterator[Fields]:
        """The objects of a list, each knowing its index."""
        value = self.values.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.refuse(key, "must be a list")
        if len(value) > most:
            raise self.refuse(key, f"may have at most {most} entries")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise self.refuse(f"{key}[{index}]", "must be an object")
            yield Fields(item, self.path(f"{key}[{index}]"), self._title)

    def schema(self, key: str) -> Mapping[str, Any] | None:
        """A JSON Schema, which is passed on as it is."""
        found = self.child(key)
        if found is None:
            return None
        if _deeper_than(found.values, _DEEPEST):
            raise self.refuse(key, f"must not be nested deeper than {_DEEPEST} levels")
        return found.values

    def _check_name(self, key: str, value: str, longest: int) -> None:
        if not value.strip() or len(value) > longest or _CONTROL.search(value):
            raise self.refuse(key, f"must be one line of 1 to {longest} characters")

    def _numeric(self, key: str, kind: str) -> int | float | None:
        value = self.values.get(key)
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value) if set(".eE") & set(value) else int(value)
        if value is None or type(value) is int or (type(value) is float and math.isfinite(value)):
            return value
        raise self.refuse(key, f"must be {kind}")

    def _check_bounds(self, key: str, value: float, least: float, most: float) -> None:
        if value < least:
            raise self.refuse(key, f"must be at least {least:.15g}")
        if value > most:
            raise self.refuse(key, f"must be at most {most:.15g}")


def _deeper_than(value: object, levels: int) -> bool:
    """Whether containers are nested deeper than this; level by level, so that no input makes it recurse."""
    layer = [value]
    for _ in range(levels):
        layer = [item for outer in layer for item in _inside(outer)]
        if not layer:
            return False
    return True


def _inside(value: object) -> Collection[object]:
    """The containers directly inside a container."""
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in found if isinstance(item, dict | list)]
