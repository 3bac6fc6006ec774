"""The keys of one table of the file, taken one by one; what nobody has taken is noted in the end.

Imports:  notes.
Imported by: deployments, places, request_defaults, sections, litellm.

A value `os.environ/NAME` is what NAME says in the environment of this run; a key of a provider is never read
this way, but kept as the name it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cortex_actors.migration.notes import Notes

REFERENCE = "os.environ/"
NO_COUNTERPART = "there is no such thing here"


class Fields:
    """One table: `label` is how notes call it, `model` whose it is."""

    def __init__(
        self, content: object, label: str, notes: Notes, environ: Mapping[str, str], model: str = ""
    ) -> None:
        self._label = label
        self._notes = notes
        self._environ = environ
        self._model = model
        self._left: dict[str, Any] = {}
        if isinstance(content, Mapping):
            # What is empty in YAML is as good as absent.
            self._left = {str(key): value for key, value in content.items() if value is not None}
        elif content is not None:
            notes.left_out(label, "it is not a table", model)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def raw(self, name: str) -> Any:
        """The value as it stands there; None where there is none."""
        return self._left.pop(name, None)

    def value(self, name: str) -> Any:
        """The value, with a reference to the environment resolved."""
        value = self.raw(name)
        if not (isinstance(value, str) and value.startswith(REFERENCE)):
            return value
        variable = value.removeprefix(REFERENCE)
        if not self._environ.get(variable):
            self.refuse(name, f"{variable}, which it refers to, is not set; set it and run this again")
        return self._environ.get(variable) or None

    def text(self, name: str) -> str:
        """A text, without blanks around it; empty where there is none."""
        value = self.value(name)
        if value is None or isinstance(value, str):
            return (value or "").strip()
        self.refuse(name, "it is not a text")
        return ""

    def number(self, name: str, *, least: float = 0.0, most: float = math.inf) -> float | None:
        """A number in this range, also where it is written as a text."""
        value = self.value(name)
        try:
            number = None if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is not None and least <= number <= most:
            return number
        if value is not None:
            self.refuse(name, f"it is not a number from {least:g} to {most:g}")
        return None

    def whole(self, name: str, *, least: int = 0, most: int) -> int | None:
        """A whole number in this range."""
        number = self.number(name, least=least, most=most)
        if number is not None and number != int(number):
            self.refuse(name, "it is not a whole number")
            return None
        return None if number is None else int(number)

    def seconds(self, name: str, most: float) -> float | None:
        """A duration above zero."""
        return self.number(name, least=0.001, most=most)

    def table(self, name: str) -> dict[str, Any]:
        """A table; empty where there is none."""
        value = self.raw(name)
        if value is None or isinstance(value, Mapping):
            return {str(key): item for key, item in (value or {}).items()}
        self.refuse(name, "it is not a table")
        return {}

    def entries(self, name: str) -> list[Any]:
        """A list; empty where there is none."""
        value = self.raw(name)
        if value is None or isinstance(value, list):
            return list(value or [])
        self.refuse(name, "it is not a list")
        return []

    def names(self) -> tuple[str, ...]:
        """The keys that nobody has taken yet."""
        return tuple(self._left)

    def refuse(self, name: str, reason: str) -> None:
        """Notes that a key was not carried over."""
        self._notes.left_out(f"{self._label}.{name}", reason, self._model)

    def refuse_rest(self, reasons: Mapping[str, str], otherwise: str = NO_COUNTERPART) -> None:
        """Notes every key that nobody has taken."""
        for name in self.names():
            self._left.pop(name)
            self.refuse(name, reasons.get(name, otherwise))
