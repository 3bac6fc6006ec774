"""What never became a request, and what failed where no handler could answer."""

from __future__ import annotations

import json
import logging
import socket

import pytest
from gunicorn.http.errors import InvalidRequestLine

from cortex_actors.web import malformed


def told(error: Exception, *, was_request: bool = False) -> tuple[str, dict[str, str]]:
    """The status line and the error of the answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"what nobody reads")
        theirs.shutdown(socket.SHUT_WR)
        malformed.answer(ours, error, was_request=was_request)
        head, _, body = theirs.recv(65536).partition(b"\r\n\r\n")
    return head.decode().splitlines()[0], json.loads(body)["error"]


def test_a_mistake_in_the_http_is_the_callers() -> None:
    line, error = told(InvalidRequestLine("<script>"))

    assert line == "HTTP/1.1 400 Bad Request"
    assert error["code"] == "malformed_request"
    assert "script" not in str(error)


@pytest.mark.parametrize(
    ("error", "was_request"),
    [(RuntimeError("secret"), True), (InvalidRequestLine("x"), True), (RuntimeError("secret"), False)],
)
def test_what_fails_after_a_good_request_is_ours_and_is_logged(
    error: Exception, was_request: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "cortex_actors.web.malformed"):
        line, shown = told(error, was_request=was_request)

    assert line == "HTTP/1.1 500 Internal Server Error"
    assert shown["code"] == "internal_error"
    assert "secret" not in str(shown)
    assert str(error) in caplog.text


def test_a_caller_that_has_left_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        malformed.answer(ours, InvalidRequestLine("x"), was_request=False)
