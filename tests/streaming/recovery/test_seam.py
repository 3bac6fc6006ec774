"""The seam between what was said and what goes on: every word is there exactly once, or it does not fit."""

# ruff: noqa: RUF001  (other scripts are meant)

from __future__ import annotations

import pytest

from cortex_actors.chat import Message, TextPart
from cortex_actors.streaming.recovery import Manner, Seam, State, Strategy, continuation
from tests.streaming.recovery.texts import REQUEST, TEXTS, cuts, joined, words

every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
every_strategy = pytest.mark.parametrize("strategy", ["exact", "paragraph", "summarize"])


@every_text
@every_strategy
def test_a_replay_is_dropped_up_to_the_cut_wherever_that_is(text: str, strategy: Strategy) -> None:
    for said, _ in cuts(text):
        assert joined(continuation(REQUEST, said, strategy), words(text)) == text


@every_text
def test_a_replay_is_dropped_too_where_the_target_should_have_gone_on(text: str) -> None:
    for said, _ in cuts(text):
        assert joined(continuation(REQUEST, said, prefill=True), words(text)) == text


@every_text
def test_what_goes_on_at_once_is_all_new(text: str) -> None:
    for said, rest in cuts(text):
        assert joined(continuation(REQUEST, said), words(rest)) == text


@every_text
@pytest.mark.parametrize("strategy", ["exact", "paragraph"])
def test_a_target_that_goes_on_behind_what_it_was_shown_says_only_the_rest(
    text: str, strategy: Strategy
) -> None:
    for said, _ in cuts(text):
        for prefill in (False, True):
            asked = continuation(REQUEST, said, strategy, prefill=prefill)
            assert joined(asked, words(text[asked.shown :])) == text


@every_text
def test_the_last_words_that_a_target_was_asked_to_begin_with_are_dropped(text: str) -> None:
    for said, _ in cuts(text):
        asked = continuation(REQUEST, said)
        assert asked.echo is not None
        assert joined(asked, words(text[asked.echo :])) == text


def test_words_that_nobody_asked_to_repeat_are_dropped_too() -> None:
    said = "The quick brown fox jumps over"
    for again in ("brown fox jumps over", " fox jumps over", "quick brown fox jumps over", "over"):
        assert joined(continuation(REQUEST, said), [again, " the lazy dog"]) == f"{said} the lazy dog"


def test_a_word_that_only_begins_like_the_last_one_is_not_dropped() -> None:
    said = "thirty-eight thirty-nine forty"
    assert (
        joined(continuation(REQUEST, said), [" forty", "-one", " forty-two"]) == f"{said} forty-one forty-two"
    )


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("He sang la la la la", " la la la"),
        ("again and again and again", " and again and again"),
        ("| a | b |\n| --- | --- |\n| 0 | 0 |\n| 0 | 0 |\n", "| 0 | 0 |\n| 1 | 1 |\n"),
        ("他笑了：哈哈哈哈", "哈哈哈"),
        ("Hooray for the two of them! 🎉🎉🎉🎉", "🎉🎉"),
        ("The banan", "as are ripe"),
        ("It is had", " had it not"),
    ],
)
def test_a_text_that_repeats_itself_may_go_on_doing_so(said: str, rest: str) -> None:
    assert joined(continuation(REQUEST, said), words(rest)) == said + rest


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("cafe", "\u0301 noir"),  # the cut is before a combining mark
        ("👩", "\u200d🚀 flies"),  # before a joiner
        ("👍", "🏿 good"),  # before a skin tone
        ("🇩", "🇪 flag"),
        ("क", "\u094dष is one"),
    ],
)
def test_a_cut_inside_of_a_character_is_joined_as_it_was(said: str, rest: str) -> None:
    whole = "And so it was: " + said
    for asked in (continuation(REQUEST, whole), continuation(REQUEST, whole, prefill=True)):
        assert joined(asked, list(rest)) == whole + rest
    assert joined(continuation(REQUEST, whole), list(whole + rest)) == whole + rest


def test_an_overlap_never_begins_with_half_a_character() -> None:
    said = "resume\u0301 and cafe\u0301"
    assert joined(continuation(REQUEST, said), ["\u0301", " twice"]) == f"{said}\u0301 twice"


