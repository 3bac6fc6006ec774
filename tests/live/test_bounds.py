"""What is too much of a request is refused at the daemon, in the shape of its API, and disturbs nobody."""

from __future__ import annotations

import json

import pytest

from tests.live.caller import PATIENCE
from tests.live.daemon import Daemon

HI = {"role": "user", "content": "Hi"}

#: What a client sends before anything of its own.
LINE = b"GET /livez HTTP/1.1\r\n"


def raw(daemon: Daemon, head: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer to a request that is written by hand."""
    with daemon.connect() as connection:
        connection.sock.settimeout(PATIENCE)
        connection.sock.sendall(head + b"\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            piece = connection.sock.recv(65536)
            assert piece, answer
            answer += piece
    return int(answer.split(b" ")[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"Host: \r\n",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a, b\r\n",
        b"Host: a b\r\n",
        b"Host: http://a\r\n",
        b"Host: a@b\r\n",
    ],
)
def test_a_request_names_one_host(daemon: Daemon, hosts: bytes) -> None:
    status, body = raw(daemon, LINE + hosts)
    assert status == 400
    assert json.loads(body)
    assert daemon.get("/livez").status == 200


def test_an_old_client_need_not_name_it(daemon: Daemon) -> None:
    assert raw(daemon, b"GET /livez HTTP/1.0\r\n")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"X-%d: x\r\n" % number for number in range(200)),
        b"X-Long: " + b"x" * 9000 + b"\r\n",
        b"X" * 9000 + b": x\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"x" * 8000) for number in range(200)),
    ],
    ids=["too many", "too long", "too long a name", "too much"],
)
def test_headers_are_bounded_in_number_and_size(daemon: Daemon, headers: bytes) -> None:
    status, body = raw(daemon, LINE + b"Host: a\r\n" + headers)
    assert status == 431
    assert json.loads(body)["error"]["code"] == "malformed_request"
    assert daemon.get("/livez").status == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested deeper than 128 levels"),
        (b'{"messages":' + b"[" * 2_000_000, "more than 100000 objects and lists"),
        (b'{"a":' * 100_000, "nested deeper than 128 levels"),
        (json.dumps({"model": "m", "messages": [HI] * 10_001}).encode(), "messages may have at most 10000"),
        (
            json.dumps(
                {
                    "model": "m",
                    "messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * 10_001}],
                }
            ).encode(),
            "messages[0].content may have at most 10000",
        ),
    ],
    ids=["deep", "open", "objects", "messages", "parts"],
)
def test_a_body_is_bounded_in_depth_and_number(daemon: Daemon, body: bytes, says: str) -> None:
    for path in ("/api/chat", "/v1/chat/completions", "/v1/messages"):
        with daemon.connect() as connection:
            connection.ask("POST", path, body)
            answer = connection.answer().read()
        assert answer.status == 400
        assert says in answer.text
    assert daemon.get("/livez").status == 200


def test_as_many_messages_as_are_allowed_are_read(daemon: Daemon) -> None:
    body = {"model": "nobody/has-it", "messages": [HI] * 10_000}
    assert daemon.post("/v1/chat/completions", body).status in (200, 404)


@pytest.mark.parametrize("sent", ["a b", "a\tb", "é", "x" * 129, "<script>", ""])
def test_an_id_that_could_do_harm_is_replaced(daemon: Daemon, sent: str) -> None:
    with daemon.connect() as connection:
        connection.sock.sendall(LINE + f"Host: a\r\nX-Request-Id: {sent}\r\n\r\n".encode("latin-1"))
        head = connection.sock.recv(65536).decode("latin-1").lower()
    assert "x-request-id: " in head
    assert sent == "" or f"x-request-id: {sent.lower()}\r\n" not in head


def test_a_page_is_told_to_do_little_with_an_answer(daemon: Daemon) -> None:
    for path in ("/livez", "/nothing", "/api/health"):
        headers = daemon.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
