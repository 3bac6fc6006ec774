"""What an exchange sends, and how an answer is told from a broken one."""

from __future__ import annotations

import json
import socket
import threading
import traceback

import pytest

from cortex_actors.errors import (
    MalformedStream,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamError,
    UpstreamTimeout,
)
from cortex_actors.transport import HTTPTransport, UpstreamRequest
from tests.transport import exchange, read_all
from tests.upstream import (
    Chunk,
    Fin,
    Gate,
    Hang,
    Head,
    LastChunk,
    Reset,
    Script,
    ScriptedUpstream,
    Send,
    black_hole,
    json_answer,
    openai_stream,
    refused_url,
)

STREAM = openai_stream(["Ho", "la", " ¡Ñandú!"], usage=(9, 3))
FRAMINGS = ("chunked", "length", "close")
CHUNKED = Head(200, {"Transfer-Encoding": "chunked"})


def test_a_request_arrives_as_it_was_given(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.default = json_answer(200, {})
    body = json.dumps({"model": "m", "text": "x" * 300_000}).encode()
    exchange(transport, upstream.url + "/v1/chat?x=1", body=body, headers={"X-Key": "k"}).open()
    request = upstream.request()
    assert (request.method, request.path, request.body) == ("POST", "/v1/chat?x=1", body)
    assert request.headers["x-key"] == "k"
    assert request.headers["host"] == f"127.0.0.1:{upstream.port}"
    assert request.headers["user-agent"] == "cortex-actors"


def test_the_repr_of_a_request_tells_neither_key_nor_prompt() -> None:
    request = UpstreamRequest(
        "POST", "http://provider.test/", {"Authorization": "Bearer sk-CANARY"}, b"CANARY"
    )
    assert "CANARY" not in repr(request)


def test_limits_of_nothing_are_over_at_once(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.enqueue([Hang()])
    with pytest.raises(UpstreamTimeout):
        exchange(transport, upstream.url, connect=0.0, read=0.0).open()


def test_a_request_without_a_body_is_a_get(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.default = json_answer(200, {"data": []})
    response = exchange(transport, upstream.url + "/v1/models", body=None).open()
    assert json.loads(read_all(response)) == {"data": []}
    assert upstream.request().method == "GET"


def test_an_unencoded_body_is_asked_for_whatever_the_headers_say(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    exchange(transport, upstream.url, headers={"accept-ENCODING": "gzip"}).open()
    assert upstream.request().headers["accept-encoding"] == "identity"


def test_status_and_headers_are_there_before_the_body(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue([Head(200, {"X-Request-Id": "7", "Transfer-Encoding": "chunked"}), Hang()])
    opened = exchange(transport, upstream.url)
    response = opened.open()
    assert response.status == 200
    assert response.headers["x-request-ID"] == "7"
    opened.cancel()


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_piece_is_handed_on_when_it_arrives(
    upstream: ScriptedUpstream, transport: HTTPTransport, framing: str
) -> None:
    gate = threading.Event()
    upstream.enqueue(STREAM.framed(framing).pause(1, Gate(gate)))  # type: ignore[arg-type]
    response = exchange(transport, upstream.url).open()
    first = response.read()
    assert first == STREAM.events[0]
    gate.set()
    assert first + read_all(response) == STREAM.body


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_sent_byte_by_byte_is_exact_and_ends_cleanly(
    upstream: ScriptedUpstream, transport: HTTPTransport, framing: str
) -> None:
    upstream.enqueue(STREAM.framed(framing).in_pieces(1))  # type: ignore[arg-type]
    response = exchange(transport, upstream.url).open()
    assert read_all(response) == STREAM.body
    assert response.read() == b""


def test_one_piece_of_three_megabytes_is_intact(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    data = bytes(range(256)) * 12_000
    upstream.enqueue([CHUNKED, Chunk(data), LastChunk()])
    assert read_all(exchange(transport, upstream.url).open()) == data


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(STREAM.cut(60), id="chunked, FIN between chunks"),
        pytest.param(STREAM.then(Fin()), id="chunked, everything but the last chunk"),
        pytest.param(STREAM.cut(60, Reset()), id="chunked, reset"),
        pytest.param([CHUNKED, Send(b"10\r\nhalf"), Fin()], id="chunked, FIN inside a chunk"),
        pytest.param(STREAM.framed("length").cut(60), id="length, FIN too early"),
        pytest.param(STREAM.framed("length").cut(60, Reset()), id="length, reset"),
        pytest.param(STREAM.framed("close").cut(60, Reset()), id="until close, reset"),
    ],
)
def test_a_body_that_breaks_off_is_truncated_and_stays_so(
    upstream: ScriptedUpstream, transport: HTTPTransport, script: Script
) -> None:
    upstream.enqueue(script)
    response = exchange(transport, upstream.url).open()
    with pytest.raises(TruncatedStream):
        read_all(response)
    with pytest.raises(TruncatedStream):
        response.read()


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"zz\r\nla\r\n", id="unreadable size"),
        pytest.param(b"-2\r\nla\r\n", id="negative size"),
        pytest.param(b"0x2\r\nla\r\n", id="a size as Python would read it"),
        pytest.param(b"\r\n", id="no size"),
        pytest.param(b"2\r\nlarge\r\n", id="chunk longer than its size"),
        pytest.param(b"0\r\n" + b"X: x\r\n" * 200, id="too many trailers"),
        pytest.param(b"2;" + b"x" * 70_000 + b"\r\n", id="endless extension"),
    ],
)
def test_chunks_that_make_no_sense_are_malformed_and_what_came_before_them_is_handed_on(
    upstream: ScriptedUpstream, transport: HTTPTransport, nonsense: bytes
) -> None:
    upstream.enqueue([CHUNKED, Send(b"2\r\nHo\r\n" + nonsense), Fin()])
    response = exchange(transport, upstream.url).open()
    assert response.read().startswith(b"Ho")
    for _ in range(2):
        with pytest.raises(MalformedStream):
            read_all(response)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 two hundred\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", id="endless header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n", id="too many headers"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", id="two lengths"
        ),
    ],
)
def test_a_head_that_is_not_http_is_malformed(
    upstream: ScriptedUpstream, transport: HTTPTransport, answer: bytes
) -> None:
    upstream.enqueue([Send(answer), Fin()])
    with pytest.raises(MalformedStream):
        exchange(transport, upstream.url).open()
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_a_compressed_body_is_refused_and_never_inflated(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue([Head(200, {"Content-Encoding": "gzip", "Content-Length": "2"}), Send(b"\x1f\x8b")])
    response = exchange(transport, upstream.url).open()
    with pytest.raises(MalformedStream, match="compressed"):
        response.read()


def test_a_redirect_is_an_answer_and_nobody_follows_it(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue(json_answer(307, {}, {"Location": upstream.url + "/elsewhere"}))
    response = exchange(transport, upstream.url + "/v1").open()
    assert response.status == 307
    response.read_error_body()
    assert [request.path for request in upstream.requests] == ["/v1"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_is_an_answer_and_is_not_repeated(
    upstream: ScriptedUpstream, transport: HTTPTransport, status: int
) -> None:
    upstream.default = json_answer(status, {"error": "no"}, {"Retry-After": "0"})
    response = exchange(transport, upstream.url).open()
    assert (response.status, response.read_error_body()) == (status, b'{"error": "no"}')
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ([Head(500, {"Content-Length": "200000"}), Send(b"x" * 200_000)], b"x" * 65_536),
        ([Head(500, {"Content-Length": "9"}), Send(b"half"), Fin()], b"half"),
        ([Head(500, {"Content-Length": "9"}), Send(b"half"), Hang()], b"half"),
        ([Head(500, {"Content-Encoding": "gzip", "Content-Length": "2"}), Send(b"\x1f\x8b")], b""),
    ],
    ids=["too long", "cut", "stalled", "compressed"],
)
def test_of_the_body_of_a_refusal_as_much_is_read_as_can_be_had(
    upstream: ScriptedUpstream, transport: HTTPTransport, script: Script, body: bytes
) -> None:
    upstream.enqueue(script)
    response = exchange(transport, upstream.url, read=0.5).open()
    assert response.read_error_body() == body
    assert upstream.request().closed.wait(10)


def test_silence_inside_a_body_is_an_idle_timeout(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue(STREAM.pause(1, Hang()))
    response = exchange(transport, upstream.url, read=0.5).open()
    assert response.read() == STREAM.events[0]
    with pytest.raises(UpstreamTimeout) as caught:
        response.read()
    assert (caught.value.limit, caught.value.seconds) == ("idle", 0.5)
    assert upstream.request().closed.wait(10)


def test_silence_before_the_head_is_an_idle_timeout(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    upstream.enqueue([Hang()])
    with pytest.raises(UpstreamTimeout) as caught:
        exchange(transport, upstream.url, read=0.5).open()
    assert (caught.value.limit, caught.value.seconds) == ("idle", 0.5)
    assert upstream.request().closed.wait(10)


def test_a_connect_that_is_not_answered_is_a_connect_timeout(transport: HTTPTransport) -> None:
    with black_hole() as url, pytest.raises(UpstreamTimeout) as caught:
        exchange(transport, url, connect=0.2).open()
    assert (caught.value.limit, caught.value.seconds) == ("connect", 0.2)


@pytest.mark.parametrize("script", [[Reset()], [Fin()], [Send(b"HTTP/1.1 200 OK\r\nX-Half"), Reset()]])
def test_hanging_up_before_the_answer_is_a_connect_error(
    upstream: ScriptedUpstream, transport: HTTPTransport, script: Script
) -> None:
    upstream.enqueue(script)
    with pytest.raises(UpstreamConnectError):
        exchange(transport, upstream.url).open()
    assert len(upstream.requests) == 1


def test_a_refused_connect_is_a_connect_error_that_does_not_name_the_address(
    transport: HTTPTransport,
) -> None:
    with pytest.raises(UpstreamConnectError) as caught:
        exchange(transport, refused_url()).open()
    assert "127.0.0.1" not in str(caught.value)


def test_a_name_that_is_unknown_is_a_connect_error_that_does_not_tell_it(
    transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UpstreamConnectError, match="could not be resolved") as caught:
        exchange(transport, "http://provider.test/v1").open()
    assert "provider.test" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://a..b/", "http://[", "gopher://x/", "no url"])
def test_a_url_that_is_none_is_a_connect_error(transport: HTTPTransport, url: str) -> None:
    with pytest.raises(UpstreamConnectError):
        exchange(transport, url).open()


def test_the_next_address_of_a_name_is_tried_when_the_first_refuses(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = int(refused_url().rpartition(":")[2])
    entry = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    found = [(*entry, ("127.0.0.1", dead)), (*entry, ("127.0.0.1", upstream.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert exchange(transport, "http://provider.test/v1").open().status == 404


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"]
)
def test_the_metadata_service_of_a_cloud_is_never_connected_to(transport: HTTPTransport, host: str) -> None:
    with pytest.raises(UpstreamConnectError, match="address that is never used"):
        exchange(transport, f"http://{host}/latest/meta-data").open()


def test_a_header_that_cannot_be_sent_is_an_error_without_its_text(
    upstream: ScriptedUpstream, transport: HTTPTransport
) -> None:
    secret = "sk-CANARY"
    with pytest.raises(UpstreamError) as caught:
        exchange(transport, upstream.url, headers={"Authorization": f"Bearer {secret}\r\nX: y"}).open()
    assert secret not in "".join(traceback.format_exception(caught.value))
    assert not upstream.requests


def test_nothing_is_taken_from_the_environment(
    upstream: ScriptedUpstream, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, refused_url())
    assert exchange(transport, upstream.url).open().status == 404


def test_a_proxy_that_is_configured_is_used(upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(200, {})
    proxied = HTTPTransport(proxies={"http": upstream.url})
    exchange(proxied, "http://provider.test/v1").open().read()
    proxied.close()
    request = upstream.request()
    assert (request.path, request.headers["host"]) == ("http://provider.test/v1", "provider.test")


def test_cookies_are_not_kept(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    upstream.default = json_answer(200, {}, {"Set-Cookie": "a=b"})
    for _ in range(2):
        exchange(transport, upstream.url).open().read_error_body()
    assert "cookie" not in upstream.request(1).headers


def test_an_exchange_is_opened_once(upstream: ScriptedUpstream, transport: HTTPTransport) -> None:
    once = exchange(transport, upstream.url)
    once.open()
    with pytest.raises(RuntimeError):
        once.open()
    assert len(upstream.requests) == 1
