"""Bombs: a small request that would become large, one that never ends, and bodies no JSON should have."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.live.daemon import Daemon
from tests.security.raw import CLOSE, HOST, KEY, exchange, post
from tests.upstream import Head, ScriptedUpstream, Send

#: 64 MiB in 64 KiB.
BOMB = gzip.compress(bytes(64 * 2**20))

PATHS = (b"/api/chat/complete", b"/v1/chat/completions", b"/v1/messages")

#: More memory than a request that is refused may take, in bytes.
TOO_MUCH = 30 * 2**20


def chunked(pieces: bytes) -> bytes:
    head = b"POST /api/chat/complete HTTP/1.1\r\n" + HOST + KEY + CLOSE
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces


@pytest.mark.parametrize(
    "encoding", [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"identity, gzip", b"GZIP"]
)
@pytest.mark.parametrize("path", PATHS)
def test_a_decompression_bomb_is_refused_and_never_inflated(
    daemon: Daemon, encoding: bytes, path: bytes
) -> None:
    before = daemon.resident_bytes()
    (answer,) = exchange(daemon, post(BOMB, b"Content-Encoding: " + encoding + b"\r\n", path))
    assert answer.status == 400
    assert b"Content-Encoding" in answer.body
    assert daemon.resident_bytes() - before < TOO_MUCH


def test_a_decompression_bomb_as_transfer_coding_is_never_inflated(daemon: Daemon) -> None:
    before = daemon.resident_bytes()
    pieces = b"%x\r\n" % len(BOMB) + BOMB + b"\r\n0\r\n\r\n"
    sent = chunked(pieces).replace(b": chunked", b": gzip, chunked")
    assert [answer.status for answer in exchange(daemon, sent)] in ([400], [501])
    assert daemon.resident_bytes() - before < TOO_MUCH


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_decompression_bomb_from_a_provider_is_never_inflated(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, coding: str
) -> None:
    data = BOMB if coding == "gzip" else zlib.compress(bytes(64 * 2**20))
    head = {"Content-Encoding": coding, "Content-Type": "text/event-stream", "Content-Length": str(len(data))}
    upstream.on_model(model, [Head(200, head), Send(data)])
    before = daemon.resident_bytes()

    body = b'{"model": "%s", "messages": [{"role": "user", "content": "Hi"}]}' % model.encode()
    (answer,) = exchange(daemon, post(body))

    assert answer.status == 502
    assert daemon.resident_bytes() - before < TOO_MUCH


@pytest.mark.parametrize(
    "pieces",
    [
        b"5;" + b"a" * 2_000_000,
        b"2\r\n{}\r\n0\r\n" + b"X-A: b\r\n" * 100_000,
        b"f" * 40 + b"\r\n{}",
        b"ffffffff\r\n" + b" " * (11 * 2**20),
        b"1\r\n \r\n" * 50_000 + b"0\r\n\r\n",
    ],
    ids=["extension", "trailers", "digits", "announced", "tiny chunks"],
)
def test_a_body_in_chunks_is_bounded_in_every_part_of_its_framing(daemon: Daemon, pieces: bytes) -> None:
    before = daemon.resident_bytes()
    found = exchange(daemon, chunked(pieces))
    assert [answer.status for answer in found] in ([400], [408], [413])
    assert daemon.resident_bytes() - before < TOO_MUCH


@pytest.mark.parametrize(
    "body",
    [
        b'{"seed": ' + b"9" * 1_000_000 + b"}",
        b'{"seed": 99999999999999999999999999}',
        b'{"seed": -1e400}',
        b'{"temperature": 1e999}',
        b'{"temperature": NaN}',
        b'{"max_tokens": 1e308}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
        b'{"messages": [], "\\udfff": 1}',
        b'{"messages": [{"role": "user", "content": "Hi"}], "model": "a\\u0000b"}',
        b'{"messages": [{"role": "user", "content": "Hi"}], "model": "\\ud83d"}',
        b'{"messages": [{"role": "\\u0000", "content": "Hi"}]}',
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        b"nul",
        b'"' + b"\\" * 1_000_000,
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
    ],
    ids=range(18),
)
@pytest.mark.parametrize("path", [*PATHS, b"/v1/embeddings"])
def test_a_body_that_no_parser_likes_is_the_callers_mistake_everywhere(
    daemon: Daemon, body: bytes, path: bytes
) -> None:
    assert [answer.status for answer in exchange(daemon, post(body, path=path))] == [400]
