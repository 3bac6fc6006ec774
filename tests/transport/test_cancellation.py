"""Any thread can stop an exchange at any moment, and only that exchange."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from cortex_actors.errors import AttemptCancelled
from cortex_actors.transport import Exchange, HTTPTransport
from cortex_actors.transport.pools import WirePool
from tests.transport import LONG, exchange, read_all
from tests.transport.conftest import Certificate
from tests.upstream import Gate, Hang, ScriptedUpstream, black_hole, json_answer, openai_stream

STREAM = openai_stream(["Ho", "la"])
#: /proc/net/tcp writes states as hexadecimal numbers.
SYN_SENT = "02"


def assert_ends(blocked: Future[Any]) -> None:
    """It was waiting with a limit of LONG, and ends long before that."""
    with pytest.raises(AttemptCancelled):
        blocked.result(timeout=LONG / 3)


def eventually(condition: Callable[[], bool]) -> None:
    """Poll for what no event tells."""
    deadline = monotonic() + LONG
    while not condition():
        assert monotonic() < deadline
        sleep(0.001)


def connecting_to(url: str) -> int:
    """How many sockets of this machine are in the middle of a connect to the port of `url`."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[2].endswith(port) and row[3] == SYN_SENT for row in rows)


def read_to_the_end(opened: Exchange) -> bytes:
    return read_all(opened.open())


