"""Sixty words, and how an answer may differ from them."""

from __future__ import annotations

import doctest

import pytest

from cortex_actors.drill import words
from cortex_actors.drill.words import STRANGE_TEXT, TEXT, WORDS, difference, pieces_of


def test_the_examples_of_the_module_are_true() -> None:
    assert doctest.testmod(words).failed == 0


def test_there_are_sixty_words_and_no_two_are_the_same() -> None:
    assert (len(WORDS), len(set(WORDS))) == (60, 60)
    assert (WORDS[0], WORDS[39], WORDS[41], WORDS[-1]) == ("one", "forty", "forty-two", "sixty")


@pytest.mark.parametrize("text", [TEXT, STRANGE_TEXT, " forty-one forty-two", ""])
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (TEXT, ""),
        ("", "is empty"),
        ("one two", "stops after 2 of 60 words"),
        (TEXT + " one", "words twice: one"),
        (TEXT.replace(" two", ""), "words missing: two"),
        (TEXT.replace("one two", "two one"), "has the right words in the wrong order"),
        (TEXT + " more", "has words nobody said"),
    ],
)
def test_a_difference_is_told_in_a_few_words(told: str, expected: str) -> None:
    assert difference(told, TEXT) == expected
