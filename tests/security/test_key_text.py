"""Key text: wherever a key could turn up, it does not, whatever a provider does with the one it was sent.

The key of the provider looks like no key, so that only its being known can hide it.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.live.caller import Answer
from tests.live.daemon import Daemon, chat
from tests.security.conftest import UPSTREAM_KEY
from tests.upstream import Fin, Head, ScriptedUpstream, Send, json_answer, sse_stream
from tests.web.keys import ADMIN, ALICE, OPERATOR

#: Every place where an operator, a monitor or a browser looks.
VIEWS = (
    "/", "/api/actors", "/api/actors/router", "/api/streams", "/api/providers", "/api/health?detailed=true",
    "/api/events?limit=500", "/metrics", "/dashboard", "/docs", "/openapi.json", "/v1/models", "/readyz",
    "/api/admin/stacks",
)  # fmt: skip

SURFACES = ("/api/chat", "/api/chat/complete", "/v1/chat/completions", "/v1/messages")

SAID = f"No access for {UPSTREAM_KEY}, that is Bearer {UPSTREAM_KEY}!"

ECHOES: dict[str, Any] = {
    "400": json_answer(400, {"error": {"message": SAID, "code": UPSTREAM_KEY}}),
    "404": json_answer(404, {"error": {"message": SAID, "type": UPSTREAM_KEY, "param": UPSTREAM_KEY}}),
    "422": json_answer(422, {"detail": [{"msg": SAID}]}),
    "500": json_answer(500, {"error": SAID}),
    "503": [Head(503, {"Content-Type": "text/html", "Content-Length": str(len(SAID))}), Send(SAID.encode())],
    "in a header": json_answer(400, {}, {"X-Ratelimit-Limit": UPSTREAM_KEY, "Retry-After": UPSTREAM_KEY}),
    "in a stream": sse_stream({"error": {"message": SAID, "code": UPSTREAM_KEY}}),
    "as no JSON": sse_stream(SAID),
    "as no HTTP": [Send(SAID.encode() + b"\r\n\r\n"), Fin()],
    "in the status line": [Send(b"HTTP/1.1 500 " + SAID.encode() + b"\r\nContent-Length: 0\r\n\r\n")],
    "in a length": [Head(200, {"Content-Length": UPSTREAM_KEY})],
    "in a type": [Head(200, {"Content-Type": UPSTREAM_KEY, "Content-Length": "2"}), Send(b"{}")],
    "in a redirect": [Head(302, {"Location": f"http://x/{quote(UPSTREAM_KEY)}", "Content-Length": "0"})],
}


def forms(key: str) -> set[str]:
    """A key in the spellings of a log, a URL, JSON and a Basic header."""
    return {
        key,
        quote(key),
        quote(key, safe=""),
        json.dumps(key)[1:-1],
        base64.b64encode(key.encode()).decode(),
    }


KEYS = {"provider": UPSTREAM_KEY, "caller": ALICE, "operator": OPERATOR, "admin": ADMIN}


def leaks(text: str) -> list[str]:
    """Whose keys can be read in a text."""
    return [name for name, key in KEYS.items() if any(form in text for form in forms(key))]


def ask(daemon: Daemon, method: str, path: str, key: str, body: object = None) -> Answer:
    with daemon.connect() as connection:
        connection.ask(method, path, body, {"Authorization": f"Bearer {key}"})
        return connection.answer().read()


def everything(answer: Answer) -> str:
    return f"{answer.status} {answer.headers} {answer.body!r}"


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_key_text_that_a_provider_sends_back_reaches_nobody(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, echo: Any
) -> None:
    upstream.on_model(model, echo)
    for path in SURFACES:
        answer = ask(daemon, "POST", path, ALICE, chat(model=model, max_tokens=9))
        assert leaks(everything(answer)) == []
    assert [each for each in upstream.requests if each.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"]
    assert leaks("".join(daemon.log)) == []


@pytest.mark.parametrize("path", VIEWS)
def test_key_text_is_in_no_view(daemon: Daemon, upstream: ScriptedUpstream, model: str, path: str) -> None:
    upstream.on_model(model, ECHOES["500"])
    ask(daemon, "POST", "/api/chat", ALICE, chat(model=model, resumable=True))
    for key in (ADMIN, OPERATOR, ALICE, "wrong"):
        assert leaks(everything(ask(daemon, "GET", path, key))) == []


def test_key_text_in_the_wrong_place_is_not_written_down(daemon: Daemon) -> None:
    for key in KEYS.values():
        for path in (
            f"/{quote(key, safe='')}",
            f"/v1/models?api_key={quote(key)}",
            f"/api/actors/{quote(key)}",
        ):
            ask(daemon, "GET", path, OPERATOR)
        wrong = ask(daemon, "POST", "/api/chat", key[:-1] + "x", {"api_key": key, "messages": key})
        assert wrong.status == 401
        assert key not in everything(wrong)
        mistaken = ask(daemon, "POST", "/api/chat", ALICE, {"api_key": key, "messages": key, "model": key})
        assert mistaken.status == 400
        assert key not in everything(mistaken)
    events = ask(daemon, "GET", "/api/events?limit=500", OPERATOR)
    assert leaks("".join(daemon.log) + everything(events)) == []