def test_text_comes_through_as_soon_as_it_cannot_be_a_repetition() -> None:
    seam = Seam(continuation(REQUEST, "one two three"))
    assert seam.feed(" fo") == " fo"
    assert seam.state is State.JOINED
    assert seam.feed("ur") == "ur"


def test_what_is_held_back_comes_at_the_end() -> None:
    seam = Seam(continuation(REQUEST, "She said yes to him and no to her, "))
    assert seam.feed("and no") == ""
    assert seam.finish() == "and no"


def test_nothing_more_to_say_is_an_end() -> None:
    seam = Seam(continuation(REQUEST, "That is all."))
    assert seam.finish() == ""
    assert seam.state is State.JOINED


# -- what does not fit


@pytest.mark.parametrize(
    "other",
    [
        "The capital of France is Lyon, I think.",
        "The capital of France",
    ],
)
def test_a_replay_in_other_words_does_not_fit(other: str) -> None:
    seam = Seam(continuation(REQUEST, "The capital of France is Paris. It lies"))
    assert "".join(seam.feed(word) for word in words(other)) + seam.finish() == ""
    assert seam.state is State.DIVERGED
    assert seam.feed("more") == ""


def test_a_short_answer_begun_again_in_other_words_does_not_fit() -> None:
    seam = Seam(continuation(REQUEST, "The answer is 42"))
    assert seam.feed("The answer is forty-two.") == ""
    assert seam.state is State.DIVERGED


def test_a_sentence_that_should_be_said_again_and_comes_in_other_words_does_not_fit() -> None:
    asked = continuation(REQUEST, "It rained. The river ro", "paragraph")
    assert joined(asked, [" The river", " rose."]) == "It rained. The river rose."
    seam = Seam(asked)
    assert seam.feed("Then the river rose.") == ""
    assert seam.state is State.DIVERGED


def test_an_end_before_the_place_of_the_cut_does_not_fit() -> None:
    seam = Seam(continuation(REQUEST, "It rained. The river ro", "paragraph"))
    assert seam.finish() == ""
    assert seam.state is State.DIVERGED


def test_a_summary_may_tell_it_in_other_words_and_stands_apart() -> None:
    asked = continuation(REQUEST, "The capital of France is Par", "summarize")
    assert asked.manner is Manner.SUMMARY
    told = joined(asked, ["The capital of France is", " what this was about. Paris"])
    assert told == f"{asked.said}\n\nThe capital of France is what this was about. Paris"


# -- white space


def test_white_space_at_the_cut_need_not_come_out_the_same() -> None:
    asked = continuation(REQUEST, "First.\n\n", prefill=True)
    assert asked.shown == len("First.")
    assert joined(asked, ["\n", "\n", "Second."]) == "First.\n\nSecond."
    assert joined(asked, [" ", "Second."]) == "First.\n\nSecond."
    assert joined(asked, ["Second."]) == "First.\n\nSecond."


def test_a_replay_behind_a_blank_line_is_one() -> None:
    said = "The quick brown fox"
    assert joined(continuation(REQUEST, said), ["\n\n", f"{said} jumps"]) == f"{said} jumps"


def test_nothing_said_yet_means_that_everything_is_new() -> None:
    assert joined(continuation(REQUEST, ""), ["Hello", " there"]) == "Hello there"
    assert joined(continuation(REQUEST, "\n"), ["\n", "Hello"]) == "\nHello"
    assert joined(continuation(REQUEST, "\n"), ["Hello"]) == "\nHello"


def test_the_beginning_that_the_caller_wrote_himself_may_be_replayed_or_not() -> None:
    begun = (*REQUEST.messages, Message("assistant", (TextPart("Once upon"),)))
    asked = continuation(type(REQUEST)(begun), " a time there")
    assert joined(asked, ["Once upon a time there was"]) == "Once upon a time there was"
    assert joined(asked, [" a time there was"]) == "Once upon a time there was"
    assert joined(asked, [" was"]) == "Once upon a time there was"


def test_a_long_replay_in_small_pieces_is_compared_once() -> None:
    text = " ".join(f"{number} bottles" for number in range(60_000))
    seam = Seam(continuation(REQUEST, text))
    new = "".join(seam.feed(text[place : place + 3]) for place in range(0, len(text), 3))
    assert new == ""
    assert seam.feed(" on the wall") == " on the wall"
