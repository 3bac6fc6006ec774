"""Responses: errors as bodies, streams as bytes, and the ends of both."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import replace
from datetime import datetime

import pytest

from cortex_actors.chat import Chunk
from cortex_actors.dispatch.messages import EndName, StreamEnd
from cortex_actors.errors import (
    GatewayDraining,
    InvalidRequest,
    RateLimited,
    TruncatedStream,
    UpstreamTimeout,
)
from cortex_actors.web.framing import NDJSON, SSE, TEXT, Framing
from cortex_actors.web.responses import (
    Response,
    StreamBody,
    StreamCut,
    error_payload,
    error_response,
    header_text,
    stream_response,
    timestamp,
)
from tests.web.gateway_double import ATTEMPT, COMPLETE, HELLO, Step, StreamDouble, failed

CUT = failed(EndName.TRUNCATED, TruncatedStream("Cut short.", provider="groq-primary"))


def stream_of(*steps: Step, end: StreamEnd = COMPLETE) -> StreamDouble:
    return StreamDouble("r1", steps, end)


def body_of(stream: StreamDouble, framing: Framing) -> StreamBody:
    return StreamBody(stream.stream, framing, "r1")


def test_an_error_is_five_fields_and_what_belongs_to_it() -> None:
    payload = error_payload(InvalidRequest("model must be a string.", field="model"), "r1")

    assert datetime.fromisoformat(payload.pop("timestamp")).utcoffset() is not None
    assert payload == {
        "error": "Invalid request",
        "details": "model must be a string.",
        "code": "invalid_request",
        "request_id": "r1",
        "field": "model",
    }


def test_an_error_without_details_says_null() -> None:
    assert error_payload(GatewayDraining(), "r1")["details"] is None


def test_an_error_tells_the_story_of_its_attempts() -> None:
    error = UpstreamTimeout("first_token", 8, provider="groq-primary")
    error.attempts = (ATTEMPT,)
    payload = error_payload(error, "r1")

    assert payload["code"] == "first_token_timeout"
    assert payload["provider"] == "groq-primary"
    assert [attempt["number"] for attempt in payload["attempts"]] == [1]


def test_an_error_brings_its_headers() -> None:
    response = error_response(RateLimited(reset_at=1234.5, retry_after=0.2), "r1")

    assert response.status_line == "429 Too Many Requests"
    assert ("Retry-After", "1") in response.headers
    assert json.loads(b"".join(response.body))["reset_at"] == 1234.5


def test_no_text_gets_out_of_its_header() -> None:
    assert header_text("a\r\nSet-Cookie: x\x00é\u2028") == "a??Set-Cookie: x???"
    assert len(header_text("x" * 10_000)) == 256


def test_a_timestamp_is_utc() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


def test_one_batch_is_one_write() -> None:
    stream = stream_of(*HELLO)

    assert list(body_of(stream, TEXT)) == [b"Hello", b" there!", b"", b""]


def test_the_start_goes_out_with_the_first_batch() -> None:
    first = next(body_of(stream_of(*HELLO), NDJSON))

    assert [json.loads(line)["type"] for line in first.splitlines()] == ["start", "delta"]


def test_the_first_write_sends_the_headers_even_if_there_is_no_text_yet() -> None:
    body = body_of(stream_of((Chunk(reasoning="hm"),), end=CUT), TEXT)

    assert next(body) == b""
    with pytest.raises(StreamCut):
        next(body)


def test_an_empty_batch_is_a_sign_of_life() -> None:
    body = body_of(stream_of((Chunk(text="a"),), ()), SSE)
    next(body)

    assert next(body) == SSE.tick()


def test_a_stream_is_read_no_faster_than_its_body() -> None:
    pulled = []

    def step(number: int) -> Step:
        return lambda: pulled.append(number) or (Chunk(text="x"),)  # type: ignore[func-returns-value]

    body = body_of(stream_of(step(1), step(2), step(3)), TEXT)
    next(body)
    next(body)

    assert pulled == [1, 2]


def test_a_whole_answer_ends_with_one_end() -> None:
    kinds = [json.loads(line)["type"] for line in b"".join(body_of(stream_of(*HELLO), NDJSON)).splitlines()]

    assert kinds == ["start", "delta", "delta", "delta", "usage", "end"]


@pytest.mark.parametrize("framing", [SSE, NDJSON])
def test_a_failure_is_told_once_and_is_the_last_word(framing: Framing) -> None:
    stream = stream_of((Chunk(text="a"),), end=CUT)
    written = b"".join(body_of(stream, framing)).decode()

    told = json.loads(written.rstrip("\n").split("\n")[-1].removeprefix("data: "))
    assert told["error"] == "Upstream stream cut short"
    assert told["details"] == "Cut short."
    assert told["code"] == "truncated_stream"
    assert told["end"] == "truncated"
    assert told["request_id"] == "r1"
    assert told["provider"] == "groq-primary"
    assert told["usage"]["completion_tokens"] == 2
    assert written.count('"error":') == 1
    assert "finish_reason" not in written


def test_a_failure_in_plain_text_cuts_the_connection_as_a_broken_pipe() -> None:
    body = body_of(stream_of((Chunk(text="a"),), end=CUT), TEXT)

    assert next(body) == b"a"
    with pytest.raises(BrokenPipeError) as caught:
        next(body)
    assert caught.value.errno == errno.EPIPE
    assert list(body) == []


@pytest.mark.parametrize("framing", [TEXT, SSE, NDJSON])
def test_nobody_is_told_that_the_caller_left(framing: Framing) -> None:
    body = body_of(stream_of((Chunk(text="a"),), end=failed(EndName.CLIENT_GONE, None)), framing)
    next(body)

    with pytest.raises(StreamCut):
        next(body)


def test_a_bug_in_mid_stream_is_an_error_to_the_caller_and_a_traceback_to_us(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def bug() -> tuple[Chunk, ...]:
        raise ZeroDivisionError("inner detail")

    stream = stream_of((Chunk(text="a"),), bug)
    with caplog.at_level(logging.ERROR):
        written = b"".join(body_of(stream, NDJSON))

    last = json.loads(written.splitlines()[-1])
    assert (last["type"], last["code"]) == ("error", "internal_error")
    assert b"inner detail" not in written
    assert "inner detail" in caplog.text
    assert stream.closed


def test_a_named_error_raised_in_mid_stream_is_told_by_its_name() -> None:
    def draining() -> tuple[Chunk, ...]:
        raise GatewayDraining("Bye.")

    last = json.loads(b"".join(body_of(stream_of((Chunk(text="a"),), draining), NDJSON)).splitlines()[-1])

    assert last["code"] == "gateway_draining"


def test_a_body_frees_its_stream_when_it_ends_without_waiting_to_be_closed() -> None:
    stream = stream_of(*HELLO)
    for _ in body_of(stream, TEXT):
        pass

    assert stream.closed == 1


def test_closing_a_body_that_never_began_closes_its_stream() -> None:
    stream = stream_of(*HELLO)
    body = body_of(stream, TEXT)
    body.close()

    assert stream.closed == 1
    assert list(body) == []


def test_a_stream_names_who_answers_and_asks_proxies_not_to_wait() -> None:
    stream = stream_of(*HELLO)
    limits = {"remaining-requests": "59"}
    stream.head = replace(stream.head, model="evil\r\nmodel", rate_limits=limits, overhead=0.01234)
    response = stream_response(stream.stream, SSE, "r1", [("X-Cortex-Ignored", "a")])

    assert dict(response.headers) == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
        "X-Cortex-Provider": "groq-primary",
        "X-Cortex-Model": "evil??model",
        "X-Cortex-Attempts": "1",
        "X-Cortex-Overhead-Ms": "12.3",
        "X-Upstream-Ratelimit-Remaining-Requests": "59",
        "X-Cortex-Ignored": "a",
    }


def test_a_status_nobody_named_still_has_a_line() -> None:
    assert Response(299, []).status_line == "299 Unknown"
