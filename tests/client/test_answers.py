"""What a plain call gives back: the answer by its type, or a typed error that carries all the server said."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cortex_actors.client import APIError, ConnectionFailed, StatusError, TimedOut, Timeouts, UnexpectedAnswer
from cortex_actors.client.errors import (
    AuthenticationFailed,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    Redirected,
    ServerError,
    StreamInterrupted,
    Unprocessable,
)
from cortex_actors.client.retry import RetryPolicy
from tests.client import PLAIN
from tests.client.conftest import Connect
from tests.upstream import (
    Chunk,
    Gate,
    Hang,
    Head,
    LastChunk,
    Reset,
    ScriptedUpstream,
    Send,
    black_hole,
    json_answer,
    refused_url,
)

ONCE = RetryPolicy(max_attempts=1)


def _get(connect: Connect, endpoint: dict[str, Any] | None = None, **options: Any) -> Any:
    return connect({**PLAIN, **(endpoint or {})}, retry=ONCE, **options).execute(
        "get_thing", path_params={"id": 1}
    )


def test_an_answer_is_its_data_and_what_came_with_it(upstream: ScriptedUpstream, connect: Connect) -> None:
    head = {"Content-Type": "application/json", "Content-Length": "7", "X-Request-Id": "r1"}
    upstream.default = [Head(201, head), Send(b'{"a":1}')]
    response = _get(connect)
    assert (response.data, response.status, response.body) == ({"a": 1}, 201, b'{"a":1}')
    assert (response.request_id, response.retries) == ("r1", 0)
    assert response.url == upstream.url + "/things/1"
    assert response.elapsed > 0


def test_duplicates_of_a_header_are_kept(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-11: a plain map loses all but one.
    upstream.default = [
        Send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n")
    ]
    headers = _get(connect).headers
    assert headers.get_all("SET-COOKIE") == ("a", "b")
    assert headers["Set-Cookie"] == "a, b"


@pytest.mark.parametrize(
    ("kind", "body", "endpoint", "data"),
    [
        ("application/json; charset=utf-8", b"[1]", {}, [1]),
        ("application/problem+json", b"{}", {}, {}),
        ("text/plain", "grüße".encode(), {}, "grüße"),
        ("text/plain", b"{}", {"response": "string"}, "{}"),
        ("image/png", b"\x89", {}, b"\x89"),
        ("application/json", b"", {}, None),
        ("application/json", b"\xef\xbb\xbf[1]", {}, [1]),
    ],
)
def test_a_body_is_read_as_what_it_calls_itself(
    upstream: ScriptedUpstream, connect: Connect, kind: str, body: bytes, endpoint: Any, data: Any
) -> None:
    upstream.default = [Head(200, {"Content-Type": kind, "Content-Length": str(len(body))}), Send(body)]
    assert _get(connect, endpoint).data == data


def test_an_answer_is_unwrapped_and_read_by_its_type(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(200, {"data": [{"itemName": "x"}]})
    types = {"Item": {"fields": {"name": {"type": "string", "alias": "itemName"}}}}
    endpoint = {"response": "Item", "response_unwrap": "data.0"}
    assert _get(connect, endpoint, manifest={"types": types}).data == {"name": "x"}


@pytest.mark.parametrize("unwrap", ["data.1", "data.x", "nothing", "data.0.name.more"])
def test_a_wrapping_that_is_not_there_is_an_error(
    upstream: ScriptedUpstream, connect: Connect, unwrap: str
) -> None:
    upstream.default = json_answer(200, {"data": [{"name": "x"}]})
    with pytest.raises(UnexpectedAnswer, match="the answer has no"):
        _get(connect, {"response_unwrap": unwrap})


def test_an_answer_that_is_not_what_it_says_is_an_error(upstream: ScriptedUpstream, connect: Connect) -> None:
    types = {"T": {"fields": {"a": {"type": "string", "required": True}}}}
    upstream.enqueue([Head(200, {"Content-Type": "application/json", "Content-Length": "1"}), Send(b"{")])
    with pytest.raises(UnexpectedAnswer, match="not JSON"):
        _get(connect)
    upstream.enqueue([Head(200, {"Content-Type": "text/html", "Content-Length": "1"}), Send(b"<")])
    with pytest.raises(UnexpectedAnswer, match="text/html"):
        _get(connect, {"response": "T"}, manifest={"types": types})
    upstream.enqueue(json_answer(200, {}), json_answer(200, {}))
    assert _get(connect, {"response": "T"}, manifest={"types": types}).data == {}
    with pytest.raises(UnexpectedAnswer, match="/a: is required"):
        _get(connect, {"response": "T"}, manifest={"types": types}, strict_answers=True)


def test_an_answer_without_end_is_cut_at_the_limit(upstream: ScriptedUpstream, connect: Connect) -> None:
    chunked = Head(200, {"Transfer-Encoding": "chunked"})
    upstream.default = [chunked, *(Chunk(b"x" * 10_000) for _ in range(100)), LastChunk()]
    with pytest.raises(UnexpectedAnswer, match="larger than 50000 bytes"):
        _get(connect, max_body_bytes=50_000)
    assert upstream.request().closed.wait(10)


@pytest.mark.parametrize(
    ("status", "cls", "retriable"),
    [
        (400, BadRequest, False),
        (401, AuthenticationFailed, False),
        (403, PermissionDenied, False),
        (404, NotFound, False),
        (408, StatusError, True),
        (409, Conflict, False),
        (418, StatusError, False),
        (422, Unprocessable, False),
        (429, RateLimited, True),
        (500, ServerError, True),
        (503, ServerError, True),
        (599, ServerError, True),
    ],
)
def test_a_refusal_is_a_typed_error_with_everything_it_said(
    upstream: ScriptedUpstream, connect: Connect, status: int, cls: type[StatusError], retriable: bool
) -> None:
    # P-8: a non-2xx is never an answer.
    upstream.default = json_answer(status, {"error": {"message": "no way"}}, {"X-Request-Id": "r7"})
    with pytest.raises(cls) as caught:
        _get(connect)
    error = caught.value
    assert (type(error), error.status, error.retriable) == (cls, status, retriable)
    assert (error.data, error.request_id) == ({"error": {"message": "no way"}}, "r7")
    assert b"no way" in error.body
    assert str(error) == f"get_thing: {status} no way"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"message": "a"}', "a"),
        (b'{"error": "b"}', "b"),
        (b'{"error": "b", "details": "c"}', "c"),
        (b'{"detail": {"message": "d"}}', "d"),
        (b"<h1>oops</h1>", "<h1>oops</h1>"),
        (b"", "bad request"),
        (b"[]", "[]"),
        (b'{"error": "\\u001b[31mred\\nand more"}', "\\u001b[31mred and more"),
    ],
)
def test_the_sentence_that_says_what_is_wrong_is_found(
    upstream: ScriptedUpstream, connect: Connect, body: bytes, told: str
) -> None:
    upstream.default = [Head(400, {"Content-Length": str(len(body))}), Send(body)]
    with pytest.raises(BadRequest) as error:
        _get(connect)
    assert error.value.message == f"400 {told}"


def test_a_redirect_is_told_and_not_followed(upstream: ScriptedUpstream, connect: Connect) -> None:
    head = {
        "Location": "https://else.test/",
        "Expires": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Content-Length": "0",
    }
    for status in (301, 302, 307, 308):
        upstream.default = [Head(status, head)]
        with pytest.raises(Redirected) as error:
            _get(connect)
        assert (error.value.url, error.value.status) == ("https://else.test/", status)
        assert error.value.expires == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert len(upstream.requests) == 4


def test_the_manifest_names_failures_and_says_whether_to_try_again(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-15: error_types are applied.
    manifest = {
        "types": {"Why": {"fields": {"reason": {"type": "string", "alias": "why"}}}},
        "error_types": {
            "4xx": {"name": "refused", "retryable": True},
            "409": {"name": "taken", "type": "Why"},
            "5xx": {"name": "broken", "retryable": False},
        },
    }
    seen: list[tuple[str | None, bool, Any]] = []
    for status in (409, 410, 500):
        upstream.enqueue(json_answer(status, {"why": "so"}))
        with pytest.raises(StatusError) as error:
            _get(connect, manifest=manifest)
        seen.append((error.value.error_type, error.value.retriable, error.value.data))
    assert seen == [
        ("taken", False, {"reason": "so"}),
        ("refused", True, {"why": "so"}),
        ("broken", False, {"why": "so"}),
    ]


def test_an_endpoint_may_name_the_failures_it_knows(upstream: ScriptedUpstream, connect: Connect) -> None:
    manifest = {"error_types": {"404": {"name": "gone"}, "409": {"name": "taken"}}}
    upstream.default = json_answer(404)
    with pytest.raises(NotFound) as error:
        _get(connect, {"error_types": ["taken"]}, manifest=manifest)
    assert error.value.error_type is None


@pytest.mark.parametrize(("wish", "retriable"), [("true", True), ("false", False), ("maybe", False)])
def test_the_server_may_say_itself_whether_to_try_again(
    upstream: ScriptedUpstream, connect: Connect, wish: str, retriable: bool
) -> None:
    upstream.default = json_answer(400, headers={"X-Should-Retry": wish})
    with pytest.raises(BadRequest) as error:
        _get(connect)
    assert error.value.retriable is retriable


def test_nobody_listening_is_a_failed_connection(connect: Connect) -> None:
    with pytest.raises(ConnectionFailed) as error:
        _get(connect, base_url=refused_url())
    assert (error.value.sent, error.value.retriable) == (False, True)


def test_a_server_that_hangs_up_may_have_seen_the_request(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = [Reset()]
    with pytest.raises(ConnectionFailed) as error:
        _get(connect)
    assert error.value.sent


def test_an_answer_that_breaks_off_is_an_error(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = [Head(200, {"Content-Length": "10"}), Send(b"half"), Reset()]
    with pytest.raises(StreamInterrupted, match="the server's answer broke off"):
        _get(connect)


@pytest.mark.parametrize(
    ("timeouts", "limit"),
    [
        (Timeouts(connect=30, first_byte=0.2, idle=0.2), "first_byte"),
        (Timeouts(connect=0.1, first_byte=0.2, idle=30), "first_byte"),
        (Timeouts(connect=0.1, first_byte=30, idle=30, total=0.2), "total"),
        (0.2, "first_byte"),
    ],
)
def test_a_server_that_never_answers_meets_the_limit_by_its_name(
    upstream: ScriptedUpstream, connect: Connect, timeouts: Any, limit: str
) -> None:
    upstream.default = [Hang()]
    with pytest.raises(TimedOut) as error:
        _get(connect, timeouts=timeouts)
    assert error.value.limit == limit
    assert upstream.request().closed.wait(10)


@pytest.mark.parametrize(
    ("timeouts", "limit"),
    [
        (Timeouts(first_byte=30, idle=0.2), "idle"),
        (Timeouts(first_byte=0.2, idle=0.2), "idle"),
        (Timeouts(first_byte=30, idle=30, total=0.3), "total"),
    ],
)
def test_a_server_that_falls_silent_meets_the_limit_by_its_name(
    upstream: ScriptedUpstream, connect: Connect, timeouts: Any, limit: str
) -> None:
    upstream.default = [Head(200, {"Content-Length": "10"}), Send(b"half"), Hang()]
    with pytest.raises(TimedOut) as error:
        _get(connect, timeouts=timeouts)
    assert error.value.limit == limit


def test_a_connection_that_never_stands_meets_the_connect_limit(connect: Connect) -> None:
    with black_hole() as url, pytest.raises(TimedOut) as error:
        _get(connect, base_url=url, timeouts=Timeouts(connect=0.2))
    assert error.value.limit == "connect"


def test_of_the_limits_the_call_decides_then_the_context_then_the_endpoint(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = [Hang()]
    endpoint = {**PLAIN, "timeout": 100}
    with pytest.raises(TimedOut) as by_endpoint:
        connect(endpoint, timeouts=None, retry=ONCE).execute("get_thing", path_params={"id": 1})
    with pytest.raises(TimedOut) as by_context:
        connect(endpoint, timeouts=0.2, retry=ONCE).execute("get_thing", path_params={"id": 1})
    with pytest.raises(TimedOut) as by_call:
        connect(endpoint, timeouts=0.2, retry=ONCE).execute("get_thing", path_params={"id": 1}, timeout=0.3)
    assert [each.value.seconds for each in (by_endpoint, by_context, by_call)] == [0.1, 0.2, 0.3]


def test_a_slow_answer_within_its_limits_is_no_error(upstream: ScriptedUpstream, connect: Connect) -> None:
    go = threading.Event()
    upstream.default = [Head(200, {"Content-Length": "2"}), Send(b"4"), Gate(go), Send(b"2")]
    threading.Timer(0.3, go.set).start()
    assert _get(connect, timeouts=Timeouts(first_byte=10, idle=20, total=30)).data == 42


def test_errors_hold_no_credential(upstream: ScriptedUpstream, connect: Connect) -> None:
    from cortex_actors.client import Bearer

    upstream.default = json_answer(500)
    with pytest.raises(APIError) as error:
        _get(connect, auth=Bearer("CANARY"))
    assert "CANARY" not in repr(error.value) + str(error.value) + repr(vars(error.value))


def test_an_answer_that_is_nested_too_deeply_is_an_answer_that_does_not_fit(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    body = b'{"in":' * 600 + b"1" + b"}" * 600
    upstream.default = [
        Head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))}),
        Send(body),
    ]
    endpoint = {"response": "Doll"}
    types = {"types": {"Doll": {"fields": {"in": "Doll"}}}}
    assert list(_get(connect, endpoint, manifest=types).data) == ["in"]
    with pytest.raises(UnexpectedAnswer, match="nested too deeply"):
        _get(connect, endpoint, manifest=types, strict_answers=True)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_limit_that_is_no_time_is_refused_when_it_is_made(seconds: Any) -> None:
    with pytest.raises(ValueError, match="the idle limit must be seconds above 0"):
        Timeouts(idle=seconds)
