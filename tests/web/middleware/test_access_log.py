"""One line a request."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any

import pytest
from werkzeug.test import Client

from cortex_actors import logs
from cortex_actors.dispatch.messages import EndName, StreamEnd
from cortex_actors.errors import InternalError, NoWorkersAvailable, TruncatedStream, UpstreamTimeout
from cortex_actors.settings import LogSettings, Settings
from tests.web.conftest import client_of
from tests.web.gateway_double import ATTEMPT, COMPLETE, GatewayDouble, failed
from tests.web.keys import ALICE, bearer, with_keys

ASK = {"messages": [{"role": "user", "content": "secret prompt"}]}


@pytest.fixture(autouse=True)
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "cortex_actors.web.access")
    return caplog


def the_line(lines: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = [record for record in lines.records if record.name == "cortex_actors.web.access"]
    return record


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What stands beside the message."""
    plain = vars(logging.makeLogRecord({}))
    return {
        name: value for name, value in vars(record).items() if name not in {*plain, "message", "taskName"}
    }


def test_a_request_is_one_line(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.get("/api/health?token=secret", headers={"X-Request-Id": "mine"})

    line = the_line(lines)
    assert line.getMessage() == "GET /api/health 200"
    assert 0 < fields(line)["ttfb_ms"] <= fields(line)["ms"]
    assert fields(line).keys() == {"ttfb_ms", "ms", "request_id"}
    assert fields(line)["request_id"] == "mine"
    assert "secret" not in str(vars(line))


def test_a_stream_is_one_line_that_tells_its_end(client: Client, lines: pytest.LogCaptureFixture) -> None:
    client.post("/api/chat", json=ASK)

    line = the_line(lines)
    assert line.getMessage() == "POST /api/chat 200"
    told = fields(line)
    assert (told["end"], told["provider"], told["attempts"], told["stream_id"]) == (
        "complete",
        "groq-primary",
        1,
        "5f2b",
    )
    assert "secret" not in str(vars(line))


@pytest.mark.parametrize("path", ["/api/chat/complete", "/v1/chat/completions"])
def test_an_answer_that_is_given_whole_has_the_id_of_its_stream_too(
    client: Client, lines: pytest.LogCaptureFixture, path: str
) -> None:
    client.post(path, json={"model": "auto", **ASK})

    assert fields(the_line(lines))["stream_id"] == "5f2b"


def test_a_caller_with_a_key_is_named(lines: pytest.LogCaptureFixture) -> None:
    client_of(GatewayDouble(), with_keys()).post("/api/chat", json=ASK, headers=bearer(ALICE))

    line = the_line(lines)
    assert fields(line)["caller"] == "alice"
    assert ALICE not in str(vars(line))


def test_the_line_is_text_or_json_as_the_settings_say(
    client: Client, lines: pytest.LogCaptureFixture
) -> None:
    client.post("/api/chat", json=ASK, headers={"X-Request-Id": "mine"})
    line = the_line(lines)

    text = logs.TextFormatter().format(line)
    assert (
        " end=complete provider=groq-primary attempts=1 request_id=mine stream_id=5f2b] POST /api/chat 200"
        in text
    )
    told = json.loads(logs.JSONFormatter().format(line))
    assert (told["message"], told["request_id"], told["stream_id"], told["end"]) == (
        "POST /api/chat 200",
        "mine",
        "5f2b",
        "complete",
    )


def test_the_line_is_written_when_the_stream_is_over_and_not_before(
    client: Client, lines: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/api/chat", json=ASK, buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    assert lines.records == []
    answer.close()

    assert fields(the_line(lines))["end"] == "client_gone"


@pytest.mark.parametrize(
    ("end", "level"),
    [
        (COMPLETE, logging.INFO),
        (failed(EndName.CLIENT_GONE, None), logging.INFO),
        (failed(EndName.SLOW_CLIENT, None), logging.INFO),
        (failed(EndName.TRUNCATED, TruncatedStream()), logging.WARNING),
        (failed(EndName.IDLE_TIMEOUT, UpstreamTimeout("idle", 5)), logging.WARNING),
        (failed(EndName.UPSTREAM_ERROR, InternalError()), logging.ERROR),
    ],
)
def test_the_level_of_a_stream_says_whose_fault_its_end_was(
    lines: pytest.LogCaptureFixture, end: StreamEnd, level: int
) -> None:
    answer = client_of(GatewayDouble(end=end)).post("/api/chat", json=ASK, buffered=False)
    try:
        for _ in answer.iter_encoded():
            pass
    except BrokenPipeError:
        pass
    answer.close()

    assert the_line(lines).levelno == level
    assert fields(the_line(lines))["end"] == end.name


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (RuntimeError(), logging.ERROR),
        (NoWorkersAvailable(), logging.WARNING),
        (UpstreamTimeout("total", 5), logging.WARNING),
    ],
)
def test_the_level_of_a_failure_says_whose_fault_it_was(
    lines: pytest.LogCaptureFixture, error: Exception, level: int
) -> None:
    client_of(GatewayDouble(error=error)).post("/api/chat", json=ASK)

    assert the_line(lines).levelno == level


def test_a_mistake_of_the_caller_is_none_of_our_worries(
    client: Client, lines: pytest.LogCaptureFixture
) -> None:
    client.post("/api/chat", json={})

    assert the_line(lines).levelno == logging.INFO


def test_the_attempts_of_a_request_that_failed_are_counted(lines: pytest.LogCaptureFixture) -> None:
    error = NoWorkersAvailable()
    error.attempts = (ATTEMPT, ATTEMPT)
    client_of(GatewayDouble(error=error)).post("/api/chat", json=ASK)

    assert fields(the_line(lines))["attempts"] == 2


def test_a_caller_that_left_before_there_was_an_answer_is_no_failure_of_ours(
    lines: pytest.LogCaptureFixture,
) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        client_of(GatewayDouble(error=NoWorkersAvailable())).post(
            "/api/chat", json=ASK, environ_overrides={"gunicorn.socket": ours}
        )

    assert the_line(lines).levelno == logging.INFO
    assert fields(the_line(lines))["end"] == "client_gone"


@pytest.mark.parametrize("path", ["/a%0AGET%20/forged%20200", "/a%1B%5B31m", "/" + "x" * 5000, "/%C3%A9"])
def test_no_path_can_forge_a_line(client: Client, lines: pytest.LogCaptureFixture, path: str) -> None:
    client.get(path)

    line = the_line(lines).getMessage()
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 1000
    assert line.split()[2] == "404"


def test_the_log_can_be_switched_off(lines: pytest.LogCaptureFixture) -> None:
    client_of(GatewayDouble(), Settings(logs=LogSettings(access=False))).get("/livez")

    assert lines.records == []
