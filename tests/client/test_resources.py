"""Endpoints as methods of their resources."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from cortex_actors.client.manifest.model import Endpoint
from cortex_actors.client.naming import method_names
from tests.client import PLAIN, STREAM
from tests.client.conftest import Connect
from tests.upstream import ScriptedUpstream, json_answer, sse_stream

TYPES = {
    "Ask": {
        "fields": {
            "messages": {"type": "array", "items": "string", "required": True},
            "model": {"type": "string", "required": True},
            "kind": {"value": "chat", "required": True},
            "limit": {"type": "integer", "default": 5, "required": True},
            "from": "string",
            "call": "string",
            "topK": "integer",
            "stream": "boolean",
        }
    }
}


def test_the_guides_names_are_the_names(upstream: ScriptedUpstream, connect: Connect) -> None:
    # The guide's manifest has the id stream_chat and its methods are completions and completions_stream.
    upstream.default = sse_stream("a")
    client = connect({**STREAM, "request": "Ask", "response": "string"}, manifest={"types": TYPES})
    assert client.chat.completions(["Hi"], "m") == "data: a\n\n"
    assert [event.data for event in client.chat.completions_stream(["Hi"], model="m")] == ["a"]
    assert upstream.request(1).json == {
        "messages": ["Hi"], "model": "m", "kind": "chat", "limit": 5, "stream": True,
    }  # fmt: skip


def test_a_method_takes_path_parameters_then_what_must_be_said_then_the_rest_by_name(
    connect: Connect,
) -> None:
    endpoint = {**STREAM, "path": "/a/{room_id}/:self", "request": "Ask", "streaming": False}
    method = connect(endpoint, manifest={"types": TYPES}).chat.a
    assert str(inspect.signature(method)) == (
        "(room_id, self_, messages, model, *, limit=None, from_=None, call_=None, top_k=None, "
        "stream=None, call=None)"
    )


def test_arguments_find_their_way(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(200, {"ok": True})
    post = {**PLAIN, "id": "ask_things", "method": "POST", "request": "Ask"}
    client = connect(post, manifest={"types": TYPES})
    answer = client.things.ask(
        "x/y", ["a"], "m", from_="me", call_="c", top_k=3, call={"headers": {"X-A": "1"}}
    )
    assert answer == {"ok": True}
    request = upstream.request()
    assert request.path == "/things/x%2Fy"
    assert request.headers["x-a"] == "1"
    assert request.json == {
        "messages": ["a"], "model": "m", "kind": "chat", "limit": 5, "from": "me", "call": "c", "topK": 3,
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [{}, {"messages": []}, {"messages": [], "model": "m", "modle": 1}])
def test_a_wrong_argument_is_a_type_error(connect: Connect, arguments: Any) -> None:
    client = connect({**STREAM, "request": "Ask"}, manifest={"types": TYPES})
    with pytest.raises(TypeError):
        client.chat.completions_stream(**arguments)


def test_a_request_that_is_no_object_is_one_payload(upstream: ScriptedUpstream, connect: Connect) -> None:
    upstream.default = json_answer(200, {})
    types = {"Lines": {"type": "array", "items": "string"}}
    post = {"id": "send_lines", "method": "POST", "path": "/lines", "resource": "lines"}
    client = connect({**post, "request": "Lines"}, {**post, "id": "free"}, manifest={"types": types})
    client.lines.send(["a"])
    client.lines.free({"x": 1})
    client.lines.free()
    assert [request.body for request in upstream.requests] == [b'["a"]', b'{"x":1}', b""]


def test_resources_and_methods_can_be_looked_at(connect: Connect) -> None:
    client = connect(
        {**PLAIN, "description": "Gets one."},
        STREAM,
        {**PLAIN, "id": "alone", "resource": None},
        manifest={"resources": {"things": "All kinds of things."}},
    )
    assert {"chat", "things", "execute"} <= set(dir(client))
    assert dir(client.things) == ["get"]
    assert (client.things.__doc__, client.things.get.__doc__) == ("All kinds of things.", "Gets one.")
    assert repr(client.chat) == "Resource(chat: completions, completions_stream)"
    assert repr(client.things.get) == "<get(id, *, call=None)>"


def test_an_endpoint_without_a_resource_is_only_reached_by_its_id(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = json_answer(200, {"a": 1})
    client = connect({"id": "alone", "method": "GET", "path": "/alone"})
    with pytest.raises(AttributeError, match="no resource 'alone'"):
        client.alone  # noqa: B018
    assert client.execute("alone").data == {"a": 1}


def test_an_unknown_method_names_those_there_are(connect: Connect) -> None:
    with pytest.raises(AttributeError, match="it has completions, completions_stream"):
        connect(STREAM).chat.complete()


def test_a_resource_named_like_a_method_of_the_client_is_still_reached(
    upstream: ScriptedUpstream, connect: Connect
) -> None:
    upstream.default = json_answer(200, {"a": 1})
    client = connect({"id": "get", "method": "GET", "path": "/x", "resource": "execute"})
    assert client.resource("execute").get() == {"a": 1}


def test_endpoints_that_would_share_a_short_name_keep_their_whole_ids() -> None:
    def endpoint(id: str, path: str = "/x") -> Endpoint:
        return Endpoint(id=id, method="GET", path=path, resource="users")

    names = method_names(
        [endpoint("get_user"), endpoint("users_get"), endpoint("list_users"), endpoint("users", "/u")]
    )
    assert names == {"get_user": "get_user", "users_get": "users_get", "list_users": "list", "users": "u"}
