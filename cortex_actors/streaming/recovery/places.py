"""The places where a continuation may begin, and how much it must agree with one to be believed.

    where it was asked to     behind what it was shown, or at the last words
    at the beginning          a replay of the whole answer
    at words further back     an overlap, which nobody asked for

Pure. Imported by: seam.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cortex_actors.streaming.recovery.continuation import Continuation, Manner
from cortex_actors.streaming.recovery.evidence import begins_word, goes_round, inside, spaced, weight

#: An overlap begins no further back, in characters.
_WINDOW = 2048


@dataclass(frozen=True, slots=True)
class _Needed:
    """Weights from which an agreement is believed, by how the target was asked."""

    #: With the whole text, from its beginning.
    replay: float
    #: With the end of the text, from some word on.
    overlap: float
    #: With the beginning of the text, which was then left: as the words went on, or as they ended.
    left: float
    left_at_end: float


# By design wary where the target is known to go on by itself, and generous where a chat model was asked to.
_NEEDED: Mapping[Manner, _Needed] = {
    #                         replay  overlap  left      left at its end
    Manner.PREFILL:   _Needed(1,      32,      32,       10),
    Manner.USER_TURN: _Needed(0,      10,      18,       3),
    Manner.SUMMARY:   _Needed(0,      32,      math.inf, math.inf),
    Manner.ANEW:      _Needed(0,      0,       math.inf, math.inf),
}  # fmt: skip

#: Less is needed for an overlap where going on would double a word ("brown" + "brown fox"), more where it
#: begins inside of one.
_DOUBLED = 3
_INSIDE = 8

#: A text left behind says something from here on too, if it was nearly all that had been said.
_LEFT_OF_LITTLE = 8
_NEARLY_ALL = 0.6

#: A repetition behind white space that was never said needs this much.
_BEHIND_BLANK = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text where a continuation may begin, and how many blanks of it come before that."""

    start: int
    blanks: int
    #: The weight from which it is believed.
    needed: float
    #: Whether to leave the text behind it, having agreed for long, is to tell something else.
    telling: bool = False


def places(asked: Continuation, head: str) -> list[Place]:
    """Every place where a continuation with this head may begin, each once."""
    blanks = len(head) - len(head.lstrip())
    found: dict[tuple[int, int], Place] = {}
    for place in (*_expected(asked, blanks), *_beginnings(asked, blanks), *_overlaps(asked, head)):
        found.setdefault((place.start, place.blanks), place)
    return list(found.values())


def believed(place: Place, asked: Continuation, head: str) -> bool:
    """Whether it is no coincidence that a continuation agreed with the text from this place to its end."""
    if not place.needed:
        return True
    said = asked.said.rstrip()
    same = said[place.start :]
    doubled = not place.blanks and begins_word(said, place.start) and _doubles(asked.said, head)
    enough = int(min(place.needed, _DOUBLED) if doubled else place.needed)
    return weight(same, enough) >= enough and not goes_round(same, said)


def tells_otherwise(place: Place, asked: Continuation, until: int, *, at_end: bool) -> bool:
    """Whether a continuation that agreed from this place until there, and no further, is another answer."""
    needed = _NEEDED[asked.manner]
    enough = needed.left_at_end if at_end else needed.left
    if not place.telling or enough == math.inf:
        return False
    counted = weight(asked.said[place.start : until], int(enough))
    if place.start <= asked.given:
        nearly_all = counted >= _NEARLY_ALL * weight(asked.said[place.start :], 2 * int(enough))
        enough = min(enough, _LEFT_OF_LITTLE) if nearly_all else enough
    return counted >= enough


def _expected(asked: Continuation, blanks: int) -> Iterator[Place]:
    said, core = asked.said, len(asked.said.rstrip())
    if asked.shown < core:
        first = len(said) - len(said[asked.shown :].lstrip())
        yield from (Place(start, skip, 0) for start in (asked.shown, first) for skip in (0, blanks))
    elif asked.shown == core < len(said) or not core:
        yield Place(core, 0, 0)
    if asked.echo is not None:
        yield Place(asked.echo, 0, 0, telling=True)
        yield Place(asked.echo, blanks, _BEHIND_BLANK)


def _beginnings(asked: Continuation, blanks: int) -> Iterator[Place]:
    needed = _NEEDED[asked.manner].replay
    for start in (0, asked.given):
        yield Place(start, 0, needed, telling=True)
        yield Place(start, blanks, max(needed, _BEHIND_BLANK))


def _overlaps(asked: Continuation, head: str) -> Iterator[Place]:
    """The words further back that begin as the continuation does."""
    said, core, needed = asked.said, len(asked.said.rstrip()), _NEEDED[asked.manner].overlap
    start = said.find(head[0], max(0, core - _WINDOW), core) if head else -1
    while start >= 0:
        if not inside(said, start):
            yield Place(start, 0, needed if begins_word(said, start) else needed + _INSIDE)
        start = said.find(head[0], start + 1, core)


def _doubles(said: str, head: str) -> bool:
    """Whether going on would make one word of the last one and the first one."""
    last, first = said[-1], head[0]
    return last.isalpha() and first.isalpha() and spaced(last) and spaced(first)