def test_before_it_is_opened(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    never = exchange(transport, upstream.url)
    never.cancel()
    with pytest.raises(AttemptCancelled):
        never.open()
    assert upstream.accepted == 0


def test_while_a_name_is_looked_up_nothing_is_sent_afterwards(
    upstream: ScriptedUpstream,
    transport: HTTPTransport,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking, found, lookup = threading.Event(), threading.Event(), socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        looking.set()
        found.wait(LONG)
        return lookup(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    running = exchange(transport, upstream.url)
    blocked = threads.submit(running.open)
    assert looking.wait(LONG)
    running.cancel()
    found.set()
    assert_ends(blocked)
    assert upstream.accepted == 0


def test_while_it_connects(transport: HTTPTransport, threads: ThreadPoolExecutor) -> None:
    with black_hole() as url:
        running = exchange(transport, url)
        # The hole itself is filled with some.
        before = connecting_to(url)
        blocked = threads.submit(running.open)
        eventually(lambda: connecting_to(url) > before)
        running.cancel()
        assert_ends(blocked)
        assert connecting_to(url) == before


def test_while_tls_is_negotiated(certificate: Certificate, threads: ThreadPoolExecutor) -> None:
    transport = HTTPTransport(ca_bundle=certificate.file)
    with ScriptedUpstream(silent=True) as upstream:
        running = exchange(transport, upstream.url.replace("http:", "https:"))
        blocked = threads.submit(running.open)
        assert upstream.wait_for(lambda: upstream.accepted == 1)
        running.cancel()
        assert_ends(blocked)
        assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_while_it_sends_a_body_that_nobody_reads(
    transport: HTTPTransport, threads: ThreadPoolExecutor
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        running = exchange(transport, f"http://127.0.0.1:{listener.getsockname()[1]}", body=bytes(50_000_000))
        blocked = threads.submit(running.open)
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(1)
            running.cancel()
            assert_ends(blocked)


def test_while_it_waits_for_the_head_on_a_new_connection(
    upstream: ScriptedUpstream, transport: HTTPTransport, threads: ThreadPoolExecutor
) -> None:
    upstream.enqueue([Hang()])
    running = exchange(transport, upstream.url)
    blocked = threads.submit(running.open)
    request = upstream.request()
    running.cancel()
    assert_ends(blocked)
    assert request.closed.wait(10)


def test_while_it_waits_for_the_head_on_a_pooled_connection(
    upstream: ScriptedUpstream, transport: HTTPTransport, threads: ThreadPoolExecutor
) -> None:
    upstream.enqueue(json_answer(200, {}), [Hang()])
    read_all(exchange(transport, upstream.url).open())
    running = exchange(transport, upstream.url)
    blocked = threads.submit(running.open)
    request = upstream.request(1)
    running.cancel()
    assert_ends(blocked)
    assert request.closed.wait(10)
    assert request.connection == 0


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_while_it_reads_the_body(
    upstream: ScriptedUpstream, transport: HTTPTransport, threads: ThreadPoolExecutor, framing: str
) -> None:
    upstream.enqueue(STREAM.framed(framing).pause(1, Hang()))  # type: ignore[arg-type]
    running = exchange(transport, upstream.url)
    response = running.open()
    assert response.read() == STREAM.events[0]
    blocked = threads.submit(response.read)
    running.cancel()
    assert_ends(blocked)
    assert upstream.request().closed.wait(10)
    with pytest.raises(AttemptCancelled):
        response.read()


def test_while_it_reads_the_body_over_tls(certificate: Certificate, threads: ThreadPoolExecutor) -> None:
    transport = HTTPTransport(ca_bundle=certificate.file)
    with ScriptedUpstream(tls=certificate.server) as upstream:
        upstream.enqueue(STREAM.pause(1, Hang()))
        running = exchange(transport, upstream.url)
        response = running.open()
        assert response.read() == STREAM.events[0]
        blocked = threads.submit(response.read)
        running.cancel()
        assert_ends(blocked)
        assert upstream.request().closed.wait(10)


def test_while_it_reads_the_body_of_a_refusal(
    upstream: ScriptedUpstream, transport: HTTPTransport, threads: ThreadPoolExecutor
) -> None:
    upstream.enqueue(STREAM.pause(1, Hang()))
    running = exchange(transport, upstream.url)
    blocked = threads.submit(running.open().read_error_body)
    running.cancel()
    assert_ends(blocked)


def test_what_has_arrived_is_not_read_any_more(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.enqueue(STREAM)
    running = exchange(transport, upstream.url)
    response = running.open()
    assert upstream.request().answered.wait(10)
    running.cancel()
    with pytest.raises(AttemptCancelled):
        response.read()


def test_after_its_end_it_does_not_touch_the_next_exchange_on_its_connection(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    gate = threading.Event()
    upstream.enqueue(STREAM, STREAM.pause(1, Gate(gate)))
    ended = exchange(transport, upstream.url)
    read_all(ended.open())
    response = exchange(transport, upstream.url).open()
    assert response.read() == STREAM.events[0]
    ended.cancel()
    gate.set()
    assert STREAM.events[0] + read_all(response) == STREAM.body
    assert upstream.accepted == 1


def test_when_its_connection_enters_the_pool_it_can_no_longer_be_touched(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.default = STREAM
    ending = exchange(transport, upstream.url)
    keep = WirePool._keep

    def cancel_and_keep(*args: Any) -> None:
        ending.cancel()
        keep(*args)

    monkeypatch.setattr(WirePool, "_keep", cancel_and_keep)
    with pytest.raises(AttemptCancelled):
        read_to_the_end(ending)
    assert read_to_the_end(exchange(transport, upstream.url)) == STREAM.body
    assert upstream.accepted == 1


def test_a_cancel_twice_is_a_cancel(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.enqueue([Hang()])
    running = exchange(transport, upstream.url)
    running.cancel()
    running.cancel()
    with pytest.raises(AttemptCancelled):
        running.open()


def test_at_random_moments_it_stops_its_own_exchange_and_no_other(
    upstream: ScriptedUpstream, transport: HTTPTransport, threads: ThreadPoolExecutor
) -> None:
    upstream.default = STREAM
    chance = random.Random(7)
    for _ in range(40):
        running = [exchange(transport, upstream.url) for _ in range(8)]
        results = [threads.submit(read_to_the_end, one) for one in running]
        cancelled = chance.sample(range(8), 4)
        for index in cancelled:
            sleep(chance.random() / 1000)
            running[index].cancel()
        for index, result in enumerate(results):
            try:
                assert result.result(LONG) == STREAM.body
            except AttemptCancelled:
                assert index in cancelled
