"""Pieces of generated text: names that do not meet, docstrings that do not break.

Imports:  nothing of the project.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

INDENT = "    "
_WIDTH = 100


class Names:
    """Hands out each name once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """The name, or the name with as many underscores behind it as it needs.

        >>> names = Names(["Any"])
        >>> names.take("Message"), names.take("Any"), names.take("Message")
        ('Message', 'Any_', 'Message_')
        """
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted


def docstring(text: str, depth: int, details: Iterable[str] = ()) -> list[str]:
    """The lines of a docstring; whatever the text holds, it ends where we end it.

    >>> docstring("A user.", 1)
    ['    \"\"\"A user.\"\"\"']
    """
    pad = INDENT * depth
    width = _WIDTH - len(pad)
    body = textwrap.wrap(_harmless(" ".join(text.split())), width) or [""]
    more = [
        line for each in details for line in textwrap.wrap(_harmless(each), width, subsequent_indent=INDENT)
    ]
    if len(body) == 1 and not more:
        return [f'{pad}"""{body[0]}"""']
    lines = [f'{pad}"""{body[0]}', *(f"{pad}{line}" for line in body[1:])]
    if more:
        lines += ["", *(f"{pad}{line}" for line in more)]
    return [*lines, f'{pad}"""']


def comment(text: str, depth: int = 0) -> list[str]:
    """The lines of a comment that documents what follows; none for no text.

    >>> comment("Its name.", 1), comment("")
    (['    #: Its name.'], [])
    """
    pad = INDENT * depth
    return [f"{pad}#: {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH - len(pad))]


def quoted(text: str) -> str:
    """A text as a string of Python, in the quotes that need the fewest escapes.

    >>> print(quoted("a"), quoted('Literal["a"]'))
    "a" 'Literal["a"]'
    """
    return repr(text) if '"' in text or not text.isprintable() or "\\" in text else f'"{text}"'


def _harmless(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', "'")
