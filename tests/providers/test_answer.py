"""One answer as it is read: the events up to a failure, the failure itself, and whether it is whole."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import AnswerEvent, Chunk, Finish, FinishReason
from cortex_actors.errors import MalformedStream, StageFailed, TruncatedStream, UpstreamFailure
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.answer import Reading
from cortex_actors.providers.catalog import create
from cortex_actors.streaming.sse import DEFAULT_MAX_EVENT
from tests.upstream import openai_stream, sse_stream

ADAPTER = create("one", "openai_compatible", "http://127.0.0.1:9/v1")


def _reading() -> Reading:
    return Reading(ADAPTER, "text/event-stream")


def _text(events: Any) -> str:
    return "".join(event.text for event in events if isinstance(event, Chunk))


def test_a_whole_answer_is_read_to_its_last_word() -> None:
    reading = _reading()
    events, failure = reading.feed(openai_stream(["Ho", "la"]).body)
    assert (_text(events), failure) == ("Hola", None)
    assert Finish(FinishReason.STOP) in events
    assert reading.state.ended


def test_a_body_that_ends_too_early_is_a_truncation() -> None:
    reading = _reading()
    reading.feed(openai_stream(["Ho"], finish=None, done=False).body)
    events, failure = reading.end_of_body()
    assert events == ()
    assert isinstance(failure, TruncatedStream)
    assert failure.provider == "one"


def test_a_body_may_end_when_the_reason_to_stop_was_given() -> None:
    reading = _reading()
    reading.feed(openai_stream(["Ho"], done=False).body)
    assert reading.end_of_body()[1] is None


def test_what_came_before_a_failure_is_handed_over_with_it() -> None:
    first = openai_stream(["Ho"], finish=None, done=False)
    error = sse_stream({"error": {"message": "overloaded", "code": 500}})
    never = openai_stream(["la"])
    events, failure = _reading().feed(first.body + error.body + never.body)
    assert _text(events) == "Ho", "and nothing behind it is read"
    assert isinstance(failure, UpstreamFailure)


def test_bytes_that_cannot_be_read_are_a_failure_of_the_provider() -> None:
    events, failure = _reading().feed(b"data: " + b"x" * (DEFAULT_MAX_EVENT + 1))
    assert events == ()
    assert isinstance(failure, MalformedStream)


def test_what_a_reader_raises_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse_event(payload: Any, state: StreamState) -> list[AnswerEvent]:
        if payload.data == "bad":
            raise StageFailed("parse_chunk")
        return [Chunk(payload.data)]

    monkeypatch.setattr(ADAPTER, "parse_event", parse_event)
    events, failure = _reading().feed(sse_stream("Ho", "bad", "la").body)
    assert _text(events) == "Ho"
    assert isinstance(failure, StageFailed)
