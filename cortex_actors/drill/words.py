"""Sixty known words: the answer of every healthy behaviour, so that a word lost, doubled or moved is seen.

one two three ... fifty-nine sixty
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SMALL = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty")

#: What follows each word of the answer that tests characters: two, three and four bytes, and a joined emoji.
_STRANGE = "é漢🜁👩‍🚀"


def _spelled(number: int) -> str:
    if number < 20:
        return _SMALL[number - 1]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones - 1]}" if ones else "")


def pieces_of(text: str) -> tuple[str, ...]:
    """The text word by word, each with the space before it.

    >>> pieces_of("one two")
    ('one', ' two')
    """
    return tuple(re.findall(r"\s*\S+", text))


WORDS: Sequence[str] = tuple(_spelled(number) for number in range(1, 61))
TEXT = " ".join(WORDS)
STRANGE_TEXT = " ".join(word + _STRANGE for word in WORDS)


def difference(told: str, expected: str) -> str:
    """How an answer differs from what was meant, in a few words; nothing where it does not.

    >>> difference("one two", "one two three")
    'stops after 2 of 3 words'
    >>> difference("one two two three", "one two three")
    'words twice: two'
    """
    if told == expected:
        return ""
    said, meant = told.split(), expected.split()
    if not said:
        return "is empty"
    if len(said) < len(meant) and expected.startswith(told):
        return f"stops after {len(said)} of {len(meant)} words"
    if doubled := [word for word in dict.fromkeys(said) if said.count(word) > 1][:3]:
        return f"words twice: {_listed(doubled)}"
    if missing := [word for word in meant if word not in said][:3]:
        return f"words missing: {_listed(missing)}"
    same = sorted(said) == sorted(meant)
    return "has the right words in the wrong order" if same else "has words nobody said"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(word[:20] for word in words)
