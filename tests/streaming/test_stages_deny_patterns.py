"""Denied patterns: found wherever the provider cuts them, with as little held back as can be."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.chat import Chunk, Finish, FinishReason, ThoughtSeal, ToolCallDelta, Usage
from cortex_actors.errors import ContentRejected, StageFailed
from cortex_actors.streaming.pipeline import Batch
from cortex_actors.streaming.stages import deny_patterns, transform
from cortex_actors.streaming.stages.deny_patterns import MOST_HOLD
from tests.streaming.stages_at_work import Bench, events, text_of, texts

STOP = Finish(FinishReason.STOP)


def _said(*pieces: str, **options: Any) -> str:
    return text_of(Bench([deny_patterns(**options)]).through([*map(texts, pieces), (STOP,)]))


# -- found


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_word_is_found_wherever_it_is_cut(cut: int) -> None:
    word = "secret"
    pieces = ("a ", word[:cut], word[cut:], " word")
    assert _said(*pieces, patterns=["secret"], policy="replace", replacement="***") == "a *** word"
    assert _said(*pieces, patterns=["secret"], policy="drop") == "a  word"


def test_it_is_found_one_character_at_a_time() -> None:
    said = "my key is sk-12345678 as you know"
    assert _said(*said, patterns=[r"sk-\d{8}"], policy="replace", replacement="[key]") == (
        "my key is [key] as you know"
    )


def test_to_stop_delivers_what_came_before_and_nothing_of_the_match() -> None:
    bench = Bench([deny_patterns(patterns=["secret"], name="no-secrets")])
    came, error = bench.broken([texts("the sec", "ret", " is out")])
    assert text_of(came) == "the "
    assert isinstance(error, ContentRejected)


def test_the_error_names_the_stage_and_not_what_was_said() -> None:
    with pytest.raises(ContentRejected) as raised:
        _said("a secret", patterns=["secret"], name="no-secrets")
    assert raised.value.stage == "no-secrets"
    assert "secret " not in raised.value.details


def test_several_matches_are_counted_each() -> None:
    bench = Bench([deny_patterns(patterns=["a", "b"], policy="drop", name="letters")])
    assert text_of(bench.through([texts("xaxb", "ax")])) == "xxx"
    assert bench.passage.rejections == {"letters": 3}


def test_upper_and_lower_case_may_be_one() -> None:
    assert _said("SEC", "ret", "!", patterns=["secret"], ignore_case=True, policy="drop") == "!"
    assert _said("SEC", "ret", "!", patterns=["secret"], policy="drop") == "SECret!"


def test_a_replacement_is_not_looked_at_again() -> None:
    assert _said("aXb", patterns=["X"], policy="replace", replacement="XX") == "aXXb"


def test_what_stands_before_and_behind_counts() -> None:
    options: dict[str, Any] = {"patterns": [r"\bass\b"], "policy": "replace", "replacement": "***"}
    assert _said("cl", "ass", "ic ", "ass", " as", "s", **options) == "classic *** ***"


def test_a_pattern_that_matches_at_the_very_end_is_found_there() -> None:
    assert _said("it is 123", "4", patterns=[r"\d{4}"], policy="replace", replacement="#") == "it is #"


def test_the_longest_of_what_begins_at_one_place_is_taken() -> None:
    assert _said("xy", "z!", patterns=[r"x\w", r"x\w\w"], policy="replace", replacement="#") == "#!"


TEXTS = st.text(alphabet="ab1 ", max_size=40)
#: Each kind of beginning: plain all through, plain at first, a boundary, a class, a group.
PATTERNS = st.lists(
    st.sampled_from(
        ["ab", "b1b", r"a+\d", "b1[ab]{2}", r"\bb\b", r"\bab1*", "1?ab", "[ab]{3}", "1", "(?<=a)b", "a|b1"]
    ),
    min_size=1,
    max_size=3,
)


@given(TEXTS, st.lists(st.integers(0, 40), max_size=12), PATTERNS)
def test_where_it_is_cut_makes_no_difference(text: str, cuts: list[int], patterns: list[str]) -> None:
    places = sorted({0, *cuts, len(text)})
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    options: dict[str, Any] = {"patterns": patterns, "policy": "replace", "replacement": "#"}
    assert _said(*pieces, **options) == _whole(text, patterns)


def _whole(text: str, patterns: list[str]) -> str:
    """The text with the first match, and of those the longest, replaced, and so on from behind it."""
    start = 0
    while True:
        found = [match.span() for each in patterns if (match := re.compile(each).search(text, start))]
        if not found:
            return text
        begin, end = min(found, key=lambda span: (span[0], -span[1]))
        text = text[:begin] + "#" + text[end:]
        start = begin + 1


def test_what_is_left_around_a_dropped_match_makes_no_other_match() -> None:
    assert _said("a seX", "cret", "!", patterns=["X", "secret"], policy="drop") == "a !"


# -- held back


def test_a_text_that_cannot_be_a_word_is_not_held_back() -> None:
    bench = Bench([deny_patterns(patterns=["secret", "hidden"])])
    batches = [texts("Hello "), texts("there, "), texts("hi")]
    out = list(bench.pipeline.run(iter(batches)))
    assert [text_of([batch]) for batch in out] == ["Hello ", "there, ", "", "hi"]


def test_of_an_expression_a_bounded_number_of_characters_is_held_back() -> None:
    bench = Bench([deny_patterns(patterns=[r"\d+-\d+"], hold=8)])
    out = list(bench.pipeline.run(iter([texts("x") for _ in range(100)])))
    assert [text_of([batch]) for batch in out] == [*[""] * 8, *["x"] * 92, "x" * 8]


@pytest.mark.parametrize(
    ("pattern", "held"),
    [
        ("sk-[a-z]{20}", "sk-ab"),
        (r"\bkey: \w+", "key: "),
        (r"\$\d+", "$"),
        ("ab*c", "a"),
        ("sk-[a-z]{20}", "s"),
    ],
)
def test_of_an_expression_that_begins_with_plain_characters_only_what_begins_so_is_held_back(
    pattern: str, held: str
) -> None:
    bench = Bench([deny_patterns(patterns=[pattern])])
    out = list(bench.pipeline.run(iter([texts("nothing of the sort, "), texts("but " + held)])))
    assert [text_of([batch]) for batch in out] == ["nothing of the sort, ", "but ", held]


@pytest.mark.parametrize("pattern", ["[a-z]+k", "x?sk", "x*sk", "x{2}sk", "(s)k", "sk|x", r"\wk", "(?i:s)k"])
def test_what_may_begin_with_anything_is_held_back(pattern: str) -> None:
    bench = Bench([deny_patterns(patterns=[pattern], hold=8)])
    first, *_ = bench.pipeline.run(iter([texts("123456789012")]))
    assert text_of([first]) == "1234"


def test_a_match_without_end_is_decided_all_the_same() -> None:
    bench = Bench([deny_patterns(patterns=["a+"], policy="replace", replacement="#", hold=8)])
    out = list(bench.pipeline.run(iter([texts("a" * 100), *[texts("a") for _ in range(100)]])))
    assert set(text_of(out)) == {"#"}
    assert text_of(out[:1]) == "#"


def test_what_is_held_back_goes_out_before_another_stages_error() -> None:
    def fragile(chunk: Chunk) -> Chunk:
        if chunk.text == "!":
            raise ValueError
        return chunk

    stages = [deny_patterns(patterns=["secret", r"\d{4}"]), transform(fragile)]
    came, error = Bench(stages).broken([texts("a sec", "!")])
    assert (text_of(came), type(error)) == ("a sec", StageFailed)


def test_the_first_error_is_told_though_what_is_held_back_may_not_go_out() -> None:
    def fragile(chunk: Chunk) -> Chunk:
        if chunk.text == "!":
            raise ValueError
        return chunk

    stages = [deny_patterns(patterns=[r"\d{4}$"]), transform(fragile)]
    came, error = Bench(stages).broken([texts("a 1234", "!")])
    assert (text_of(came), type(error)) == ("a ", StageFailed)


# -- what else is in the stream


def test_events_stay_in_their_places() -> None:
    call = Chunk(tool_calls=(ToolCallDelta(0, "id", "f", "{}"),))
    said: list[Batch] = [
        texts("a se"),
        (Usage(1, 1),),
        texts("c"),
        (call,),
        texts("s"),
        (STOP, Usage(2, 2)),
    ]
    out = events(Bench([deny_patterns(patterns=["secret"])]).through(said))
    assert out == [*texts("a ", "se"), Usage(1, 1), *texts("c"), call, *texts("s"), STOP, Usage(2, 2)]


def test_chunks_stay_what_they_were_where_nothing_is_found() -> None:
    probable = Chunk("sec", logprobs={"content": ["sec"]}, metadata={"at": 1})
    out = events(Bench([deny_patterns(patterns=["secret"])]).through([(probable,), texts("ond"), (STOP,)]))
    assert out == [probable, Chunk("ond"), STOP]


def test_a_chunk_that_tells_of_its_tokens_waits_as_a_whole() -> None:
    probable = Chunk("a sec", logprobs={"content": ["a sec"]})
    out = list(Bench([deny_patterns(patterns=["secret"])]).pipeline.run(iter([(probable,), texts("!")])))
    assert out == [(), (probable, Chunk("!")), ()]


def test_what_tells_of_the_tokens_of_a_match_goes_with_it() -> None:
    probable = Chunk("a secret", logprobs={"content": ["a", " secret"]})
    out = events(Bench([deny_patterns(patterns=["secret"], policy="drop")]).through([(probable,)]))
    assert out == [Chunk("a ")]


def test_reasoning_is_looked_at_by_itself() -> None:
    said = [(Chunk(reasoning="the sec"),), (Chunk(reasoning="ret is"),), texts("sec"), texts("ond"), (STOP,)]
    out = events(Bench([deny_patterns(patterns=["secret"], policy="replace", replacement="#")]).through(said))
    assert "".join(event.reasoning for event in out if isinstance(event, Chunk)) == "the # is"
    assert "".join(event.text for event in out if isinstance(event, Chunk)) == "second"


def test_a_chunk_of_several_things_is_told_thing_by_thing() -> None:
    calls = (ToolCallDelta(0, "id", "f", '{"a": "secret"}'),)
    chunk = Chunk("text", reasoning="secret", tool_calls=calls)
    out = events(Bench([deny_patterns(patterns=["secret"], policy="drop")]).through([(chunk,)]))
    assert out == [Chunk("text"), Chunk(tool_calls=calls)]


def test_a_seal_comes_right_after_its_reasoning() -> None:
    batches = [(Chunk(reasoning="sec"), ThoughtSeal("s")), texts("a")]
    out = events(Bench([deny_patterns(patterns=["secret"])]).through(batches))
    assert out == [Chunk(reasoning="sec"), ThoughtSeal("s"), Chunk("a")]


# -- patterns that cannot be used


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"patterns": []}, "one at least"),
        ({"patterns": ["("]}, "is no regular expression"),
        ({"patterns": ["x*"]}, "matches where nothing is"),
        ({"patterns": ["x"], "hold": 0}, "hold must be between"),
        ({"patterns": ["x"], "hold": MOST_HOLD + 1}, "hold must be between"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        deny_patterns(**options)
