"""The seam for any text, any cut and any pieces: replayed, repeated in part or gone on with, it is exact."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.recovery import Seam, State, Strategy, continuation
from cortex_actors.streaming.recovery.evidence import weight
from tests.streaming.recovery.texts import REQUEST, joined

#: Words that nobody would take for one another, in scripts that part them and scripts that do not.
_ALPHABETS = (
    "abcdefghijklmnop",
    "άβγδεζηθικλμ",
    "אבגדהוזחטיכל",
    "अआइकखगघङचछ",
    "가나다라마바사",
    "0123456789",
)
_latin = st.sampled_from(_ALPHABETS).flatmap(lambda letters: st.text(letters, min_size=2, max_size=9))
_marked = st.builds(
    "".join, st.lists(st.sampled_from(["e\u0301", "a\u0308", "o\u0323\u0302", "n"]), min_size=1)
)
_emoji = st.sampled_from(["👩‍🚀", "👨‍👩‍👧", "🏳️‍🌈", "👍🏿", "🇩🇪", "🜁"])
_spaced = st.lists(_latin | _marked | _emoji, min_size=2, max_size=30, unique=True).map(" ".join)
_unspaced = st.permutations("云端的网关把每一个词都送到读者手中它从不说谎也重复夜里下起了雨河水慢").map(
    "".join
)
ordinary_texts = _spaced | _unspaced

any_text = st.text(max_size=200)
fractions = st.lists(st.floats(0, 1), max_size=12)
strategies = st.sampled_from(["exact", "paragraph", "summarize"])


def pieces(text: str, at: list[float]) -> list[str]:
    """The text cut at these fractions of its length."""
    places = sorted({0, len(text), *(int(fraction * len(text)) for fraction in at)})
    return [text[start:end] for start, end in pairwise(places)]


def overlap(said: str, rest: str) -> int:
    """What the longest end of the one weighs that is a beginning of the other."""
    ends = (said[place:] for place in range(len(said)))
    return max((weight(end, 99) for end in ends if rest.startswith(end)), default=0)


@settings(deadline=None)
@given(any_text, st.floats(0, 1), fractions, strategies)
def test_any_text_that_is_replayed_is_there_once(
    text: str, cut: float, at: list[float], strategy: Strategy
) -> None:
    said = text[: int(cut * len(text))]
    assert joined(continuation(REQUEST, said, strategy), pieces(text, at)) == text


@settings(deadline=None)
@given(ordinary_texts, st.floats(0, 1), fractions)
def test_any_text_that_goes_on_behind_the_cut_is_there_once(text: str, cut: float, at: list[float]) -> None:
    place = int(cut * len(text))
    said, rest = text[:place], text[place:]
    assume(overlap(said, rest) < 3)
    assume(not rest.startswith(said) or not said)  # that would be a replay
    for prefill in (False, True):
        asked = continuation(REQUEST, said, prefill=prefill)
        assert joined(asked, pieces(text[asked.shown :], at)) == text


@settings(deadline=None)
@given(ordinary_texts, st.floats(0, 1), st.floats(0, 1), fractions)
def test_any_words_that_are_repeated_before_it_goes_on_are_there_once(
    text: str, cut: float, back: float, at: list[float]
) -> None:
    place = int(cut * len(text))
    start = int(back * place)
    said = text[:place]
    assume(weight(text[start:place], 99) >= 18)
    assume(not text[start:place].startswith(said[: 1 + place - start]) or start == 0)
    assume(not "\u0300" <= text[start] <= "\u036f")
    assume(text[start] not in "\u200d\ufe0f🏿" and text[start - 1 : start] != "\u200d")
    assert joined(continuation(REQUEST, said), pieces(text[start:], at)) == text


@settings(deadline=None)
@given(ordinary_texts, st.floats(0, 1), fractions)
def test_a_paragraph_that_is_said_again_in_other_words_is_never_passed_on(
    text: str, cut: float, at: list[float]
) -> None:
    said = "It begins. " + text[: int(cut * len(text))]
    asked = continuation(REQUEST, said, "paragraph")
    assume(asked.shown < len(said.rstrip()))
    seam = Seam(asked)
    other = "◆" + text
    assert "".join(map(seam.feed, pieces(other, at))) + seam.finish() == ""
    assert seam.state is State.DIVERGED


@settings(deadline=None)
@given(any_text, any_text, fractions, st.booleans())
def test_what_is_new_is_the_end_of_what_was_heard_and_nothing_is_made_up(
    said: str, heard: str, at: list[float], prefill: bool
) -> None:
    seam = Seam(continuation(REQUEST, said, prefill=prefill))
    new = "".join(map(seam.feed, pieces(heard, at))) + seam.finish()
    assert heard.endswith(new)
    assert seam.state in (State.JOINED, State.DIVERGED)


@settings(deadline=None)
@given(any_text, any_text, fractions, strategies)
def test_the_pieces_make_no_difference(said: str, heard: str, at: list[float], strategy: Strategy) -> None:
    asked = continuation(REQUEST, said, strategy)
    assert joined(asked, pieces(heard, at)) == joined(asked, [heard])
