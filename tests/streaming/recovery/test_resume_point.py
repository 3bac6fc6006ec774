"""The place to resume at is behind the last whole paragraph or sentence, in every script."""

# ruff: noqa: RUF001  (other scripts are meant)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.recovery import resume_point


@pytest.mark.parametrize(
    ("kept", "rest"),
    [
        ("First paragraph\n\nsecond paragraph", "\n\nthird par"),
        ("First\n \nsecond", "\r\n \nthi"),
        ("One. Two!", " Thr"),
        ("Who? Me?", "\nYes, y"),
        ("Wait…", " What"),
        ('"Never again."', " She l"),
        ("(It was late.)", " They"),
        ("**Bold.**", " pla"),
        ("第一句。第二句！", "第三"),
        ("「はい。」", "と言"),
        ("قال: هل تعرف؟", " نعم أ"),
        ("اردو۔", " دوسرا"),
        ("एक राजा था।", " वह"),
        ("Հայերեն։", " երկ"),
        ("ሰላም።", " ሁለ"),
        ("ကောင်းပါတယ်။", "နောက်"),
        ("See 3.14. Then", ""),
        ("The price is 3.", ""),
        ("All is well.", ""),
        ("全部说完了。", ""),
    ],
)
def test_the_last_whole_sentence_is_kept(kept: str, rest: str) -> None:
    assert (kept + rest)[: resume_point(kept + rest)] == (kept if rest else kept_whole(kept))


def kept_whole(text: str) -> str:
    """What is kept of a text that ends with a sentence, or with a number that may go on."""
    return {"See 3.14. Then": "See 3.14."}.get(text, text)


@pytest.mark.parametrize("text", ["no end in sight", "version 3.14 is", "ภาษาไทยไม่มีจุด", "", "3.", "…?a"])
def test_a_text_without_one_is_kept_whole(text: str) -> None:
    assert resume_point(text) == len(text)


def test_nobody_goes_back_for_pages() -> None:
    text = "One. " + "word " * 1000
    assert resume_point(text) == len(text)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_it_is_a_place_in_the_text_and_behind_something(text: str) -> None:
    place = resume_point(text)
    assert 0 <= place <= len(text)
    assert place > 0 or not text
