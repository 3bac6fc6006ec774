"""Recovery: a stream that breaks off goes on, every word comes once, and the first failure is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, get_args

import pytest

from cortex_actors.chat import ChatRequest, Chunk, Finish, FinishReason, Message, ResponseFormat, TextPart
from cortex_actors.coordinator import Coordinator
from cortex_actors.coordinator.recovery import Recovery, RecoveryOptions
from cortex_actors.errors import (
    AttemptCancelled,
    ContentRejected,
    FailureClass,
    InternalError,
    InvalidRequest,
    TruncatedStream,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from cortex_actors.settings import Limits
from tests.coordinator.asked import chat, raw, up_to_failure
from tests.coordinator.conftest import LIMIT
from tests.upstream import (
    Gate,
    Hang,
    RecordedRequest,
    Reset,
    Script,
    ScriptedUpstream,
    Stream,
    json_answer,
    openai_stream,
    sse_stream,
)
from tests.upstream.dialects import DIALECTS, Call, Said

#: Words of several scripts, with sentences and a paragraph, so that there is something to cut back to.
WORDS = (
    *("Der", " Fluss", " fließt", " nach", " Norden.", " Später", " biegt", " er", " ab.\n\n"),
    *("第一句。", "第二句", "还没有", "完。", " И", " ещё", " слово", " 👋🏽", " fin", "."),
)
TEXT = "".join(WORDS)


def _cut_after(words: int, how: Any = None) -> Stream:
    """The answer up to so many of its words."""
    whole = openai_stream(WORDS)
    return whole.cut(len(b"".join(whole.events[:words])), how)


def _continues(request: RecordedRequest) -> Script:
    """What follows the text that the request shows of the answer, echo included where it is asked for."""
    *_, shown, last = request.json["messages"]
    assert (shown["role"], last["role"]) == ("assistant", "user")
    _, _, echo = last["content"].partition("go on from there:\n\n")
    text: str = shown["content"]
    begin = text.rindex(echo) if echo else len(text)
    return openai_stream(_pieces(TEXT[begin:]))


def _pieces(text: str) -> list[str]:
    return [text[start : start + 3] for start in range(0, len(text), 3)]


# -- every word, once


@pytest.mark.parametrize("strategy", ["exact", "paragraph", "summarize"])
@pytest.mark.parametrize("cut", range(1, len(WORDS)))
def test_a_replay_gives_the_exact_text_wherever_the_first_answer_was_cut(
    coordinator: Coordinator, upstream: ScriptedUpstream, cut: int, strategy: str
) -> None:
    upstream.enqueue(_cut_after(cut), openai_stream(WORDS))
    stream = chat(coordinator, upstream, stream_recovery=True, recovery={"strategy": strategy})
    assert stream.text() == TEXT
    status = stream.status
    assert (status.state, status.recoveries, status.finish) == ("completed", 1, FinishReason.STOP)


@pytest.mark.parametrize("strategy", ["exact", "paragraph"])
@pytest.mark.parametrize("cut", range(1, len(WORDS)))
def test_a_continuation_gives_the_exact_text_wherever_the_first_answer_was_cut(
    coordinator: Coordinator, upstream: ScriptedUpstream, cut: int, strategy: str
) -> None:  # E-8, E-9
    upstream.enqueue(_cut_after(cut, Reset()), _continues)
    stream = chat(coordinator, upstream, stream_recovery=True, recovery={"strategy": strategy})
    assert stream.text() == TEXT


def test_several_attempts_may_go_on_one_after_the_other(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(*(_cut_after(cut) for cut in (4, 8, 12)), openai_stream(WORDS))
    reports: list[Any] = []
    stream = chat(coordinator, upstream, stream_recovery=True, on_metrics=reports.append, stream_id="mine")
    assert stream.text() == TEXT
    assert (stream.status.recoveries, stream.id) == (3, "mine"), "it is one stream with one id (E-5)"
    assert [report.status for report in reports] == ["completed"]
    whole = openai_stream(WORDS)
    sent = [len(b"".join(whole.events[:cut])) for cut in (4, 8, 12, len(whole.events))]
    assert reports[0].bytes_received == sum(sent)


def test_nothing_is_held_back_of_what_is_new(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.enqueue(_cut_after(4), openai_stream(WORDS).pause(6, Gate(gate)))
    stream = chat(coordinator, upstream, stream_recovery=True)
    got = ""
    while got != "".join(WORDS[:6]):
        got += next(stream).text
    gate.set()
    assert got + stream.text() == TEXT


def test_a_silent_provider_is_asked_again(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(openai_stream(WORDS).pause(4, Hang()), openai_stream(WORDS))
    stream = chat(coordinator, upstream, stream_recovery=True, limits=Limits(idle=0.2))
    assert stream.text() == TEXT
    assert upstream.request(0).closed.wait(LIMIT)


def test_an_answer_that_never_began_is_asked_for_again(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    thought = sse_stream({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]})
    second = openai_stream(WORDS)
    upstream.enqueue(json_answer(503), Stream((*thought.events, *second.events), second.content_type))
    chunks = list(chat(coordinator, upstream, stream_recovery=True))
    assert "".join(chunk.text for chunk in chunks) == TEXT
    assert "".join(chunk.reasoning for chunk in chunks) == "Hm."


def test_thoughts_about_going_on_are_nobodys(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    thought = sse_stream({"choices": [{"index": 0, "delta": {"reasoning_content": "Go on, then."}}]})
    second = openai_stream(WORDS)
    upstream.enqueue(_cut_after(4), Stream((*thought.events, *second.events), second.content_type))
    chunks = list(chat(coordinator, upstream, stream_recovery=True))
    assert "".join(chunk.text for chunk in chunks) == TEXT
    assert not any(chunk.reasoning for chunk in chunks)


def test_stages_see_one_answer(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(_cut_after(7), openai_stream(WORDS))
    seen: list[str] = []

    def look(chunk: Chunk) -> Chunk:
        seen.append(chunk.text)
        return chunk

    stream = chat(coordinator, upstream, stream_recovery=True, transform_chunk=look, buffer_chunks=4)
    assert stream.text() == TEXT
    assert "".join(seen) == TEXT


def test_an_answer_to_a_url_goes_on_too(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    words = sse_stream("Ho", "la ", "wörld", "[DONE]")
    upstream.enqueue(words.cut(len(b"".join(words.events[:2]))), words)
    stream = coordinator.start_stream(
        f"{upstream.url}/v1/chat",
        {"messages": [{"role": "user", "content": "Hola"}], "max_tokens": 100, "seed": 7},
        {},
        parse_chunk=Chunk,
        stream_recovery=True,
        recovery={"strategy": "exact"},
    )
    assert stream.text() == "Hola wörld"
    body = upstream.request(1).json
    assert body["seed"] == 7
    assert body["max_tokens"] == 98, "what was used is taken off"
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == "Hola "


# -- what is asked


def test_the_limit_of_tokens_is_reduced_and_has_a_floor(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:  # E-9
    long = openai_stream(["word "] * 100)
    for limit, left in ((1000, 875), (100, 16)):
        upstream.enqueue(long.cut(len(long.body) - 200), openai_stream(["word "] * 100))
        request = ChatRequest((Message("user", (TextPart("Hola"),)),), max_tokens=limit)
        stream = chat(
            coordinator,
            upstream,
            messages=None,
            request=request,
            stream_recovery=True,
            recovery={"strategy": "exact"},
        )
        stream.text()
        asked = upstream.requests[-1].json["max_tokens"]
        assert left <= asked < limit
        assert asked > 0


def test_a_target_that_is_known_to_go_on_is_given_its_own_words(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(_cut_after(4), openai_stream(WORDS[4:]))
    recovery = {"strategy": "exact", "prefill": True}
    stream = chat(coordinator, upstream, stream_recovery=True, recovery=recovery)
    assert stream.text() == TEXT
    last = upstream.request(1).json["messages"][-1]
    assert (last["role"], last["content"]) == ("assistant", "".join(WORDS[:4]))


# -- when not


def test_without_recovery_nobody_is_asked_twice(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.default = _cut_after(4)
    got, error = up_to_failure(chat(coordinator, upstream))
    assert "".join(got) == "".join(WORDS[:4])
    assert isinstance(error, TruncatedStream)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_there_are_so_many_further_attempts_and_the_first_failure_is_told_once(
    coordinator: Coordinator, upstream: ScriptedUpstream, retries: int
) -> None:
    upstream.enqueue(_cut_after(4), *[json_answer(503) for _ in range(retries)])
    told: list[Any] = []
    stream = chat(
        coordinator,
        upstream,
        stream_recovery=True,
        recovery={"max_retries": retries},
        on_error=lambda *what: told.append(what),
    )
    got, error = up_to_failure(stream)
    assert "".join(got) == "".join(WORDS[:4])
    assert isinstance(error, TruncatedStream), "and not what became of the attempts to mend it"
    assert told == [(None, error.details)]
    assert len(upstream.requests) == 1 + retries
    assert stream.status.recoveries == retries


def test_another_answer_is_no_continuation(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(
        openai_stream(["Der Fluss fließt nach Norden und"], finish=None, done=False),
        openai_stream(["Der Fluss fließt nach Süden. Er ist lang."]),
    )
    recovery = {"strategy": "exact", "max_retries": 1}
    got, error = up_to_failure(chat(coordinator, upstream, stream_recovery=True, recovery=recovery))
    assert "".join(got) == "Der Fluss fließt nach Norden und"
    assert isinstance(error, TruncatedStream)


@pytest.mark.parametrize("status", [400, 401, 402, 404, 422])
def test_a_refusal_that_stays_one_is_told_at_once(
    coordinator: Coordinator, upstream: ScriptedUpstream, status: int
) -> None:
    upstream.default = json_answer(status)
    up_to_failure(chat(coordinator, upstream, stream_recovery=True))
    assert len(upstream.requests) == 1


FAILURES: tuple[tuple[Callable[[], Exception | None], bool], ...] = (
    (lambda: TruncatedStream(), True),
    (lambda: UpstreamFailure(upstream_status=500), True),
    (lambda: UpstreamRateLimited(retry_after=1.0), True),
    (lambda: UpstreamRateLimited(retry_after=3600.0), False),
    (lambda: UpstreamTimeout("idle", 1.0), True),
    (lambda: UpstreamTimeout("first_token", 1.0), True),
    (lambda: UpstreamTimeout("total", 1.0), False),
    (lambda: AttemptCancelled(), False),
    (lambda: ContentRejected("stage", "no"), False),
    (lambda: InternalError(), False),
    (lambda: None, False),
)


@pytest.mark.parametrize(("failure", "recoverable"), FAILURES)
def test_one_list_says_which_failures_another_attempt_may_mend(
    failure: Callable[[], Any], recoverable: bool
) -> None:  # E-10
    recovery = Recovery(RecoveryOptions(), ChatRequest(()), lambda request: pytest.fail("nobody is asked"))
    assert (recovery.pause(failure()) is not None) is recoverable


def test_every_class_of_failure_is_decided() -> None:
    classes = {each.failure_class for each in _all_errors(UpstreamError)}
    assert classes == set(get_args(FailureClass))


def _all_errors(kind: type[UpstreamError]) -> list[type[UpstreamError]]:
    return [kind, *itertools.chain.from_iterable(map(_all_errors, kind.__subclasses__()))]


def test_an_answer_that_called_a_tool_is_not_gone_on_with(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    whole = DIALECTS["openai"].answer(Said(("Let me see.",), (Call("weather", {"city": "Bern"}),)))
    upstream.default = whole.cut(len(b"".join(whole.events[:3])))
    _, error = up_to_failure(chat(coordinator, upstream, stream_recovery=True))
    assert isinstance(error, TruncatedStream)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"recovery": {"strategy": "guess"}}, "recovery.strategy must be one of exact, paragraph, summarize"),
        ({"recovery": {"max_retries": -1}}, "recovery.max_retries"),
        ({"recovery": {"max_retries": True}}, "recovery.max_retries"),
        (
            {
                "messages": None,
                "request": ChatRequest(
                    (Message("user", (TextPart("x"),)),), response_format=ResponseFormat("json_object")
                ),
            },
            "Only plain text can be recovered",
        ),
    ],
)
def test_what_cannot_be_recovered_is_refused_at_once(
    coordinator: Coordinator, upstream: ScriptedUpstream, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        chat(coordinator, upstream, stream_recovery=True, **options)
    assert upstream.requests == []


def test_a_word_that_recovery_does_not_know_is_refused(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    with pytest.raises(TypeError, match="retries"):
        chat(coordinator, upstream, stream_recovery=True, recovery={"retries": 3})


def test_a_body_without_messages_is_nothing_to_go_on_with(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    with pytest.raises(InvalidRequest, match="needs a request with messages"):
        raw(coordinator, upstream, lambda data: Finish(FinishReason.STOP), stream_recovery=True)


def test_a_rest_that_cannot_be_asked_for_is_the_first_failure(
    coordinator: Coordinator, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Recovery, said: str) -> None:
        raise InvalidRequest("This dialect has no assistant turns.")

    monkeypatch.setattr(Recovery, "go_on", refuse)
    upstream.default = _cut_after(4)
    got, error = up_to_failure(chat(coordinator, upstream, stream_recovery=True))
    assert "".join(got) == "".join(WORDS[:4])
    assert isinstance(error, TruncatedStream)


# -- in between


def test_a_cancel_ends_the_wait_between_two_attempts(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(429, headers={"Retry-After": "20"})
    stream = chat(coordinator, upstream, stream_recovery=True)
    assert upstream.request(0).answered.wait(LIMIT)
    threading.Timer(0.1, stream.cancel).start()
    began = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - began < 10
    assert stream.status.state == "cancelled"


def test_metrics_come_between_two_attempts_too(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(json_answer(429, headers={"Retry-After": "2"}), openai_stream(WORDS))
    reports: list[Any] = []
    stream = chat(coordinator, upstream, stream_recovery=True, track_metrics=True, on_metrics=reports.append)
    assert stream.text() == TEXT
    assert reports[0].chunks_received == 0
    assert reports[0].duration_ms < 1900
