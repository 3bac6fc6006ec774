"""Notes: what was left out, by name and with the reason, and what is left to do.

Imports nothing of the package.
Imported by: every module of this package.

The same thing said of several models is one line. Values of the file are never part of a note: any could be a
key that somebody pasted into the wrong place.
"""

from __future__ import annotations

from cortex_actors.settings import texts
from cortex_actors.settings.mistakes import printable


class Notes:
    """What was noted so far, in the order in which it came up."""

    def __init__(self) -> None:
        self._left_out: dict[tuple[str, str], list[str]] = {}
        self._to_do: list[str] = []

    def left_out(self, what: str, reason: str, model: str = "") -> None:
        """Notes that something was not carried over; `model` says in whose deployment it stood."""
        models = self._left_out.setdefault((what, reason), [])
        if not texts.model_name(model) and not texts.looks_secret(model) and model not in models:
            models.append(model)

    def to_do(self, sentence: str) -> None:
        """Notes what the reader has to do."""
        if sentence not in self._to_do:
            self._to_do.append(sentence)

    @property
    def lines(self) -> tuple[str, ...]:
        """Each note on one line."""
        left_out = [
            f"not carried over: {what}{_of(models)}: {reason}"
            for (what, reason), models in self._left_out.items()
        ]
        return tuple(map(printable, (*left_out, *self._to_do)))


def _of(models: list[str]) -> str:
    return f" of {', '.join(models)}" if models else ""
