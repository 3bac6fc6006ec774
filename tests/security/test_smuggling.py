"""Smuggling: what is not one request beyond doubt is refused, and nothing behind it is served."""

from __future__ import annotations

import pytest

from tests.live.daemon import Daemon
from tests.security.raw import CLOSE, HOST, KEY, exchange, statuses

#: What an attacker hides behind a request whose end is in doubt.
HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"

#: An upload that ends where its chunks say.
UPLOAD = b"POST /api/chat HTTP/1.1\r\n" + HOST + KEY

DOUBTFUL = {
    "two framings": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n12345",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\n12345",
    "a signed length": b"Content-Length: +5\r\n\r\n12345",
    "identity": b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n12345",
    "chunked, then another": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked behind a tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a bare return": b"X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a zero byte": b"X-A: b\x00\r\nContent-Length: 0\r\n\r\n",
    "a chunk in hexadecimal": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "a signed chunk": b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "bare feeds": b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    "a chunk longer than it says": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
}


@pytest.mark.parametrize("doubtful", DOUBTFUL.values(), ids=DOUBTFUL)
def test_smuggling_a_request_behind_one_of_doubtful_length_ends_the_connection(
    daemon: Daemon, doubtful: bytes
) -> None:
    assert statuses(daemon, UPLOAD + doubtful + HIDDEN) == [400]
    assert not daemon.lines("/hidden")


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (b"POST /api/chat HTTP/1.1\r\n" + HOST, 401),
        (b"POST /nothing HTTP/1.1\r\n" + HOST + KEY, 404),
        (b"PUT /api/chat HTTP/1.1\r\n" + HOST + KEY, 405),
        (b"GET /livez HTTP/1.1\r\n" + HOST, 200),
    ],
)
def test_smuggling_a_request_in_a_body_that_nobody_reads(daemon: Daemon, refused: bytes, status: int) -> None:
    body = HIDDEN.replace(CLOSE, b"")
    after = b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
    sent = refused + b"Content-Length: %d\r\n\r\n" % len(body) + body + after

    got = exchange(daemon, sent)

    assert [answer.status for answer in got] in ([status, 200], [status])
    assert not daemon.lines("/hidden")


@pytest.mark.parametrize(
    "keys",
    [
        b"Authorization: Bearer wrong\r\n" + KEY,
        KEY + b"Authorization: Bearer wrong\r\n",
        KEY + KEY,
    ],
    ids=["the good one last", "the good one first", "the same twice"],
)
def test_smuggling_a_second_key_past_whoever_looks_at_the_first(daemon: Daemon, keys: bytes) -> None:
    (status,) = statuses(daemon, b"GET /v1/models HTTP/1.1\r\n" + HOST + keys + CLOSE + b"\r\n")
    assert status in (400, 401)


@pytest.mark.parametrize(
    ("spoken", "status"),
    [
        (bytes.fromhex("1603010200010001fc0303") + b"\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ],
    ids=["TLS", "HTTP/2", "PROXY"],
)
def test_another_protocol_on_the_plain_port_is_refused_in_words(
    daemon: Daemon, spoken: bytes, status: int
) -> None:
    (answer,) = exchange(daemon, spoken)
    assert answer.status == status
    assert answer.json["error"]["code"] == "malformed_request"
