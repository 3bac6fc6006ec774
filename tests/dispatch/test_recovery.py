"""An answer that breaks off is gone on with: the caller has every word once, however it broke off."""

# ruff: noqa: RUF001  (other scripts are meant)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cortex_actors.chat import (
    FinishReason,
    RecoveryWish,
)
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    TruncatedStream,
)
from cortex_actors.otp.actor import kill
from cortex_actors.settings import Limits, ModelSettings, Route
from tests.dispatch.broken import ON, TEXT, deltas, ended, silent_after
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, MODEL, Plant, ask, provider, read, read_until
from tests.upstream import RecordedRequest, Reset, Script, ScriptedUpstream, openai_stream, sse_stream
from tests.upstream.dialects import DIALECTS, Dialect, Said
from tests.upstream.models import (
    Model,
    breaks_off,
    goes_on,
    replays,
    says_again,
    words_of,
)

TEXTS = {
    "latin": "The old house stood empty. Nobody went there, not even by day.\n\nThen she came.",
    "chinese": "夜里下起了雨。老人坐在窗边读信，谢谢你一直等到现在。",
    "emoji": "Family 👨‍👩‍👧 goes 🏳️‍🌈 to the 👩🏽‍🚀 launch 🇩🇪🇫🇷 and back 👍🏿.",
    "arabic": "كان يا ما كان في قديم الزمان، ملك عادل. هل تعرفه؟ خرج إلى السوق.",
    "marks": "Le cafe\u0301 nai\u0308f du re\u0301sume\u0301 est l\u0300a\u0323\u0302.",
    "numbers": "nineteen twenty twenty-one twenty-two thirty thirty-one forty forty-one",
}


@pytest.mark.parametrize("fallback", [replays, goes_on, lambda text: says_again(text, 6)])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_cut_at_any_word_the_whole_answer_arrives(
    two: Plant,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    text: str,
    fallback: Callable[[str], Model],
) -> None:
    spare.default = fallback(text)
    for words in range(1, len(words_of(text)) + 1):
        upstream.default = breaks_off(text, words)
        dispatcher = two.open()
        assert read(dispatcher) == text, f"cut after {words} words"
        assert ended(dispatcher).name is EndName.RECOVERED
        assert ended(dispatcher).finish is FinishReason.STOP


@pytest.mark.parametrize("strategy", ["paragraph", "summarize"])
@pytest.mark.parametrize("text", [TEXTS["latin"], TEXTS["chinese"], TEXTS["arabic"]])
def test_the_same_by_the_other_strategies(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, text: str, strategy: Any
) -> None:
    spare.default = goes_on(text)
    for words in range(1, len(words_of(text)) + 1):
        upstream.default = breaks_off(text, words)
        assert read(two.open(ask(recovery=RecoveryWish(True, strategy)))) == text


@pytest.mark.parametrize(
    "broken",
    [
        breaks_off(TEXT, 4),
        breaks_off(TEXT, 4, Reset()),
        lambda request: openai_stream(words_of(TEXT)[:4], finish=None, done=False),
        lambda request: openai_stream(words_of(TEXT)[:4], finish=None),
        lambda request: sse_stream(*deltas(4), {"error": {"message": "Overloaded.", "code": None}}),
        lambda request: (
            openai_stream(words_of(TEXT)[:4], finish=None, done=False).framed("length").then(Reset())
        ),
    ],
    ids=["cut", "reset", "no finish", "done without finish", "error event", "reset at the end"],
)
def test_however_it_breaks_off(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, broken: Model
) -> None:
    upstream.default = broken
    spare.default = goes_on(TEXT)
    dispatcher = two.open()
    assert read(dispatcher) == TEXT
    assert ended(dispatcher).name is EndName.RECOVERED


