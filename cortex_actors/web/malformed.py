"""What never became a request: told in JSON like every other mistake, and not by a server's page of HTML.

Which API was meant is not known yet, so it is the one shape that most clients can read.

Runs on:   the thread of the connection, which the server closes afterwards.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from gunicorn.http import errors

from cortex_actors.web.framing import to_json, utf8

_log = logging.getLogger(__name__)

#: How long a caller may take to hear its answer, in seconds; it is a few hundred bytes.
_PATIENCE = 1.0

#: Every other mistake in the HTTP itself is a 400.
_STATUSES: Mapping[type[Exception], int] = {
    errors.LimitRequestLine: 414,
    errors.ExpectationFailed: 417,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
}

_CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}


def answer(client: socket.socket, error: BaseException, *, was_request: bool) -> None:
    """Tells the caller what is wrong, and the log whose fault it is; after a good request it is ours."""
    status = HTTPStatus(500 if was_request else _status(error))
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a request failed before it was answered", exc_info=error)
    else:
        _log.info("refused what is no request: %s", type(error).__name__)
    with suppress(OSError):  # the caller may be gone
        client.settimeout(_PATIENCE)
        client.sendall(response(status))
        _let_it_be_read(client)


def response(status: HTTPStatus) -> bytes:
    """The whole answer, head and body."""
    ours = status is HTTPStatus.INTERNAL_SERVER_ERROR
    error = {
        "message": status.description or status.phrase,
        "type": "server_error" if ours else "invalid_request_error",
        "param": None,
        "code": _CODES.get(status, "malformed_request"),
    }
    body = utf8(to_json({"error": error})) + b"\n"
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _let_it_be_read(client: socket.socket) -> None:
    """Takes what the caller still sends: closing over unread bytes would reset the answer away."""
    client.shutdown(socket.SHUT_WR)
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and client.recv(65536):
        pass


def _status(error: BaseException) -> int:
    if not isinstance(error, errors.ParseException):
        return 500
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400)
