"""What a manifest may say, what becomes of it, and how every mistake is told with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.client import Bearer, Client, Context, RetryPolicy, load_manifest, shipped
from cortex_actors.client.codegen.module import generate
from cortex_actors.client.docs import markdown
from cortex_actors.client.limiter import RateLimit
from cortex_actors.client.manifest.mistakes import ManifestError
from cortex_actors.client.manifest.model import UnknownEndpoint
from cortex_actors.client.openapi import openapi
from tests.client import PLAIN, STREAM, document, manifest, mistakes

#: A manifest that says everything there is to say, once.
EVERYTHING: dict[str, Any] = {
    "name": "extended",
    "version": "2.1.0",
    "description": "All of it.",
    "base_url": "https://api.test/v1",
    "servers": [{"name": "eu", "url": "https://eu.test", "description": "Europe."}],
    "auth": {
        "default": {"type": "bearer", "env_var": "TOKEN", "prefix": "Token"},
        "key": {"type": "api_key", "env_var": "KEY", "header": "X-Key"},
        "user": {"type": "basic", "username_env_var": "A", "password_env_var": "B", "optional": True},
    },
    "defaults": {"timeout": 30000, "headers": {"X-Team": "red"}, "query": {"v": 2}, "retry": "some"},
    "error_types": {"404": {"name": "gone", "type": "Problem", "retryable": False, "description": "No."}},
    "retry_policies": {
        "some": {
            "max_attempts": 4, "backoff": "linear", "base_ms": 100, "max_ms": 900, "jitter": False,
            "max_elapsed_ms": 5000, "max_retry_after_ms": 2000, "repeat_unsafe": False,
        },
    },
    "rate_limits": {"slow": {"limit": 10, "window": 1.5}},
    "resources": {"jobs": {"description": "Long work."}, "chat": "Talk."},
    "middleware": ["stamp"],
    "endpoints": [
        {
            "id": "run_jobs", "method": "post", "path": "/jobs/{kind}", "description": "Begins one.",
            "resource": "jobs", "request": "Work", "response": "Receipt", "async": True,
            "poll_endpoint": "look_at_job", "timeout": 1000, "retry": "some", "telemetry": "work.run",
            "headers": {"X-Mine": 1}, "query": {"fast": True}, "body_type": "multipart/form-data",
            "auth": "key", "circuit_breaker": "jobs", "rate_limit": "slow", "idempotency": True,
            "idempotency_header": "Idem", "deprecated": True, "tags": ["long"], "error_types": ["gone"],
            "response_unwrap": "data.job", "transform": "trim",
        },
        {"id": "look_at_job", "method": "GET", "path": "/jobs/:id", "resource": "jobs", "auth": "none"},
        {
            "id": "talk", "method": "POST", "path": "/talk", "resource": "chat", "streaming": True,
            "stream_format": "ndjson", "event_types": {"delta": "Piece", "end": "map"}, "body_type": "raw",
            "content_type": "text/x-talk",
        },
    ],
    "types": {
        "Work": {"fields": {"size": {"type": "integer", "required": True, "gt": 0}}},
        "Receipt": {"fields": {"id": {"type": "string", "required": True}}},
        "Piece": {"kind": "union", "discriminator": {"field": "t", "mapping": {"a": "Receipt", "b": "Work"}}},
        "Problem": {"fields": {"why": "string"}},
        "Size": {"type": "string", "choices": ["s", "m"]},
    },
}  # fmt: skip


def test_everything_a_manifest_says_is_in_its_values() -> None:
    # P-15: nothing is only stored.
    read = load_manifest(EVERYTHING)
    run, look, talk = read.endpoints.values()
    assert (run.method, run.path, run.timeout, run.asynchronous) == ("POST", "/jobs/{kind}", 1.0, True)
    assert (run.headers, run.query) == ({"X-Team": "red", "X-Mine": "1"}, {"v": 2, "fast": True})
    assert (run.body_type, run.auth, run.rate_limit) == ("multipart", "key", "slow")
    assert (run.idempotency, run.idempotency_header, run.deprecated) == (True, "Idem", True)
    assert (run.response_unwrap, run.transform, run.telemetry) == (("data", "job"), "trim", "work.run")
    assert [error.name for error in run.error_types] == ["gone"]
    assert (look.timeout, look.retry, look.headers) == (30.0, "some", {"X-Team": "red"})
    assert (talk.stream_format, dict(talk.event_types)) == ("ndjson", {"delta": "Piece", "end": "map"})
    policy = read.retry_policies["some"]
    assert (policy.max_attempts, policy.backoff, policy.base, policy.cap) == (4, "linear", 0.1, 0.9)
    assert (policy.jitter, policy.max_elapsed, policy.longest_wait) == (0.0, 5.0, 2.0)
    assert read.rate_limits == {"slow": RateLimit(10, 1.5)}
    assert read.resources == {"jobs": "Long work.", "chat": "Talk."}
    assert read.middleware == ("stamp",)
    assert read.servers["eu"].url == "https://eu.test"


def test_a_manifest_file_may_be_json_or_toml(tmp_path: Path) -> None:
    as_json = tmp_path / "m.json"
    as_json.write_text(json.dumps(document(PLAIN)), encoding="utf-8")
    as_toml = tmp_path / "m.toml"
    as_toml.write_text(
        'name = "demo"\nversion = "1"\n[types]\n[[endpoints]]\nid = "get_thing"\nmethod = "GET"\n'
        'path = "/things/{id}"\nresource = "things"\n',
        encoding="utf-8",
    )
    assert load_manifest(as_json) == load_manifest(str(as_toml)) == load_manifest(document(PLAIN))


@pytest.mark.parametrize("name", ["m.exs", "m.py", "m.yaml", "m.yml", "m"])
def test_no_other_kind_of_file_is_read_and_none_is_run(tmp_path: Path, name: str) -> None:
    # P-16: a manifest that is code would run it; YAML that is JSON in disguise is refused by its name.
    file, trap = tmp_path / name, tmp_path / "trap"
    file.write_text(f"open({str(trap)!r}, 'w')", encoding="utf-8")
    (mistake,) = mistakes(file)
    assert "write JSON (.json) or TOML (.toml)" in mistake
    assert not trap.exists()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("m.json", "{", "is not JSON"),
        ("m.toml", "= 1", "is not TOML"),
        (
            "m.json",
            '{"endpoints": [{"id": "a", "method": "GET", "id": "b"}]}',
            "/endpoints/0/id: is here twice",
        ),
        ("m.json", '{"endpoints": [{"id": "a", "method": "GET", "id": "b"}]}', "/name: name is required"),
        ("m.json", "[1]", "manifest must be an object"),
        ("m.json", "[" * 100_000, "is nested too deeply"),
        ("m.json", '{"types": {"T": ' + '{"items": ' * 900 + "1" + "}" * 902, "is nested too deeply"),
        ("m.json", '{"defaults": {"timeout": 1' + "0" * 400 + "}}", "/defaults/timeout: must be a number"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert any(told in mistake for mistake in mistakes(file))


def test_a_file_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    assert "No such file" in mistakes(tmp_path / "none.json")[0]


def test_all_mistakes_are_told_at_once_each_with_its_pointer() -> None:
    told = mistakes(
        {
            "version": 1,
            "retri_policies": {},
            "endpoints": [
                {"method": "GET", "path": "/"},
                {"id": "a", "path": "/"},
                {"id": "b", "method": "FETCH", "path": "things", "timout": 3},
                {"id": "c", "method": "GET", "path": "/x", "request": "Thing", "retry": "never"},
                7,
            ],
            "types": {"T/1": {"fields": {"a": {"type": "text"}}}, "E": {}},
        }
    )
    for expected in (
        "/name: name is required",
        "/version: must be a text",
        "/retri_policies: is not a field here; did you mean 'retry_policies'?",
        "/endpoints/0/id: endpoint id is required",
        "/endpoints/1/method: endpoint a must include method and path",
        "/endpoints/2/method: must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "/endpoints/2/path: endpoint b path must start with '/'",
        "/endpoints/2/timout: is not a field here; did you mean 'timeout'?",
        "/endpoints/3/request: there is no type 'Thing'",
        "/endpoints/3/retry: there is no retry policy 'never'",
        "/endpoints/4: must be an object",
        "/types/T~11/fields/a: there is no type 'text'",
        "/types/E: type E must include fields",
    ):
        assert expected in told
    assert "/endpoints: endpoints are required" in mistakes({"name": "a", "version": "1", "types": {}})
    assert "/types: types are required" in mistakes({"name": "a", "version": "1", "endpoints": []})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"base_url": "api.test"}, "/base_url: must begin with http:// or https:// and name a host"),
        ({"auth": {"type": "bearer", "token": "sk-1"}}, "/auth/token: a manifest carries no credentials"),
        ({"auth": {"type": "digest"}}, "/auth/type: must be one of bearer, api_key, basic"),
        ({"auth": {"type": "basic", "env_var": "A"}}, "/auth/env_var: means nothing to basic"),
        ({"auth": {"none": {"type": "bearer"}}}, "/auth/none: 'none' is what an endpoint says"),
        ({"rate_limits": {"a": {"limit": 0}}}, "/rate_limits/a/limit: must be at least 1"),
        ({"rate_limits": {"a": {"limit": 1}}}, "/rate_limits/a/window: window is required"),
        (
            {"retry_policies": {"a": {"jitter": 2}}},
            "/retry_policies/a/jitter: must be true, false or a share",
        ),
        ({"retry_policies": {}, "policies": {}}, "/policies: is an older name of retry_policies"),
        ({"error_types": {"4x4": {"name": "a"}}}, "/error_types/4x4: must stand under a status"),
        ({"error_types": {"404": {}}}, "/error_types/404/name: name is required"),
        ({"defaults": {"timeout": 0}}, "/defaults/timeout: must be above 0"),
        ({"defaults": {"id": "a"}}, "/defaults/id: is not a field here"),
        ({"resources": {"cats": "Meow."}}, "/resources/cats: no endpoint belongs to this resource"),
        ({"servers": {"a": {}}}, "/servers/a/url: url is required"),
        ({"resources": {"a/b": {"text": "Meow."}}}, "/resources/a~1b/text: is not a field here"),
    ],
)
def test_a_mistake_beside_the_endpoints_names_its_place(change: dict[str, Any], told: str) -> None:
    assert any(mistake.startswith(told) for mistake in mistakes(document(PLAIN, **change)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stream_format": "xml"}, "stream_format: must be one of sse, ndjson, json_array"),
        ({"body_type": "form"}, "body_type: must be one of json, multipart, raw"),
        ({"event_types": "delta"}, "event_types: must be a list of texts"),
        ({"path": "/a?b=c"}, "path: may hold {name} and /:name, and neither a query nor a fragment"),
        ({"path": "/a/{b"}, "path: may hold {name}"),
        ({"auth": {"type": "bearer"}}, "auth: must be a text"),
        ({"auth": "nobody"}, "auth: there is no way to sign in 'nobody'"),
        ({"async": True}, "async: a job needs a poll_endpoint"),
        ({"error_types": ["teapot"]}, "error_types/0: there is no error type 'teapot'"),
        ({"timeout": "soon"}, "timeout: must be a number"),
        ({"streaming": "yes"}, "streaming: must be true or false"),
        ({"headers": {"X": [1]}}, "headers/X: must be a text, a number, true or false"),
    ],
)
def test_a_mistake_in_an_endpoint_names_its_place(change: dict[str, Any], told: str) -> None:
    # P-15 among them: a map where the name of an auth belongs is a mistake, not a crash.
    found = mistakes(document({**STREAM, **change}))
    assert any(mistake.startswith(f"/endpoints/0/{told}") for mistake in found), found


def test_stream_fields_without_streaming_are_refused_by_name() -> None:
    found = mistakes(document({**PLAIN, "stream_format": "sse", "event_types": ["a"]}))
    assert found == [
        "/endpoints/0/stream_format: means nothing without streaming",
        "/endpoints/0/event_types: means nothing without streaming",
    ]


#: What somebody may have written in place of what belongs there.
RUBBISH = st.sampled_from(
    [
        *(None, True, 0, -1, 3.5, 10**400, float("nan"), "", "a", "/x", "union", "object", "Work", "none"),
        *([], {}, [[]], [None], [1], ["a"], {"a": 1}, {"": ""}, {"ref": "Work"}, {"items": "string"}),
        *({"type": "a"}, {"fields": {}}, {"a/b~": 1}, {"discriminator": "type", "mapping": {"x": "string"}}),
    ]
)


def _nodes(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every place of a document: what holds it, and under which key."""
    if parent is not None:
        yield parent, key
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _nodes(inner, value, key)
        else:
            yield value, key


