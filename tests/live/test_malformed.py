"""What is no request is answered all the same, in JSON, and disturbs nobody."""

from __future__ import annotations

import json

import pytest

from tests.live.daemon import Daemon

LONG = b"x" * 9000


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /" + LONG + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nExpect: 42\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nAuthorization: Bearer " + LONG + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzap\r\n\r\n", 501),
    ],
)
def test_it_is_an_error_in_json(daemon: Daemon, sent: bytes, status: int) -> None:
    with daemon.connect() as connection:
        connection.sock.sendall(sent)
        head, _, body = _all_of(connection.sock).partition(b"\r\n\r\n")

    assert head.split(b" ")[1] == str(status).encode()
    assert b"Content-Type: application/json" in head
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == "malformed_request"
    assert daemon.get("/livez").status == 200


def _all_of(sock: object) -> bytes:
    pieces = []
    while piece := sock.recv(65536):  # type: ignore[attr-defined]
        pieces.append(piece)
    return b"".join(pieces)
