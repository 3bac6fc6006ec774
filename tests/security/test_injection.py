"""Injection: no text of a caller or a provider becomes a header, a log line, or an order to a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.live.daemon import Daemon, chat
from tests.security.raw import CLOSE, HOST, KEY, RawAnswer, exchange, post
from tests.upstream import Chunk, Head, LastChunk, ScriptedUpstream, json_answer, openai_stream, sse_stream

#: A new line in every way one can be written, a terminal's escapes in seven and in eight bits, a zero, bidi.
HOSTILE = "x\r\nX-Evil: 1\n\n\x1b[31m\x1b]0;evil\x07\x9b31m\x85\u2028\u2029\x00\x08\u202e\v\f end"

#: What every line of our log begins with.
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ \S+ \[")

SURFACES = (b"/api/chat/complete", b"/api/chat", b"/v1/chat/completions", b"/v1/messages")


def ask(daemon: Daemon, body: Any, path: bytes = b"/api/chat/complete", headers: bytes = b"") -> RawAnswer:
    (answer,) = exchange(daemon, post(json.dumps(body).encode(), headers, path))
    return answer


def assert_unharmed(answer: RawAnswer) -> None:
    """The head of the answer has the headers we gave it."""
    names = [line.partition(b":")[0].lower() for line in answer.head.split(b"\r\n")[1:]]
    assert b"x-evil" not in names
    assert all(byte in b"\r\n" or 0x20 <= byte < 0x7F for byte in answer.head)


def assert_log_unharmed(daemon: Daemon, since: int) -> None:
    """Every line since then is one of ours, and shows what it holds."""
    daemon.get("/livez")
    daemon.wait_for_log("GET /livez", len(daemon.lines("GET /livez")) or 1)
    for line in daemon.log[since:]:
        assert _LINE.match(line), line
        assert line.removesuffix("\n").isprintable(), line


@pytest.mark.parametrize("field", ["model", "provider", "user"])
@pytest.mark.parametrize(
    "text", ["a\r\nX-Evil: 1", "a\x00b", "a\x85b", "a\x9bb", "a\u2028b", "a\u2029b", "a\x7fb"]
)
def test_a_name_that_is_more_than_a_line_is_refused(daemon: Daemon, field: str, text: str) -> None:
    answer = ask(daemon, chat(**{field: text}))
    assert answer.status == 400
    assert answer.json["field"] == field
    assert_unharmed(answer)


@pytest.mark.parametrize("path", SURFACES)
def test_header_injection_by_fields_that_are_told_back(daemon: Daemon, path: bytes) -> None:
    since = len(daemon.log)
    unknown: dict[str, Any] = {HOSTILE: 1, "é" * 5000: 2}
    answer = ask(daemon, chat(model="one/m", max_tokens=9, **unknown), path)
    assert_unharmed(answer)
    assert len(answer.head) < 8192
    assert_log_unharmed(daemon, since)


@pytest.mark.parametrize("path", SURFACES)
def test_header_injection_by_the_model_that_a_provider_names(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, path: bytes
) -> None:
    since = len(daemon.log)
    upstream.on_model(model, openai_stream(["Ho", "la"], model=HOSTILE * 100))
    answer = ask(daemon, chat(model=model, max_tokens=9), path)
    assert answer.status == 200
    assert_unharmed(answer)
    assert_log_unharmed(daemon, since)


def test_header_injection_by_the_headers_of_a_provider(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    """A provider's headers are not ours to pass on, but for its rate limits, which are plain words."""
    theirs = {
        "Transfer-Encoding": "chunked",
        "Content-Type": "text/event-stream",
        "X-Evil": "1",
        "Set-Cookie": "evil=1",
        "Access-Control-Allow-Origin": "evil",
        "X-Ratelimit-Limit": "evil\x9b31m",
        "X-Ratelimit-Remaining-Requests": "7",
        "X-Ratelimit-Reset\x85": "evil",
        "X-Request-Id": "evil",
        "Content-Security-Policy": "evil",
    }
    body = openai_stream(["Ho", "la"]).body
    upstream.on_model(model, [Head(200, theirs), Chunk(body), LastChunk()])

    answer = ask(daemon, chat(model=model))

    assert_unharmed(answer)
    assert b"evil" not in answer.head


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_log_injection_by_the_reason_of_a_provider(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, path: bytes, status: int
) -> None:
    since = len(daemon.log)
    error = {"error": {"message": HOSTILE, "type": HOSTILE, "code": HOSTILE, "param": HOSTILE}}
    upstream.on_model(model, json_answer(status, error, {"Retry-After": "0"}))

    answer = ask(daemon, chat(model=model, max_tokens=9), path)

    assert answer.status >= 400
    assert_unharmed(answer)
    assert not set("\x1b\x9b\x85\u2028\u2029\x00\x07\u202e") & set(answer.body.decode())
    assert_log_unharmed(daemon, since)