def _leads_into(document: Any, pointer: str) -> bool:
    """Whether a pointer leads to something that is there, or that is missing from something that is."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    place = document
    for depth, name in enumerate(steps):
        key = int(name) if isinstance(place, list) else name
        if isinstance(place, dict) and key not in place:
            return depth >= len(steps) - 2
        place = place[key]
    return True


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_whatever_is_wrong_with_a_manifest_is_told_with_a_place_that_is_there(data: st.DataObject) -> None:
    damaged = copy.deepcopy(data.draw(st.sampled_from([EVERYTHING, shipped("cortex").document])))
    for _ in range(data.draw(st.integers(1, 3))):
        parent, key = data.draw(st.sampled_from(list(_nodes(damaged))))
        parent[key] = copy.deepcopy(data.draw(RUBBISH))
    try:
        read = load_manifest(damaged)
    except ManifestError as error:
        read, told = None, error.mistakes
    if read is None:
        assert [mistake for mistake in told if not _leads_into(damaged, mistake.pointer)] == []
        return
    json.dumps(openapi(read))
    markdown(read)
    compile(generate(read), read.name, "exec")


def test_two_endpoints_with_one_id_are_refused() -> None:
    # P-17: the last one would win, silently.
    assert mistakes(document(PLAIN, {**STREAM, "id": "get_thing"})) == [
        "/endpoints/1/id: is the id of /endpoints/0 already"
    ]


def test_two_endpoints_that_would_be_one_method_are_refused() -> None:
    twins = [{**PLAIN, "id": "get_it"}, {**PLAIN, "id": "get-it"}]
    assert "would give a method 'get_it', and so does 'get_it'" in mistakes(document(*twins))[0]


def test_a_parameter_of_the_path_must_not_be_a_field_as_well() -> None:
    types = {"T": {"fields": {"id": "string"}}}
    (mistake,) = mistakes(document({**PLAIN, "request": "T"}, types=types))
    assert mistake.startswith("/endpoints/0/path: 'id' is a parameter of the path and a field")


def test_policies_is_understood_as_the_older_name_of_retry_policies() -> None:
    read = manifest({**PLAIN, "retry": "a"}, policies={"a": {"max_attempts": 7}})
    assert read.retry_policies["a"].max_attempts == 7


def test_an_unknown_endpoint_is_a_key_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownEndpoint, match="did you mean 'get_thing'"):
        manifest(PLAIN).endpoint("get_think")
    assert issubclass(UnknownEndpoint, KeyError)


def test_control_characters_of_a_manifest_do_not_reach_the_terminal() -> None:
    (mistake,) = mistakes(document(PLAIN, **{"\x1b[31mred": 1}))
    assert "\x1b" not in mistake.partition(":")[2]


def test_a_context_must_bring_the_functions_that_the_manifest_names() -> None:
    read = manifest({**PLAIN, "transform": "trim"}, middleware=["stamp"])
    with pytest.raises(ValueError, match="/middleware/0: the context has no middleware 'stamp'") as error:
        Client(read, Context(base_url="http://a.test"))
    assert "/endpoints/0/transform: the context has no transform 'trim'" in str(error.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"auth": {"defualt": Bearer("t")}}, "the way to sign in 'defualt', .*; did you mean 'default'"),
        ({"retry_policies": {"smoe": RetryPolicy()}}, "the retry policy 'smoe', .*; did you mean 'some'"),
    ],
)
def test_a_name_that_only_the_context_knows_is_refused(options: dict[str, Any], told: str) -> None:
    read = manifest(PLAIN, retry_policies={"some": {}})
    with pytest.raises(ValueError, match=told):
        Client(read, Context(base_url="http://a.test", **options))


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "api.test"},
        {"timeouts": 0},
        {"timeouts": "5"},
        {"timeouts": float("nan")},
        {"auth": "t0ken"},
        {"auth": {"default": "t0ken"}},
        {"bse_url": "http://a.test"},
    ],
)
def test_a_context_that_makes_no_sense_is_refused_when_it_is_made(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        Context(**options)
    assert "t0ken" not in str(error.value)


def test_a_client_needs_an_address_from_somewhere() -> None:
    with pytest.raises(ValueError, match="base_url is required"):
        Client(manifest(PLAIN))
    with pytest.raises(ValueError, match="no server 'mars'"):
        Client(manifest(PLAIN), Context(server="mars"))


def test_a_manifest_error_is_told_a_line_a_mistake() -> None:
    with pytest.raises(ManifestError) as error:
        load_manifest({})
    assert str(error.value).splitlines() == [
        "/name: name is required",
        "/version: version is required",
        "/endpoints: endpoints are required",
        "/types: types are required",
    ]
