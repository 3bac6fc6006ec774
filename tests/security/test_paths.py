"""Path tricks: the path that is guarded is the path that is served, however it is written."""

from __future__ import annotations

import pytest

from tests.live.daemon import Daemon
from tests.security.raw import CLOSE, HOST, KEY, exchange
from tests.web.keys import ADMIN

#: Ways to write the path of an order that a proxy, or a careless guard, would not know again.
DISGUISES = (
    b"//api/admin/reload",
    b"/api//admin/reload",
    b"/api/admin%2freload",
    b"/api/%61dmin/reload",
    b"/%61pi/admin/reload",
    b"/api/%2561dmin/reload",
    b"/api/x/../admin/reload",
    b"/livez/../api/admin/reload",
    b"/livez/%2e%2e/api/admin/reload",
    b"/dashboard/..%2f..%2fapi/admin/reload",
    b"/api/admin/reload/",
    b"/api/admin/reload//",
    b"/api/admin/reload%00",
    b"/api/admin%00/reload",
    b"/api/admin/reload%0d%0a",
    b"/api/admin;x=y/reload",
    b"/api/admin/reload?/livez",
    b"/api/admin/reload%3f/livez",
    b"/API/ADMIN/reload",
    b"/api\\admin\\reload",
    b"/api/admin\xc0\xafreload",
    b"http://elsewhere/api/admin/reload",
    b"http://elsewhere//api/admin/reload",
    b"//elsewhere/api/admin/reload",
    b"api/admin/reload",
    b"*",
)

#: Headers by which frameworks let a caller say that it meant another path or method.
REWRITES = (
    b"SCRIPT_NAME: /pub\r\n",
    b"Script-Name: /pub\r\n",
    b"PATH_INFO: /api/chat\r\n",
    b"X-Original-URL: /api/chat\r\n",
    b"X-Rewrite-URL: /api/chat\r\n",
    b"X-Forwarded-Prefix: /pub\r\n",
    b"X-HTTP-Method-Override: DELETE\r\n",
    b"X-Method-Override: DELETE\r\n",
)


def ask(daemon: Daemon, method: bytes, path: bytes, headers: bytes = b"") -> tuple[int, bytes]:
    """The status and the whole answer."""
    head = method + b" " + path + b" HTTP/1.1\r\n" + HOST + headers + CLOSE + b"\r\n"
    (answer,) = exchange(daemon, head)
    return answer.status, answer.head + answer.body


@pytest.mark.parametrize("path", DISGUISES)
def test_path_tricks_open_no_order_to_a_caller_nor_to_a_stranger(daemon: Daemon, path: bytes) -> None:
    assert ask(daemon, b"POST", path, b"Content-Length: 0\r\n")[0] in (400, 401, 404, 405)
    assert ask(daemon, b"POST", path, KEY + b"Content-Length: 0\r\n")[0] in (400, 403, 404, 405)


@pytest.mark.parametrize("path", [b"/pub/api/admin/reload", b"/pub/livez"])
@pytest.mark.parametrize("header", REWRITES)
def test_path_tricks_by_header_change_neither_path_nor_method(
    daemon: Daemon, path: bytes, header: bytes
) -> None:
    """A proxy whose rules are about paths decides by the one in the request line: so must we."""
    admin = b"Authorization: Bearer " + ADMIN.encode() + b"\r\n"
    assert ask(daemon, b"GET", path, header + admin)[0] == 404
    assert ask(daemon, b"GET", b"/livez", header)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/dashboard/../server.py",
        b"/dashboard/%2e%2e/server.py",
        b"/dashboard/..%2fserver.py",
        b"/dashboard//etc/passwd",
        b"/dashboard/%2fetc%2fpasswd",
        b"/dashboard/....//server.py",
        b"/dashboard/index.html%00.js",
    ],
)
def test_path_tricks_lead_to_no_file_but_those_of_the_dashboard(daemon: Daemon, path: bytes) -> None:
    status, answer = ask(daemon, b"GET", path, KEY)
    assert status == 404
    assert b"import" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize("method", [b"TRACE", b"TRACK", b"CONNECT", b"DEBUG", b"PROPFIND", b"X" * 19])
@pytest.mark.parametrize("path", [b"/livez", b"/api/chat", b"/v1/chat/completions"])
def test_methods_that_nobody_has_send_nothing_back_of_the_request(
    daemon: Daemon, method: bytes, path: bytes
) -> None:
    status, answer = ask(daemon, method, path, KEY + b"X-Secret: whisper\r\nCookie: whisper\r\n")
    assert status == 405
    assert b"whisper" not in answer


@pytest.mark.parametrize(
    "path", [b"/<script>", b"/%3Cscript%3E", b"/v1/models/<script>", b"/dashboard/<script>"]
)
def test_a_path_of_markup_is_never_a_page(daemon: Daemon, path: bytes) -> None:
    _, answer = ask(daemon, b"GET", path, KEY)
    assert b"Content-Type: application/json\r\n" in answer
    assert b"X-Content-Type-Options: nosniff\r\n" in answer
