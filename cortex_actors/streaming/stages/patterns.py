"""Patterns in a text that is still being written: what is in it for certain, and how much of it is safe.

    decided                          |  open: with the next character it may become another match, or none

A literal is recognised by its beginning, and so is a regular expression that begins with plain characters:
`sk-[a-z0-9]{20}` keeps nothing open but what begins like `sk-`. Of any other nobody can say how a match
begins, and the last `hold` characters are open. A match of up to `hold` and one more is found wherever the
text is cut. What is decided is decided as it would be with the whole text at hand.

Imports nothing of the package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: A pattern without any of these means itself.
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")

#: Plain characters, some of them escaped, at the beginning; a boundary before them takes no place.
_OPENING = re.compile(r"(?:\\b)?(?P<plain>(?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])+)")


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a text: a span that matches, or how far the text is safe."""

    hit: tuple[int, int] | None
    safe: int


class Patterns:
    """Several patterns, compiled. Raises ValueError for one that is no expression, or matches nothing.

    >>> patterns = Patterns(["secret", r"\\d{4}"], hold=8)
    >>> patterns.look("a secret!", 0, final=True)
    Look(hit=(2, 8), safe=2)
    >>> Patterns(["secret"]).look("nothing but sec", 0, final=False)
    Look(hit=None, safe=12)
    """

    def __init__(self, patterns: Iterable[str], *, ignore_case: bool = False, hold: int = 64) -> None:
        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        self._ignore_case = ignore_case
        self._compiled = [_compiled(pattern, flags) for pattern in patterns]
        texts = [each.pattern for each in self._compiled]
        literals = [text for text in texts if not _SPECIAL.search(text)]
        openings = [_opening(text) for text in texts if _SPECIAL.search(text)]
        #: Whether one of them may begin with anything.
        self._unknown = "" in openings
        self._openings = [re.compile(re.escape(text), flags) for text in openings if text]
        #: What more must follow, for it to be one of them: all proper beginnings.
        self._beginnings = {
            self._cased(text[:size]) for text in (*literals, *openings) for size in range(1, len(text))
        }
        self._longest = max(map(len, (*literals, *openings)), default=0)
        self._hold = hold
        #: How much of the text before the place where it looks a pattern can ask about.
        self.context = hold

    def look(self, text: str, start: int, *, final: bool) -> Look:
        """Looks at the text from `start` on; `final` says that nothing will follow it."""
        hit = self._first_match(text, start)
        decided = len(text) if final else self._decided(text, start)
        if hit is not None and hit[0] < decided:
            return Look(hit, hit[0])
        return Look(None, max(start, decided))

    def _decided(self, text: str, start: int) -> int:
        """Up to where nothing can change any more."""
        window = len(text) - self._hold
        if self._unknown:
            return window
        begun = [len(text) - self._begun(text, start)]
        found = (each.search(text, max(start, window)) for each in self._openings)
        return min(begun + [match.start() for match in found if match])

    def _first_match(self, text: str, start: int) -> tuple[int, int] | None:
        """Where the earliest match is, and the longest of those that begin there."""
        found = (match.span() for each in self._compiled if (match := each.search(text, start)))
        return min(found, key=lambda span: (span[0], -span[1]), default=None)

    def _begun(self, text: str, start: int) -> int:
        """How many of the last characters may be the beginning of a literal."""
        for size in range(min(self._longest - 1, len(text) - start), 0, -1):
            if self._cased(text[-size:]) in self._beginnings:
                return size
        return 0

    def _cased(self, text: str) -> str:
        return text.casefold() if self._ignore_case else text


def _opening(pattern: str) -> str:
    """The plain characters that every match of a regular expression begins with; "" where that is unknown."""
    found = _OPENING.match(pattern)
    if found is None or "|" in pattern:
        return ""
    opening = re.sub(r"\\(.)", r"\1", found["plain"])
    # What may be repeated or left out is no certain part of it.
    return opening[:-1] if pattern[found.end() : found.end() + 1] in ("*", "?", "{") else opening


def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern, flags)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if compiled.search(""):
        raise ValueError(f"{pattern!r} matches where nothing is")
    return compiled