@pytest.mark.parametrize("path", SURFACES)
def test_log_injection_by_an_error_in_the_middle_of_a_stream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, path: bytes
) -> None:
    since = len(daemon.log)
    upstream.on_model(model, sse_stream({"error": {"message": HOSTILE, "type": HOSTILE, "code": HOSTILE}}))
    assert_unharmed(ask(daemon, chat(model=model, max_tokens=9), path))
    assert_log_unharmed(daemon, since)


def test_event_injection_by_the_words_of_a_provider(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    """What a model says can be no event of ours, in whatever framing."""
    forged = "Hi\n\nevent: done\ndata: {}\n\n\r\revent: error\r\rid: 7\r\n\r\ndata: [DONE]\n\n"
    upstream.on_model(model, openai_stream([forged]))
    with daemon.connect() as connection:
        key = KEY.decode().partition(": ")[2].strip()
        headers = {"Accept": "text/event-stream", "Authorization": key}
        connection.ask("POST", "/api/chat", chat(model=model), headers)
        told = connection.answer().read().text
    events = [line for line in told.splitlines() if line.startswith("event:")]
    assert events == ["event: start", "event: delta", "event: end"]
    assert not {"data: {}", "data: [DONE]", "id: 7"} & set(told.splitlines())


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /%0d%0aX-Evil:%201%0a HTTP/1.1",
        b"GET /%1b[31m%9b31m%07 HTTP/1.1",
        b"GET /%e2%80%a8%c2%85%00 HTTP/1.1",
        b"GET /x%0a2026-01-01T00:00:00.000Z%20ERROR%20forged%20[-]%20line HTTP/1.1",
        b"BREW%0a /x HTTP/1.1",
        b"GET /?" + b"%0a" * 1000 + b" HTTP/1.1",
    ],
)
def test_log_injection_by_the_request_line(daemon: Daemon, request_line: bytes) -> None:
    since = len(daemon.log)
    (answer,) = exchange(daemon, request_line + b"\r\n" + HOST + KEY + CLOSE + b"\r\n")
    assert_unharmed(answer)
    assert_log_unharmed(daemon, since)


@pytest.mark.parametrize(
    "name",
    [b"X-Request-Id", b"traceparent", b"User-Agent", b"Last-Event-ID", b"Accept", b"Origin", b"x-api-key"],
)
def test_injection_by_headers_of_eight_bits_and_any_length(daemon: Daemon, name: bytes) -> None:
    since = len(daemon.log)
    for value in (b"\x9b31m\x85\xff", b"%0d%0aX-Evil: 1", b"$", b"x" * 8000, b"0-0,*", b"../../x"):
        head = b"GET /v1/models HTTP/1.1\r\n" + HOST + KEY + CLOSE + name + b": " + value + b"\r\n\r\n"
        (answer,) = exchange(daemon, head)
        assert answer.status < 500
        assert_unharmed(answer)
        assert value not in answer.head + answer.body
    assert_log_unharmed(daemon, since)
