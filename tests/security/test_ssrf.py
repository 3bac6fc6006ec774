"""Server-side request forgery: no word of a caller decides where a request goes, or with which headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.live.daemon import Daemon, chat
from tests.security.raw import exchange, post
from tests.upstream import Head, RecordedRequest, ScriptedUpstream, Send

#: Fields that other gateways obey.
TARGETS = ("api_base", "base_url", "baseURL", "url", "endpoint", "host", "proxy", "organization", "api_key")


def ask(daemon: Daemon, body: Any, path: bytes = b"/api/chat/complete", headers: bytes = b"") -> int:
    (answer,) = exchange(daemon, post(json.dumps(body).encode(), headers, path))
    return answer.status


def the_only(upstream: ScriptedUpstream, model: str) -> RecordedRequest:
    """The one request for this model."""
    (found,) = [each for each in upstream.requests if each.body and each.json["model"] == model]
    return found


@pytest.mark.parametrize("path", [b"/api/chat/complete", b"/v1/messages"])
def test_ssrf_by_a_field_that_names_a_server_reaches_nobody_else(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, path: bytes
) -> None:
    with ScriptedUpstream() as elsewhere:
        fields: dict[str, Any] = {**dict.fromkeys(TARGETS, elsewhere.url), "headers": {"Host": "elsewhere"}}

        assert ask(daemon, chat(model=model, max_tokens=9, **fields), path) == 200
        assert elsewhere.accepted == 0

        sent = the_only(upstream, model)
        assert sent.headers["host"] == f"127.0.0.1:{upstream.port}"
        assert elsewhere.url not in str(sent.headers) + sent.body.decode()


@pytest.mark.parametrize("field", [*TARGETS, "API-Base", "headers", "extra_headers", "litellm_params"])
@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/embeddings"])
def test_ssrf_by_way_of_a_gateway_behind_us_is_refused_where_unknown_fields_go_along(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, path: bytes, field: str
) -> None:
    assert ask(daemon, chat(model=model, input="Hi", **{field: "http://elsewhere"}), path) == 400
    assert not [each for each in upstream.requests if each.model == model]


@pytest.mark.parametrize(
    "name",
    ["http://127.0.0.1:1/v1", "//elsewhere/x", "one/../../admin", "one@elsewhere", "../one", "one#", "one?"],
)
def test_ssrf_by_the_name_of_a_provider_is_a_name_that_nobody_has(daemon: Daemon, name: str) -> None:
    assert ask(daemon, chat(provider=name)) in (400, 404)


@pytest.mark.parametrize("name", ["../../../admin", "x?key=y", "x#y", "@elsewhere/x", "http://elsewhere/x"])
def test_ssrf_by_the_name_of_a_model_stays_in_the_body(
    daemon: Daemon, upstream: ScriptedUpstream, name: str
) -> None:
    ask(daemon, chat(model=f"one/{name}"))
    assert {each.path for each in upstream.requests if each.method == "POST"} == {"/v1/chat/completions"}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "ftp://elsewhere/x.png",
        "data:text/html,<script>",
        "javascript:alert(1)",
        "//elsewhere/x.png",
        "/etc/passwd",
        "https://elsewhere/a b",
        "https://elsewhere/a\r\nX-Evil: 1",
        "",
    ],
)
@pytest.mark.parametrize("path", [b"/api/chat/complete", b"/v1/chat/completions"])
def test_ssrf_by_an_image_that_is_neither_https_nor_data_is_refused(
    daemon: Daemon, url: str, path: bytes
) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    assert ask(daemon, {"model": "one/x", "messages": [{"role": "user", "content": [part]}]}, path) == 400


def test_ssrf_by_an_image_behind_a_link_is_not_fetched_here(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    with ScriptedUpstream() as elsewhere:
        url = elsewhere.url.replace("http:", "https:") + "/x.png"
        part = {"type": "image_url", "image_url": {"url": url}}
        body = {"model": model, "messages": [{"role": "user", "content": [part]}]}

        assert ask(daemon, body) == 200
        assert elsewhere.accepted == 0
    assert url in the_only(upstream, model).body.decode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_ssrf_by_a_redirect_of_a_provider_is_not_followed(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, status: int
) -> None:
    with ScriptedUpstream() as elsewhere:
        head = {"Location": f"{elsewhere.url}/stolen", "Content-Length": "2"}
        upstream.on_model(model, [Head(status, head), Send(b"{}")])

        assert ask(daemon, chat(model=model)) >= 500
        assert elsewhere.accepted == 0


def test_headers_of_a_caller_are_not_those_of_the_request_upstream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    own = b"X-Evil: 1\r\nCookie: evil\r\nOpenAI-Organization: evil\r\nUser-Agent: evil\r\n"
    ask(daemon, chat(model=model), headers=own)

    sent = the_only(upstream, model)
    assert "evil" not in json.dumps(dict(sent.headers)).lower()
    assert "alice" not in json.dumps(dict(sent.headers)).lower()
