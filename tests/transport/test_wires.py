"""Connections are kept, checked before they are used again, and never left behind."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cortex_actors.errors import MalformedStream, UpstreamConnectError, UpstreamError, UpstreamTimeout
from cortex_actors.transport import HTTPTransport, http_transport
from cortex_actors.transport.pools import WirePool
from tests.transport import LONG, exchange, read_all
from tests.transport.conftest import Certificate
from tests.upstream import (
    Answer,
    Chunk,
    Hang,
    Head,
    LastChunk,
    Reset,
    ScriptedUpstream,
    Send,
    Wait,
    openai_stream,
)

STREAM = openai_stream(["Ho", "la"])


def test_a_connection_is_used_again_after_a_clean_end(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.default = STREAM
    for _ in range(3):
        assert read_all(exchange(transport, upstream.url).open()) == STREAM.body
    assert upstream.accepted == 1


def test_a_connection_is_used_again_when_the_end_follows_close_at_once(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_transport, "_LINGER", LONG)
    head = Head(200, {"Transfer-Encoding": "chunked"})
    upstream.default = [head, Chunk(b"data: [DONE]\n\n"), Wait(0.02), LastChunk()]
    for _ in range(2):
        response = exchange(transport, upstream.url).open()
        assert response.read() == b"data: [DONE]\n\n"
        response.close()
    assert upstream.accepted == 1


def test_a_short_tail_that_nobody_wants_is_read_to_keep_the_connection(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    head = Head(200, {"Transfer-Encoding": "chunked"})
    upstream.default = [head, Chunk(b"the answer"), Chunk(b"data: [DONE]\n\n"), LastChunk()]
    for _ in range(2):
        response = exchange(transport, upstream.url).open()
        response.read()
        response.close()
    assert upstream.accepted == 1


LONG_REST = [
    Head(200, {"Transfer-Encoding": "chunked"}),
    *[Chunk(b"x" * 65_536) for _ in range(4)],
    LastChunk(),
]


@pytest.mark.parametrize("rest", [STREAM.then(Hang()), LONG_REST], ids=["nothing follows", "much follows"])
def test_a_connection_is_dropped_when_its_body_has_not_ended(
    upstream: ScriptedUpstream, transport: HTTPTransport, rest: Answer
) -> None:
    upstream.default = rest
    response = exchange(transport, upstream.url).open()
    response.read()
    response.close()
    assert upstream.request().closed.wait(10)


def test_a_connection_that_was_closed_while_it_rested_is_replaced(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.default = STREAM
    read_all(exchange(transport, upstream.url).open())
    upstream.down()
    upstream.up()
    assert read_all(exchange(transport, upstream.url).open()) == STREAM.body
    assert (upstream.accepted, len(upstream.requests)) == (2, 2)


def test_a_connection_that_fails_when_it_is_used_again_is_not_a_reason_to_send_twice(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue(STREAM, [Reset()], STREAM)
    read_all(exchange(transport, upstream.url).open())
    with pytest.raises(UpstreamConnectError):
        exchange(transport, upstream.url).open()
    assert (upstream.accepted, len(upstream.requests)) == (1, 2)


def test_a_connection_that_rested_too_long_is_replaced(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WirePool, "max_rest", -1.0)
    upstream.default = STREAM
    for _ in range(2):
        read_all(exchange(transport, upstream.url).open())
    assert upstream.accepted == 2


def test_connections_of_a_busy_hour_are_closed_once_they_rested_too_long(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.default = STREAM
    responses = [exchange(transport, upstream.url).open() for _ in range(5)]
    for response in responses:
        read_all(response)
    assert upstream.open_sockets == 5
    monkeypatch.setattr(WirePool, "max_rest", 0.0)
    read_all(exchange(transport, upstream.url).open())
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_more_connections_than_the_pool_keeps_are_made_and_closed_after_use(
    upstream: ScriptedUpstream,
) -> None:
    upstream.default = STREAM
    transport = HTTPTransport(pool_size=2)
    responses = [exchange(transport, upstream.url).open() for _ in range(5)]
    assert upstream.accepted == 5
    for response in responses:
        assert read_all(response) == STREAM.body
    assert upstream.wait_for(lambda: upstream.open_sockets == 2)
    transport.close()


def test_close_frees_every_connection_that_rests(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.default = STREAM
    read_all(exchange(transport, upstream.url).open())
    assert upstream.open_sockets == 1
    transport.close()
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_close_lets_an_exchange_under_way_run_to_its_end(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.default = STREAM
    response = exchange(transport, upstream.url).open()
    transport.close()
    assert read_all(response) == STREAM.body
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_no_descriptor_is_left_behind_however_exchanges_end(threads: ThreadPoolExecutor) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    def attempt(number: int) -> None:
        running = exchange(transport, upstream.url)
        try:
            response = running.open()
            response.read()
            if number % 5 == 0:
                running.cancel()
            read_all(response)
        except UpstreamError:
            pass

    before = descriptors()
    with ScriptedUpstream() as upstream:
        transport = HTTPTransport()
        answers: list[Answer] = [STREAM, STREAM.cut(30), STREAM.framed("close"), [Reset()]]
        upstream.enqueue(*(answers * 50))
        list(threads.map(attempt, range(200)))
        transport.close()
    import os as o

    print(
        [
            o.readlink("/proc/self/fd/" + x)
            for x in o.listdir("/proc/self/fd")
            if o.path.exists("/proc/self/fd/" + x)
        ]
    )
    assert descriptors() <= before


def test_tls_is_verified_against_the_given_bundle(certificate: Certificate) -> None:
    with ScriptedUpstream(tls=certificate.server) as upstream:
        upstream.default = STREAM
        transport = HTTPTransport(ca_bundle=certificate.file)
        for _ in range(2):
            assert read_all(exchange(transport, upstream.url).open()) == STREAM.body
        assert upstream.accepted == 1
        transport.close()


def test_a_tls_handshake_that_is_not_answered_is_a_connect_timeout(transport: HTTPTransport) -> None:
    with ScriptedUpstream(silent=True) as upstream:
        with pytest.raises(UpstreamTimeout) as caught:
            exchange(transport, upstream.url.replace("http:", "https:"), connect=0.2).open()
        assert caught.value.limit == "connect"
        assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_a_certificate_that_nobody_vouches_for_is_a_connect_error(
    certificate: Certificate, transport: HTTPTransport
) -> None:
    with ScriptedUpstream(tls=certificate.server) as upstream:
        with pytest.raises(UpstreamConnectError, match="TLS"):
            exchange(transport, upstream.url).open()
        assert not upstream.requests


def test_a_certificate_for_another_name_is_a_connect_error(certificate: Certificate) -> None:
    transport = HTTPTransport(ca_bundle=certificate.file)
    with ScriptedUpstream(tls=certificate.server) as upstream:
        with pytest.raises(UpstreamConnectError, match="TLS"):
            exchange(transport, upstream.url.replace("127.0.0.1", "localhost")).open()
        assert not upstream.requests


def _interim(status: int) -> Send:
    return Send(f"HTTP/1.1 {status} Wait\r\nLink: </style>\r\n\r\n".encode())


@pytest.mark.parametrize("status", [100, 102, 103])
def test_interim_answers_are_passed_over_and_each_exchange_gets_its_own_answer(
    upstream: ScriptedUpstream, transport: HTTPTransport, status: int
) -> None:
    for text in ("first", "second"):
        body = openai_stream([text])
        upstream.enqueue([_interim(status), _interim(status), *body.steps()])
        response = exchange(transport, upstream.url).open()
        assert response.status == 200
        assert text.encode() in b"".join(iter(response.read, b""))
        response.close()


def test_endless_interim_answers_are_no_answer(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.default = [_interim(102)] * 50
    with pytest.raises(MalformedStream):
        exchange(transport, upstream.url).open()


@pytest.mark.parametrize("status", [101, 204, 304])
def test_a_connection_is_not_used_again_after_an_answer_that_makes_no_sense_here(
    upstream: ScriptedUpstream, transport: HTTPTransport, status: int
) -> None:
    upstream.enqueue([Send(f"HTTP/1.1 {status} Odd\r\n\r\n".encode()), *STREAM.steps()])
    upstream.default = STREAM
    odd = exchange(transport, upstream.url).open()
    assert odd.status == status
    odd.close()
    assert read_all(exchange(transport, upstream.url).open()) == STREAM.body
    assert upstream.accepted == 2
