"""Evidence: how much a run of text says, so that a coincidence is told from a repetition.

Two texts that agree on "the" or on a dash agree on nothing; on a few words, or on four ideographs, they agree
for a reason. Weight is counted in letters of a script that writes its words apart; a character of a script
that does not says about as much as three of them. Marks, joiners, spaces and punctuation say nothing.

Pure. Imported by: seam, resume_point, continuation.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

#: Ranges of scripts without spaces between words, or with a syllable a character: first, last, weight.
_DENSE = (
    (0x0E00, 0x0FFF, 3),  # Thai, Lao, Tibetan
    (0x1000, 0x109F, 3),  # Myanmar
    (0x1780, 0x17FF, 3),  # Khmer
    (0x2E80, 0xA4CF, 3),  # CJK, kana, bopomofo, Yi
    (0xAC00, 0xD7AF, 2),  # Hangul, which has spaces between words
    (0xF900, 0xFAFF, 3),
    (0x20000, 0x3FFFF, 3),
)
_FIRSTS = tuple(first for first, _, _ in _DENSE)

_JOINER = "\u200d"
_LOW_SURROGATES = ("\udc00", "\udfff")

#: The text of a repetition is searched for its period up to this length, in characters.
_LONGEST_PERIOD = 4096


def weight(text: str, enough: int) -> int:
    """How much a text says, counted no further than `enough`.

    >>> weight("forty-one", 99), weight("四十一", 99), weight(" -- ", 99)
    (8, 9, 0)
    """
    counted = 0
    for character in text:
        if counted >= enough:
            break
        counted += _weight(character)
    return counted


def spaced(character: str) -> bool:
    """Whether this is a letter or digit of a script that writes its words apart."""
    return character.isalnum() and _dense(character) == 0


def inside(text: str, place: int) -> bool:
    """Whether a place is inside of what a reader sees as one character: before a mark, around a joiner."""
    if not 0 < place < len(text):
        return False
    character = text[place]
    return (
        character == _JOINER
        or text[place - 1] == _JOINER
        or unicodedata.category(character).startswith("M")
        or 0x1F3FB <= ord(character) <= 0x1F3FF  # skin tones
        or _LOW_SURROGATES[0] <= character <= _LOW_SURROGATES[1]
    )


def begins_word(text: str, place: int) -> bool:
    """Whether a word, or a character of a script that does not part them, may begin here."""
    if place <= 0:
        return True
    return not inside(text, place) and not (spaced(text[place - 1]) and spaced(text[place]))


def goes_round(text: str, said: str) -> bool:
    """Whether `said` ends with this text, or what it is made of, twice: then once more may be meant.

    >>> goes_round(" la la", "la la la"), goes_round("the fox", "and the fox")
    (True, False)
    """
    if len(text) > _LONGEST_PERIOD:
        return False
    period = (text + text).find(text, 1)
    return said.endswith(text[:period] * 2)


def _weight(character: str) -> int:
    if character.isalnum():
        return _dense(character) or 1
    return 2 if unicodedata.category(character) == "So" else 0


def _dense(character: str) -> int:
    """The weight of a character in a script of these; 0 in every other."""
    code = ord(character)
    row = bisect_right(_FIRSTS, code) - 1
    return _DENSE[row][2] if row >= 0 and code <= _DENSE[row][1] else 0
