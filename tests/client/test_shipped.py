"""The manifests that come with the library, against servers that speak as the real ones do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex_actors import __version__
from cortex_actors.client import Bearer, Client, Context, StatusError, shipped
from cortex_actors.client.shipped import NAMES
from cortex_actors.web.app import ROUTES, SUBTREES
from tests.client import LONG
from tests.client.test_codegen import imported
from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import (
    Gate,
    ScriptedUpstream,
    json_answer,
    ndjson_stream,
    ollama_stream,
    openai_stream,
    refused_url,
)

ROOT = Path(__file__).parents[2]
HI = [{"role": "user", "content": "Hi"}]


def test_they_are_found_in_the_package_and_under_config() -> None:
    assert sorted(path.stem for path in (ROOT / "config" / "manifests").glob("*.json")) == sorted(NAMES)
    for name in NAMES:
        inside = ROOT / "cortex_actors" / "client" / "manifests" / f"{name}.json"
        assert (ROOT / "config" / "manifests" / f"{name}.json").read_bytes() == inside.read_bytes()


def test_ours_has_our_version() -> None:
    assert shipped("cortex").version == __version__


def test_a_name_that_is_none_tells_those_there_are() -> None:
    with pytest.raises(LookupError, match="there are cortex, ollama, openai_compatible"):
        shipped("petstore")


def test_an_openai_compatible_server_is_called(upstream: ScriptedUpstream) -> None:
    answer = {
        "id": "c",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hola"}}],
    }
    upstream.on_path("/v1/models", json_answer(200, {"data": [{"id": "m"}]}))
    upstream.on_path("/v1/models/a%2Fb", json_answer(404))
    upstream.on_path(
        "/v1/chat/completions",
        openai_stream(["Ho", "la"], usage=(1, 2)),
        json_answer(200, answer),
    )
    context = Context(base_url=f"{upstream.url}/v1", auth=Bearer("k"), timeouts=LONG)
    with Client(shipped("openai_compatible"), context) as client:
        with client.chat.completions_stream(HI, "m", temperature=0) as stream:
            chunks = [event.json() for event in stream if not event.is_done]
        assert (
            "".join(each["choices"][0]["delta"].get("content", "") for each in chunks if each["choices"])
            == "Hola"
        )
        assert client.chat.completions(HI, "m")["choices"][0]["message"]["content"] == "Hola"
        assert client.models.list()["data"][0]["id"] == "m"
        with pytest.raises(StatusError, match="scripted 404") as error:
            client.models.get("a/b")
        assert error.value.error_type == "not_found_error"
    first, second = upstream.request(0), upstream.request(1)
    assert first.headers["authorization"] == "Bearer k"
    assert first.json == {"messages": HI, "model": "m", "temperature": 0, "stream": True}
    assert second.json["stream"] is False


def test_ollama_is_called(upstream: ScriptedUpstream) -> None:
    upstream.on_path("/api/chat", ollama_stream(["Ho", "la"]))
    upstream.on_path("/api/version", json_answer(200, {"version": "0.9"}))
    upstream.on_path("/api/tags", json_answer(200, {"models": [{"name": "gemma3:4b"}]}))
    upstream.on_path("/api/embed", json_answer(200, {"model": "m", "embeddings": [[0.5]]}))
    upstream.on_path("/api/pull", ndjson_stream({"status": "pulling"}, {"status": "success"}))
    with Client(shipped("ollama"), Context(base_url=upstream.url, timeouts=LONG)) as client:
        lines = [event.json() for event in client.chat.completions_stream(HI, "gemma3:4b")]
        assert "".join(line["message"]["content"] for line in lines) == "Hola"
        assert lines[-1]["done"] is True
        assert client.server.version() == "0.9"
        assert client.models.list()["models"][0]["name"] == "gemma3:4b"
        assert client.embeddings.create("m", ["a", "b"])["embeddings"] == [[0.5]]
        assert [event.json()["status"] for event in client.models.pull_stream("m")] == ["pulling", "success"]


@pytest.fixture(scope="module")
def provider_upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        upstream.default = openai_stream(["Hola, ", "¿qué ", "tal?"], usage=(3, 4))
        yield upstream


@pytest.fixture(scope="module")
def gateway(
    provider_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    text = settings(provider("one", provider_upstream.url, priority=1), recovery={"enabled": False})
    with Daemon(text, tmp_path_factory.mktemp("client"), mode="threads") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def url(gateway: Daemon) -> str:
    return f"http://127.0.0.1:{gateway.port}"


def test_the_generated_module_talks_to_the_running_gateway(url: str, tmp_path: Path) -> None:
    module = imported(shipped("cortex"), tmp_path)
    told: list[str] = []

    class Story(module.ChatAnswerEvents):  # type: ignore[name-defined,misc]
        def on_start(self, data: object) -> None:
            told.append("start")

        def on_delta(self, data: dict[str, str]) -> None:
            told.append(data["text"])

        def on_usage(self, data: dict[str, int]) -> None:
            told.append(f"{data['total_tokens']} tokens")

        def on_end(self, data: dict[str, str]) -> None:
            told.append(data["end"])

    with module.CortexClient(
        Context(base_url=url, timeouts=LONG, strict_answers=True, strict_events=True)
    ) as client:
        client.chat.answer_stream(HI, temperature=0.5).dispatch(Story())
        assert (told[0], told[-1]) == ("start", "complete")
        assert (
            "".join(word for word in told if word not in ("start", "complete", "7 tokens"))
            == "Hola, ¿qué tal?"
        )
        assert client.chat.answer(HI) == "Hola, ¿qué tal?"
        kinds = [event.json()["type"] for event in client.chat.lines_stream(HI)]
        assert (kinds[0], kinds[-1]) == ("start", "end")
        assert client.chat.complete(HI)["response"] == "Hola, ¿qué tal?"
        assert client.gateway.providers()["providers"][0]["name"] == "one"
        assert client.gateway.health()["summary"]["total"] == 1
        assert client.gateway.actors()["tree"]["id"] == "cortex"


def test_the_generated_openai_module_talks_to_the_running_gateway(url: str, tmp_path: Path) -> None:
    module = imported(shipped("openai_compatible"), tmp_path)
    pieces: list[str] = []

    class Pieces(module.ChatCompletionsEvents):  # type: ignore[name-defined,misc]
        def on_message(self, data: dict[str, Any]) -> None:
            pieces.extend(choice["delta"].get("content") or "" for choice in data["choices"])

    with module.OpenaiCompatibleClient(Context(base_url=f"{url}/v1", timeouts=LONG)) as client:
        model = client.models.list()["data"][0]["id"]
        client.chat.completions_stream(HI, model).dispatch(Pieces())
        assert "".join(pieces) == "Hola, ¿qué tal?"
        whole = client.chat.completions(HI, model)
        assert whole["choices"][0]["message"]["content"] == "Hola, ¿qué tal?"


def test_an_operator_looks_into_the_running_gateway(
    url: str, provider_upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    module = imported(shipped("cortex"), tmp_path)
    go_on = threading.Event()
    provider_upstream.enqueue(openai_stream(["Hola, ", "¿qué ", "tal?"]).pause(2, Gate(go_on)))
    context = Context(base_url=url, timeouts=LONG, strict_answers=True, strict_events=True)
    with module.CortexClient(context) as client:
        with client.chat.answer_stream(HI) as answer:
            next(answer)
            (running,) = client.streams.list(provider="one")["streams"]
            assert client.streams.get(running["id"])["stream"]["provider"] == "one"
            go_on.set()
        assert client.streams.list(provider="two", limit=5)["streams"] == []
        found = client.gateway.actor("providers/one/worker", stack=True)
        assert (found["actor"]["id"], found["path"][0]) == ("worker", "cortex")
        assert client.gateway.actors(temporary=False)["tree"]["id"] == "cortex"
        lately = client.gateway.events(limit=3)
        with client.gateway.events_stream(call={"last_event_id": f"{lately['boot']}.0"}) as follower:
            first = next(follower)
        assert first.json()["seq"] >= 1
        assert first.id.startswith(lately["boot"])


def test_an_answer_is_gone_on_with_where_it_was_left(
    url: str, provider_upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    module = imported(shipped("cortex"), tmp_path)
    go_on = threading.Event()
    provider_upstream.enqueue(openai_stream(["Hola, ", "¿qué ", "tal?"]).pause(2, Gate(go_on)))
    with module.CortexClient(Context(base_url=url, timeouts=LONG, strict_events=True)) as client:
        with client.chat.answer_stream(HI, resumable=True) as answer:
            stream = answer.headers["x-cortex-stream"]
            start, first = next(answer), next(answer)
        assert (start.event, first.json()) == ("start", {"text": "Hola, "})
        go_on.set()
        rest = list(client.chat.resume_stream(stream, call={"last_event_id": answer.last_event_id}))
        assert "".join(event.json().get("text", "") for event in rest) == "¿qué tal?"
        assert (rest[-1].event, rest[-1].json()["end"]) == ("end", "complete")
        assert client.chat.cancel(stream) is None


#: What the dashboard and the admin page alone ask, and only they know how.
NOT_FOR_CLIENTS = ("/api/admin", "/api/dashboard")


def test_our_manifest_knows_every_path_of_our_api() -> None:
    known = {
        (endpoint.method, endpoint.path.partition("{")[0])
        for endpoint in shipped("cortex").endpoints.values()
    }
    served = {(method, path) for path, methods in {**ROUTES, **SUBTREES}.items() for method in methods}
    ours = {
        (method, path)
        for method, path in served
        if path.startswith("/api") and not path.startswith(NOT_FOR_CLIENTS)
    }
    assert known == ours


def test_the_gateways_refusals_have_the_names_of_its_manifest(url: str) -> None:
    with Client(shipped("cortex"), Context(base_url=url, timeouts=LONG)) as client:
        with pytest.raises(StatusError, match="nobody") as error:
            client.chat.complete(HI, provider="nobody")
        assert (error.value.error_type, error.value.data["code"]) == ("unknown", "provider_not_found")
        with pytest.raises(StatusError) as bad:
            client.execute("chat_complete", {"messages": HI, "n": 1}, path="/api/nothing")
        assert bad.value.status == 404


@pytest.mark.parametrize("framing", ["answer", "lines"])
def test_an_answer_that_breaks_off_is_told_by_every_framing(
    url: str, provider_upstream: ScriptedUpstream, framing: str
) -> None:
    provider_upstream.enqueue(openai_stream(["half"], finish=None, done=False))
    with Client(shipped("cortex"), Context(base_url=url, timeouts=LONG)) as client:
        events = list(getattr(client.chat, f"{framing}_stream")(HI))
        assert events[-1].json()["error"]


def test_a_gateway_that_is_not_there_is_a_failed_connection() -> None:
    from cortex_actors.client import ConnectionFailed

    with (
        Client(shipped("cortex"), Context(base_url=refused_url())) as client,
        pytest.raises(ConnectionFailed),
    ):
        client.execute("gateway_health", max_retries=0)
