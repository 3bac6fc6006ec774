"""What only a real socket shows: flushing, cuts, callers that leave, stall or dribble."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from itertools import repeat

import pytest

from cortex_actors.chat import ChatRequest, Chunk
from cortex_actors.dispatch.messages import Caller, EndName
from cortex_actors.errors import TruncatedStream
from cortex_actors.settings import ServerSettings, Settings
from tests.web.conftest import Serve
from tests.web.gateway_double import GatewayDouble, StreamDouble, failed
from tests.web.live_app import PATIENCE, read_to_end, read_until

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
CUT = failed(EndName.TRUNCATED, TruncatedStream("Cut short."))


class Gate:
    """A step that waits until the test says go."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def __call__(self) -> tuple[Chunk, ...]:
        assert self._open.wait(PATIENCE)
        return (Chunk(text=self._text),)


def with_server(**changes: float) -> Settings:
    return Settings(server=replace(ServerSettings(), **changes))  # type: ignore[arg-type]


def test_the_first_words_arrive_before_the_last_are_thought_of(serve: Serve) -> None:
    gate = Gate("last")
    live = serve(GatewayDouble(steps=((Chunk(text="first"),), gate)))
    with live.post("/api/chat", ASK) as sock:
        head = read_until(sock, b"5\r\nfirst\r\n")
        gate.open()
        rest = read_to_end(sock)

    assert b"Transfer-Encoding: chunked\r\n" in head
    assert rest == b"4\r\nlast\r\n0\r\n\r\n"


def test_plain_text_that_failed_ends_without_its_last_chunk(serve: Serve) -> None:
    live = serve(GatewayDouble(steps=((Chunk(text="half"),),), end=CUT))
    with live.post("/api/chat", ASK) as sock:
        received = read_to_end(sock)

    assert received.endswith(b"4\r\nhalf\r\n")


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
def test_a_failure_that_was_told_ends_the_body_in_good_order(serve: Serve, accept: str) -> None:
    live = serve(GatewayDouble(steps=((Chunk(text="half"),),), end=CUT))
    with live.post("/api/chat", ASK, accept) as sock:
        received = read_to_end(sock)

    assert b'"code":"truncated_stream"' in received
    assert received.endswith(b"\r\n0\r\n\r\n")


def test_a_caller_that_leaves_before_the_first_word_is_seen_leaving(serve: Serve) -> None:
    opened, left = threading.Event(), threading.Event()

    class Waiting(GatewayDouble):
        def open_stream(self, request: ChatRequest, caller: Caller) -> StreamDouble:
            opened.set()
            until = time.monotonic() + PATIENCE
            while not caller.gone() and time.monotonic() < until:
                left.wait(0.01)
            if caller.gone():
                left.set()
            return super().open_stream(request, caller)

    sock = serve(Waiting()).post("/api/chat", ASK)
    assert opened.wait(PATIENCE)
    assert not left.is_set()
    sock.close()

    assert left.wait(PATIENCE)


def test_a_caller_that_leaves_in_mid_stream_closes_the_stream(serve: Serve) -> None:
    gateway = GatewayDouble(steps=repeat((Chunk(text="x" * 1000),)))
    sock = serve(gateway).post("/api/chat", ASK)
    read_until(sock, b"xxx")
    sock.close()

    assert gateway.streams[0].freed.wait(PATIENCE)


def test_a_caller_that_reads_nothing_is_dropped(serve: Serve) -> None:
    gateway = GatewayDouble(steps=repeat((Chunk(text="x" * 65536),)), settings=with_server(write_timeout=0.2))
    with serve(gateway).post("/api/chat", ASK, receive_buffer=4096) as sock:
        read_until(sock, b"200 OK")
        assert gateway.streams[0].freed.wait(PATIENCE)


def test_a_body_that_dribbles_is_cut_off_however_steadily(serve: Serve) -> None:
    gateway = GatewayDouble(settings=with_server(body_timeout=0.5, write_timeout=60))
    with serve(gateway).connect() as sock:
        sock.sendall(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        sock.setblocking(False)
        received, until = b"", time.monotonic() + PATIENCE
        while b"\r\n\r\n" not in received and time.monotonic() < until:
            try:
                sock.send(b" ")
                received += sock.recv(65536)
            except BlockingIOError:
                threading.Event().wait(0.02)

    assert received.startswith(b"HTTP/1.1 408 ")
    assert gateway.asked == []


def test_a_body_may_come_in_chunks(serve: Serve) -> None:
    gateway = GatewayDouble()
    body = json.dumps(ASK).encode()
    with serve(gateway).connect() as sock:
        sock.sendall(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (body[:7], body[7:8], body[8:]):
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        sock.sendall(b"0\r\n\r\n")
        assert read_to_end(sock).startswith(b"HTTP/1.1 200 ")

    assert gateway.asked[0].messages[0].text == "Hi"


def test_a_chunked_body_over_the_limit_is_refused(serve: Serve) -> None:
    gateway = GatewayDouble(settings=with_server(max_body_bytes=1000))
    with serve(gateway).connect() as sock:
        sock.sendall(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        sock.sendall(b"3e9\r\n" + b" " * 1001 + b"\r\n0\r\n\r\n")
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")

    assert gateway.asked == []


def test_a_chunked_body_with_broken_framing_is_a_400(serve: Serve) -> None:
    with serve(GatewayDouble()).connect() as sock:
        sock.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
