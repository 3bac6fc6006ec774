"""What is wrong with a configuration: collected while it is read, reported all at once.

Imports:  errors.
Imported by: every module of this package that reads something a person wrote.

A message names the place and the key, never the value of anything that could be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from cortex_actors.errors import SettingsError


class Mistakes:
    """The mistakes found so far, in the order they were found."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, where: str, what: str) -> None:
        """Notes one mistake; `where` is a line of the file or a name of the environment."""
        self._lines.append(printable(f"{where}: {what}"))

    def raise_if_any(self) -> None:
        """Ends the reading with one SettingsError when anything was wrong."""
        if self._lines:
            raise SettingsError(tuple(self._lines))


def printable(text: str) -> str:
    """The text on one line, with every character that could steer a terminal spelled out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or nothing when none is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
