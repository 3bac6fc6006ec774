"""What a call sends: address, query, headers, credentials, bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_actors.client import APIKey, Basic, Bearer, File, InvalidCall
from cortex_actors.client.auth import Several
from cortex_actors.client.errors import MissingCredential
from cortex_actors.client.headers import MASK
from cortex_actors.client.telemetry import TelemetryEvent
from tests.client import PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import RecordedRequest, ScriptedUpstream, json_answer, sse_stream

POST: dict[str, Any] = {"id": "make_thing", "method": "POST", "path": "/things"}


def _sent(upstream: ScriptedUpstream, number: int = 0) -> RecordedRequest:
    return upstream.request(number)


@pytest.fixture(autouse=True)
def _answers(upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(200, {})


def test_a_path_parameter_cannot_leave_its_place(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-14: an unescaped slash would be another path; `:id` would replace the beginning of `:identifier`.
    client = connect({**PLAIN, "path": "/a/:id/b/:identifier/{id}"})
    client.execute("get_thing", path_params={"id": "x/../y", "identifier": "q?&#"})
    assert _sent(upstream).path == "/a/x%2F..%2Fy/b/q%3F%26%23/x%2F..%2Fy"


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_a_path_parameter_that_is_missing_or_made_of_dots_is_refused(connect: Connect, value: object) -> None:
    with pytest.raises(InvalidCall, match="path parameter 'id'"):
        connect(PLAIN).execute("get_thing", path_params={"id": value})


def test_a_colon_inside_a_segment_is_no_parameter(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect({**PLAIN, "path": "/models/{id}:predict"}).execute("get_thing", path_params={"id": "m"})
    assert _sent(upstream).path == "/models/m:predict"


def test_queries_are_laid_over_one_another(upstream: ScriptedUpstream, connect: Connect) -> None:
    client = connect({**PLAIN, "query": {"b": 2, "c": True}}, query={"a": 1, "b": 1, "d": "gone"})
    client.execute("get_thing", path_params={"id": 1}, query={"c": ["x", "y&z"], "d": None})
    assert _sent(upstream).path == "/things/1?a=1&b=2&c=x&c=y%26z"


def test_the_payload_of_a_get_goes_into_the_query(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect(PLAIN).execute("get_thing", {"limit": 3}, path_params={"id": 1})
    assert (_sent(upstream).path, _sent(upstream).body) == ("/things/1?limit=3", b"")


def test_headers_are_laid_over_one_another_whatever_their_case(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    client = connect(
        {**POST, "headers": {"X-A": "endpoint", "X-B": "endpoint", "X-C": "endpoint"}},
        headers={"x-a": "context", "x-0": "context"},
        extra_headers=lambda request: {"X-B": "extra", "x-c": f"{request.method} {request.endpoint}"},
        auth=Bearer("t"),
    )
    client.execute("make_thing", {"a": 1}, headers={"X-c": "call", "ACCEPT": None})
    headers = _sent(upstream).headers
    assert (headers["x-0"], headers["x-a"], headers["x-b"], headers["x-c"]) == (
        "context",
        "endpoint",
        "extra",
        "call",
    )
    assert headers["authorization"] == "Bearer t"
    assert headers["content-type"] == "application/json"
    assert "accept" not in headers


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Bearer("t", prefix="Token"), "authorization", "Token t"),
        (Bearer(lambda: "fresh"), "authorization", "Bearer fresh"),
        (APIKey("k"), "x-api-key", "k"),
        (APIKey("k", header="X-Mine", prefix="Key"), "x-mine", "Key k"),
        (Basic("user", "pässword"), "authorization", "Basic dXNlcjpww6Rzc3dvcmQ="),
        (Several((APIKey("k"), Bearer("t"))), "x-api-key", "k"),
    ],
)
def test_each_way_to_sign_in_sends_its_header(
    upstream: ScriptedUpstream, connect: Connect, auth: Any, header: str, value: str
) -> None:
    connect(PLAIN, auth=auth).execute("get_thing", path_params={"id": 1})
    assert _sent(upstream).headers[header] == value


def test_a_key_may_go_into_the_query_and_is_not_shown(upstream: ScriptedUpstream, connect: Connect) -> None:
    told: list[TelemetryEvent] = []
    client = connect(PLAIN, auth=APIKey("sk-CANARY", parameter="key"), telemetry=[told.append])
    response = client.execute("get_thing", path_params={"id": 1})
    assert _sent(upstream).path == "/things/1?key=sk-CANARY"
    assert "CANARY" not in repr(told) + repr(response)


def test_an_endpoint_names_its_own_credential(upstream: ScriptedUpstream, connect: Connect) -> None:
    auth = {"default": {"type": "bearer", "env_var": "T"}, "key": {"type": "api_key", "env_var": "K"}}
    endpoints = [
        {**PLAIN, "id": id, "auth": name} for id, name in (("a", "default"), ("b", "key"), ("c", "none"))
    ]
    client = connect(*endpoints, manifest={"auth": auth}, environ={"T": "t", "K": "k"})
    for endpoint in "abc":
        client.execute(endpoint, path_params={"id": 1})
    a, b, c = (_sent(upstream, number).headers for number in range(3))
    assert (a["authorization"], "x-api-key" in a) == ("Bearer t", False)
    assert (b["x-api-key"], "authorization" in b) == ("k", False)
    assert "authorization" not in c
    assert "x-api-key" not in c


def test_the_context_signs_in_place_of_the_manifest(upstream: ScriptedUpstream, connect: Connect) -> None:
    manifest = {"auth": {"type": "bearer", "env_var": "T"}}
    connect(PLAIN, manifest=manifest, auth={"default": APIKey("mine")}, environ={}).execute(
        "get_thing", path_params={"id": 1}
    )
    assert _sent(upstream).headers["x-api-key"] == "mine"


def test_a_missing_credential_names_its_variable_before_anything_is_sent(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    for auth, told in (
        ({"type": "bearer", "env_var": "DEMO_TOKEN"}, "set DEMO_TOKEN"),
        (
            {"type": "basic", "username_env_var": "DEMO_USER", "password_env_var": "DEMO_PASS"},
            "set DEMO_PASS",
        ),
    ):
        client = connect(PLAIN, manifest={"auth": auth}, environ={"DEMO_USER": "u"})
        with pytest.raises(MissingCredential, match=told):
            client.execute("get_thing", path_params={"id": 1})
    assert upstream.requests == []


def test_an_optional_credential_may_be_missing(upstream: ScriptedUpstream, connect: Connect) -> None:
    manifest = {"auth": {"type": "bearer", "env_var": "T", "optional": True}}
    connect(PLAIN, manifest=manifest, environ={}).execute("get_thing", path_params={"id": 1})
    assert "authorization" not in _sent(upstream).headers


@pytest.mark.parametrize("value", ["sk-CANARY\r\nX-More: 1", "sk-CANARY\x00", "sk-CANARY-€"])
def test_a_header_that_cannot_be_sent_is_named_and_its_value_is_not(connect: Connect, value: str) -> None:
    with pytest.raises(InvalidCall) as error:
        connect(PLAIN, auth=APIKey(value)).execute("get_thing", path_params={"id": 1})
    assert "'X-API-Key'" in str(error.value)
    assert "CANARY" not in str(error.value)


def test_credentials_are_hidden_in_every_dump(upstream: ScriptedUpstream, connect: Connect) -> None:
    told: list[TelemetryEvent] = []
    client = connect(
        POST,
        headers={"X-Api-Key": "CANARY", "X-Mine": "CANARY", "X-Plain": "shown", "Cookie": "CANARY"},
        auth=Bearer("CANARY"),
        dump_headers=True,
        redact_headers=["x-mine"],
        redactor=lambda headers: {**headers, "X-Custom": "seen"},
        telemetry=[told.append],
    )
    client.execute("make_thing", {"secret": "CANARY"})
    assert "CANARY" not in repr(told)
    (start,) = (event for event in told if event.name == "request.start")
    shown = start.metadata["headers"]
    assert (shown["X-Mine"], shown["X-Plain"], shown["X-Custom"]) == (MASK, "shown", "seen")
    assert "CANARY" not in repr(client.context)


def test_the_platform_is_told_only_when_asked(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect(PLAIN).execute("get_thing", path_params={"id": 1})
    connect(PLAIN, platform_headers=True).execute("get_thing", path_params={"id": 1})
    silent, told = _sent(upstream).headers, _sent(upstream, 1).headers
    assert not [name for name in silent if name.startswith("x-stainless")]
    assert told["x-stainless-lang"] == "python"
    assert {
        "x-stainless-os",
        "x-stainless-arch",
        "x-stainless-runtime",
        "x-stainless-package-version",
    } <= set(told)
    assert (told["x-stainless-retry-count"], told["x-stainless-read-timeout"]) == ("0", "30")


def test_a_multipart_body_holds_fields_and_files(
    upstream: ScriptedUpstream, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(b"a,b\r\n--\xff")
    client = connect({**POST, "body_type": "multipart", "content_type": "ignored/by-design"})
    client.execute(
        "make_thing",
        {
            "note": "grüße", "count": 3, "raw": b"\x00", "tags": ["x", "y"], "skip": None,
            "file": File.read(file), "named": File('a"\r\n.bin', b"!"),
        },
    )  # fmt: skip
    request = _sent(upstream)
    kind, _, boundary = request.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = request.body.split(f"--{boundary}".encode())
    assert parts[-1] == b"--\r\n"
    assert b'name="note"\r\n\r\n' + "grüße".encode() in parts[1]
    assert [b'name="tags"' in part for part in parts].count(True) == 2
    assert b'filename="data.csv"\r\nContent-Type: text/csv\r\n\r\na,b\r\n--\xff\r\n' in request.body
    assert b'filename="a%22%0D%0A.bin"' in request.body
    assert b'name="skip"' not in request.body


@pytest.mark.parametrize(
    ("payload", "content_type", "sent"),
    [
        ("text", None, "text/plain; charset=utf-8"),
        (b"\x00", None, "application/octet-stream"),
        ("a", "a/b", "a/b"),
    ],
)
def test_a_raw_body_goes_as_it_is(
    upstream: ScriptedUpstream, connect: Connect, payload: Any, content_type: str | None, sent: str
) -> None:
    endpoint = {**POST, "body_type": "raw", **({"content_type": content_type} if content_type else {})}
    connect(endpoint).execute("make_thing", payload)
    assert _sent(upstream).headers["content-type"] == sent
    assert _sent(upstream).body == (payload if isinstance(payload, bytes) else payload.encode())


@pytest.mark.parametrize("payload", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}])
def test_what_is_no_json_is_refused_before_it_is_sent(
    upstream: ScriptedUpstream, connect: Connect, payload: Any
) -> None:
    with pytest.raises(InvalidCall, match="cannot be written as JSON"):
        connect(POST).execute("make_thing", payload)
    assert upstream.requests == []


def test_any_text_survives_the_way_there(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect(POST).execute("make_thing", {"a": "¡Ñandú! 👋 \ud800"})
    assert _sent(upstream).json == {"a": "¡Ñandú! 👋 \ud800"}


def test_every_mistake_of_a_payload_is_told_before_anything_is_sent(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    types = {"T": {"fields": {"a": {"type": "string", "required": True}, "b": {"type": "integer", "gt": 0}}}}
    client = connect({**POST, "request": "T"}, manifest={"types": types})
    with pytest.raises(InvalidCall) as error:
        client.execute("make_thing", {"b": 0})
    assert error.value.mistakes == ("/a: is required", "/b: must be above 0")
    assert upstream.requests == []


def test_an_idempotency_key_is_sent_where_the_manifest_wants_one(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    # P-15 among them: the default header is the one that is documented.
    wanted = {**POST, "idempotency": True}
    client = connect(POST, {**wanted, "id": "a"}, {**wanted, "id": "b", "idempotency_header": "Idem"})
    client.execute("make_thing", {})
    client.execute("a", {})
    client.execute("b", {})
    client.execute("make_thing", {}, idempotency_key="mine")
    none, random, named, mine = (_sent(upstream, number).headers for number in range(4))
    assert "x-idempotency-key" not in none
    assert len(random["x-idempotency-key"]) == 36
    assert "idem" in named
    assert mine["x-idempotency-key"] == "mine"


def test_a_context_may_name_the_idempotency_header(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect({**POST, "idempotency": True}, idempotency_header="Once").execute("make_thing", {})
    assert "once" in _sent(upstream).headers


def test_transform_and_middleware_shape_what_is_sent(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-15: both are applied.
    client = connect(
        {**POST, "transform": "shout"},
        manifest={"middleware": ["one", "two"]},
        transforms={"shout": lambda payload: {key: value.upper() for key, value in payload.items()}},
        middleware={
            "one": lambda request: request.with_headers({"X-Order": "one"}),
            "two": lambda request: request.with_headers({"x-order": request.headers["X-Order"] + ",two"}),
        },
    )
    client.execute("make_thing", {"a": "hi"})
    assert _sent(upstream).json == {"a": "HI"}
    assert _sent(upstream).headers["x-order"] == "one,two"


def test_servers_are_told_whether_to_stream(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = sse_stream("a")
    types = {"T": {"fields": {"stream": "boolean", "a": "string"}}}
    client = connect({**STREAM, "request": "T", "response": "string"}, manifest={"types": types})
    client.execute_stream("stream_chat", {"a": "x"}).close()
    client.execute("stream_chat", {"a": "x"})
    streaming, plain = _sent(upstream), _sent(upstream, 1)
    assert (streaming.json, streaming.headers["accept"]) == ({"stream": True, "a": "x"}, "text/event-stream")
    assert (plain.json, plain.headers["accept"]) == ({"stream": False, "a": "x"}, "text/plain")


@pytest.mark.parametrize(
    ("format", "accept"),
    [("sse", "text/event-stream"), ("ndjson", "application/x-ndjson"), ("json_array", "application/json")],
)
def test_a_stream_is_asked_for_in_its_format(
    upstream: ScriptedUpstream, connect: Connect, format: str, accept: str
) -> None:
    # P-15: stream_format is applied.
    upstream.default = json_answer(200, [], headers={"Content-Type": accept})
    connect({**STREAM, "stream_format": format}).execute_stream("stream_chat").close()
    assert _sent(upstream).headers["accept"] == accept


def test_a_server_of_the_manifest_may_be_chosen_by_name(upstream: ScriptedUpstream, connect: Connect) -> None:
    # P-15: base_url and servers are applied.
    servers = {"there": {"url": "http://127.0.0.1:1"}, "here": {"url": upstream.url + "/base/"}}
    connect(PLAIN, manifest={"servers": servers}, base_url=None, server="here").execute(
        "get_thing", path_params={"id": 1}
    )
    connect(PLAIN, manifest={"base_url": upstream.url}, base_url=None).execute(
        "get_thing", path_params={"id": 2}
    )
    assert [request.path for request in upstream.requests] == ["/base/things/1", "/things/2"]


def test_a_call_may_go_to_another_path(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect(PLAIN).execute("get_thing", path="/v2/{id}", path_params={"id": "x"})
    assert _sent(upstream).path == "/v2/x"


def test_an_option_that_does_not_exist_is_a_type_error(connect: Connect) -> None:
    with pytest.raises(TypeError, match="did you mean 'path_params'"):
        connect(PLAIN).execute("get_thing", path_parms={})  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"timeout": 0}, "'timeout' must be seconds above 0, or a Timeouts"),
        ({"timeout": float("inf")}, "'timeout' must be seconds above 0, or a Timeouts"),
        ({"max_retries": -1}, "'max_retries' must be a whole number from 0 on"),
        ({"headers": {"X-A": 1}}, "'headers' must be a mapping of texts"),
        ({"query": [("a", 1)]}, "'query' must be a mapping"),
        ({"last_event_id": 7}, "'last_event_id' must be a text"),
        ({"reconnect": "yes"}, "'reconnect' must be true, false or a Reconnect"),
        ({"retry": 3}, "'retry' must be a RetryPolicy"),
        ({"idempotency_key": ""}, "'idempotency_key' must be a text"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_sent(
    upstream: ScriptedUpstream, connect: Connect, options: Any, told: str
) -> None:
    client = connect(STREAM)
    for call in (client.execute, client.execute_stream):
        with pytest.raises(InvalidCall, match=f"stream_chat: the option {told}"):
            call("stream_chat", **options)
    assert upstream.requests == []


def test_an_option_that_is_none_says_nothing(upstream: ScriptedUpstream, connect: Connect) -> None:
    nothing: Any = dict.fromkeys(["path", "path_params", "query", "headers", "timeout", "max_retries"])
    connect(POST).execute("make_thing", {}, **nothing)
    assert _sent(upstream).path == "/things"


@pytest.mark.parametrize("path", ["@evil.test/x", ":1@evil.test/x", "http://evil.test/x", ".evil.test", ""])
def test_another_path_is_never_another_host(upstream: ScriptedUpstream, connect: Connect, path: str) -> None:
    # Behind the address of the manifest, "@evil.test" would be the host, and would get the credential.
    with pytest.raises(InvalidCall, match="'path' must be a path that begins with '/'"):
        connect(PLAIN, auth=Bearer("CANARY")).execute("get_thing", path=path)
    assert upstream.requests == []


@pytest.mark.parametrize("credential", [None, 7, b"t0ken"])
def test_a_credential_that_is_no_text_is_refused_when_it_is_made(credential: Any) -> None:
    for way in (Bearer, APIKey, lambda secret: Basic("user", secret)):
        with pytest.raises(TypeError, match="a credential must be a text, or a function that gives one"):
            way(credential)


def test_a_credential_that_turns_out_to_be_none_is_not_sent(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    gone: Any = lambda: None  # noqa: E731
    with pytest.raises(TypeError, match="gave NoneType, not a text"):
        connect(PLAIN, auth=Bearer(gone)).execute("get_thing", path_params={"id": 1})
    assert upstream.requests == []


def test_a_header_of_the_context_that_is_no_text_is_named(connect: Connect) -> None:
    with pytest.raises(InvalidCall, match="header 'X-Seven' cannot be sent"):
        connect(PLAIN, headers={"X-Seven": 7}).execute("get_thing", path_params={"id": 1})


def test_a_deprecated_endpoint_warns(connect: Connect) -> None:
    client = connect({**PLAIN, "deprecated": True})
    with pytest.warns(DeprecationWarning, match="get_thing is deprecated"):
        client.execute("get_thing", path_params={"id": 1})


def test_a_body_of_a_megabyte_arrives(upstream: ScriptedUpstream, connect: Connect) -> None:
    connect(POST).execute("make_thing", {"a": "x" * 1_000_000})
    assert len(json.loads(_sent(upstream).body)["a"]) == 1_000_000
