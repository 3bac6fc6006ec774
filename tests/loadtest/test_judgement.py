"""What is known of the right answer, and how each end is held to it."""

from __future__ import annotations

import pytest

from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.judgement import End, Expectation, learnt
from cortex_actors.loadtest.scenario import Expect, Scenario
from cortex_actors.loadtest.target import Target

SCENARIO = Scenario(Target("http://h", "h", "", "127.0.0.1", 80))
ECHO = Expectation("You said: \0!")


def lies(text: str, end: End, expectation: Expectation = ECHO) -> list[str]:
    reader = FRAMINGS["text"].reader()
    reader.feed(text.encode())
    return list(expectation.lies_of(reader, end, "mark-7"))


@pytest.mark.parametrize(
    ("text", "end", "lie"),
    [
        ("You said: mark-7!", End.WHOLE, []),
        ("You said: mark", End.WHOLE, ["short"]),
        ("You said: mark-8!", End.WHOLE, ["wrong words"]),
        ("You said: mark-7!!", End.WHOLE, ["wrong words"]),
        ("", End.WHOLE, ["empty"]),
        ("You said: mark", End.CUT, []),
        ("You said: mark", End.ERROR, []),
        ("", End.HANG, []),
        ("You said: nothing", End.CUT, ["wrong words"]),
        ("You said: nothing", End.LEFT, ["wrong words"]),
    ],
)
def test_a_whole_answer_must_be_the_text_and_any_other_its_beginning(
    text: str, end: End, lie: list[str]
) -> None:
    assert lies(text, end) == lie


@pytest.mark.parametrize(
    ("text", "end", "lie"),
    [
        ("one two three", End.WHOLE, []),
        ("one two", End.WHOLE, ["short"]),
        ("one two", End.CUT, []),
        ("one two three four", End.CUT, ["too many words"]),
    ],
)
def test_where_only_the_number_of_words_is_known_it_must_be_right(
    text: str, end: End, lie: list[str]
) -> None:
    assert lies(text, end, Expectation(words=3)) == lie


def test_where_nothing_is_known_an_answer_must_at_least_have_words() -> None:
    assert lies("anything", End.WHOLE, Expectation()) == []
    assert lies("", End.WHOLE, Expectation()) == ["empty"]


def test_two_answers_that_differ_by_their_mark_alone_teach_the_text() -> None:
    found = learnt(SCENARIO, [("m1", "Hola m1"), ("m2", "Hola m2")])

    assert found.template is not None
    assert "word for word" in found.about
    assert lies("Hola mark-7", End.WHOLE, found) == []


def test_two_answers_that_differ_otherwise_teach_nothing() -> None:
    assert learnt(SCENARIO, [("m1", "Hola"), ("m2", "Hallo")]) == Expectation()


def test_what_the_user_says_of_the_answers_stands_above_what_they_teach() -> None:
    same = [("m1", "Hola"), ("m2", "Hola")]
    target = SCENARIO.target

    assert learnt(Scenario(target, words=4), same) == Expectation(words=4)
    assert learnt(Scenario(target, expect=Expect.ENDS), same) == Expectation()
