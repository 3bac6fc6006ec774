"""Callers that wait, callers that leave, callers of other kinds."""

from __future__ import annotations

import asyncio
import threading

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.live.daemon import Daemon
from tests.live.openai.setup import HELLO, client_of, pausing
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream
from tests.upstream.dialects import DIALECTS, Dialect


def test_comments_through_a_long_silence_disturb_nobody(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, pausing(DIALECTS["openai"], Gate(gate)))

    with client.chat.completions.with_streaming_response.create(
        model=f"openai/{model}", stream=True, **HELLO
    ) as answer:
        lines = answer.iter_lines()
        assert any(line == ": keep-alive" for line in lines)
        gate.set()
        assert "data: [DONE]" in list(lines)


def test_a_caller_that_leaves_a_stream_frees_the_upstream(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, pausing(dialect, Hang()))

    with client.chat.completions.create(model=f"{dialect.type}/{model}", stream=True, **HELLO) as stream:
        assert next(stream).choices[0].delta.role == "assistant"

    (request,) = dialect.requests(upstream, model)
    assert request.closed.wait(2)


@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_that_gives_up_frees_the_upstream(
    client: OpenAI, upstream: ScriptedUpstream, model: str, stream: bool
) -> None:
    upstream.on_model(model, openai_stream(["Ho"]).pause(0, Hang()))

    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=f"openai/{model}", timeout=0.5, stream=stream, **HELLO)

    (request,) = DIALECTS["openai"].requests(upstream, model)
    assert request.closed.wait(2)


def test_the_asynchronous_client_streams_as_well(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    async def words() -> list[str | None]:
        base_url = f"http://127.0.0.1:{daemon.port}/v1"
        async with AsyncOpenAI(base_url=base_url, api_key="sk-any", max_retries=0) as client:
            stream = await client.chat.completions.create(model=f"openai/{model}", stream=True, **HELLO)
            return [chunk.choices[0].delta.content async for chunk in stream]

    assert asyncio.run(words()) == ["", "Ho", "la", None]


def test_it_is_the_same_under_gevent(
    configured: str,
    environ: dict[str, str],
    upstream: ScriptedUpstream,
    model: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"], usage=(9, 2)))
    vectors = {"data": [{"index": 0, "embedding": [0.5, -0.25]}]}
    upstream.on_path("/v1/embeddings", json_answer(200, vectors))
    folder = tmp_path_factory.mktemp("gevent")

    with (
        Daemon(configured, folder, mode="gevent", environ=environ) as daemon,
        client_of(daemon) as client,
    ):
        chunks = list(client.chat.completions.create(model=f"openai/{model}", stream=True, **HELLO))
        whole = client.chat.completions.create(model=f"openai/{model}", **HELLO)
        made = client.embeddings.create(model="openai/m", input="one")
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nobody", **HELLO)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hola"
    assert whole.choices[0].message.content == "Hola"
    assert made.data[0].embedding == [0.5, -0.25]
    daemon.assert_no_traceback()
