"""The place to resume at: behind the last whole paragraph or sentence of a text, in any script.

    "One. Two. Thr"        -> behind "Two."
    "第一句。第二句。第三"    -> behind "第二句。", which needs no space after it
    "3.14 is"              -> nowhere: the whole text

Pure. Imported by: continuation.
"""

# ruff: noqa: RUF001  (the marks of other scripts are meant)

from __future__ import annotations

import re

#: The last paragraph or sentence is looked for no further back, in characters: what is said again is paid
#: again, and long passages rarely come out the same.
_FURTHEST = 2000

_CLOSING = "[\"'”’»›」』）)\\]】》*_]*"

#: A blank line; marks of scripts that put a space after a sentence; marks of those that need none; and at the
#: very end any mark, except a dot behind a digit, which may go on.
_BOUNDARY = re.compile(
    rf"\n[^\S\n]*\n|[.!?…]+{_CLOSING}(?=\s)|[。！？．｡؟۔।॥։።፧။។༎]+{_CLOSING}|(?:(?<!\d)\.|[!?…])+{_CLOSING}$"
)


def resume_point(text: str) -> int:
    """How many characters of the text to keep; all of it where nothing in it is whole.

    >>> resume_point("One. Two. Thr"), resume_point("第一句。第二"), resume_point("no end")
    (9, 4, 6)
    """
    since = max(0, len(text) - _FURTHEST)
    ends = [match.end() for match in _BOUNDARY.finditer(text, since)]
    kept = len(text[: ends[-1]].rstrip()) if ends else 0
    return kept or len(text)