def test_a_stream_that_stalls_goes_on_elsewhere_after_the_idle_limit(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = silent_after(4)
    spare.default = goes_on(TEXT)
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        recovery=ON,
        limits=Limits(connect=5.0, first_token=LIMIT, idle=0.2, total=2 * LIMIT),
    )
    dispatcher = plant.open()
    assert read(dispatcher) == TEXT
    assert len(upstream.requests) == 1
    assert upstream.request(0).closed.wait(LIMIT), "the stalled socket is closed"
    assert [record.outcome for record in dispatcher.attempts] == ["idle_timeout", "complete"]


def test_a_stream_whose_own_worker_is_killed_goes_on(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = silent_after(4)
    spare.default = goes_on(TEXT)
    dispatcher = two.open()
    text = read_until(dispatcher, "four")
    kill(two.workers("one")[0], "a test")
    assert text + read(dispatcher) == TEXT
    assert ended(dispatcher).name is EndName.RECOVERED


@pytest.mark.parametrize("first", [breaks_off(TEXT, 4), breaks_off(TEXT, 4, Reset())])
def test_without_a_fallback_the_same_provider_is_asked_again(
    alone: Plant, upstream: ScriptedUpstream, first: Model
) -> None:
    upstream.enqueue(first)
    upstream.default = goes_on(TEXT)
    dispatcher = alone.open()
    assert read(dispatcher) == TEXT
    assert [record.provider for record in dispatcher.attempts] == ["one", "one"]


def test_without_a_fallback_a_killed_worker_and_a_stall_are_tried_once_more(
    start: Start, upstream: ScriptedUpstream
) -> None:
    plant = start(
        provider("one", upstream.url),
        recovery=ON,
        limits=Limits(connect=5.0, first_token=LIMIT, idle=0.3, total=2 * LIMIT),
    )
    upstream.enqueue(silent_after(4))
    upstream.default = goes_on(TEXT)
    assert read(plant.open()) == TEXT
    upstream.enqueue(silent_after(4))
    dispatcher = plant.open()
    text = read_until(dispatcher, "four")
    kill(plant.workers("one")[0], "a test")
    assert text + read(dispatcher) == TEXT


def test_an_answer_may_break_off_again_and_again_as_long_as_it_goes_on(
    alone: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(*(breaks_off(TEXT, words) for words in (2, 4, 6)))
    upstream.default = goes_on(TEXT)
    dispatcher = alone.open()
    assert read(dispatcher) == TEXT
    assert dispatcher.recoveries == 3
    assert [record.offset for record in ended(dispatcher).recoveries] == [7, 18, 27]


def test_a_provider_that_breaks_off_at_the_same_word_is_not_asked_for_ever(
    alone: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 4)
    dispatcher = alone.open()
    assert read(dispatcher) == "one two three four"
    assert len(upstream.requests) == 2
    assert isinstance(ended(dispatcher).error, TruncatedStream)


def test_a_cut_behind_the_last_word_needs_no_word_more(
    two: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = breaks_off(TEXT, 10)
    spare.default = lambda request: openai_stream([], usage=(20, 0))
    dispatcher = two.open()
    assert read(dispatcher) == TEXT
    assert ended(dispatcher).name is EndName.RECOVERED


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_whatever_dialect_the_fallback_speaks(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream, dialect: Dialect
) -> None:
    def rest(request: RecordedRequest) -> Script:
        said = [turn[1] for turn in dialect.heard(request.json) if turn[0] == "assistant"]
        return dialect.answer(Said(tuple(words_of(TEXT.removeprefix(said[-1])))))

    upstream.default = breaks_off(TEXT, 4)
    dialect.script(spare, "m", rest)
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2, type=dialect.type, model="m", models=(MODEL, "m")),
        recovery=ON,
        models=(ModelSettings("both", routes=(Route("one", MODEL), Route("two", "m"))),),
    )
    dispatcher = plant.open(ask(model="both", max_tokens=100))
    assert read(dispatcher) == TEXT
    assert ended(dispatcher).provider == "two"
