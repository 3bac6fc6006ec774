"""What is wrong with a manifest: each mistake with the JSON pointer of its place, all of them at once.

Imports:  nothing of the project.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where (RFC 6901; the whole document is "").

    >>> print(Mistake("/endpoints/0/path", "must begin with '/'"))
    /endpoints/0/path: must begin with '/'
    """

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '(document)'}: {self.message}"


class ManifestError(ValueError):
    """When a manifest cannot be used; carries every mistake."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Report:
    """The mistakes found so far."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def add(self, pointer: str, message: str) -> None:
        """Notes one; a place whose part is wrong may be told twice, the same thing only once."""
        mistake = Mistake(printable(pointer), printable(message))
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)

    def raise_if_any(self) -> None:
        """Ends the reading when anything was wrong."""
        if self.mistakes:
            raise ManifestError(self.mistakes)


def step(pointer: str, key: str | int) -> str:
    """The pointer one level down.

    >>> step("/types", "a/b~c")
    '/types/a~1b~0c'
    """
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or nothing.

    >>> nearest("timout", ["timeout", "retry"])
    "; did you mean 'timeout'?"
    """
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def printable(text: str) -> str:
    """The text on one line, with every character that could steer a terminal spelled out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
