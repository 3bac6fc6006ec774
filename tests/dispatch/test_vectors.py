"""Embeddings, and what else only some providers can give: the same way as chats go, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, RequestLimits
from cortex_actors.dispatch.messages import EndName
from cortex_actors.dispatch.stream import Embeddings, Stream, collect, collect_vectors
from cortex_actors.errors import (
    CortexError,
    InvalidRequest,
    MalformedStream,
    TruncatedStream,
    UnknownModel,
    UpstreamFailure,
    UpstreamTimeout,
)
from tests.dispatch.conftest import Start
from tests.dispatch.plant import MODEL, Client, Plant, ask, provider
from tests.upstream import Answer, Chunk, Fin, Hang, Head, ScriptedUpstream, json_answer, sse_stream

VECTORS = {
    "model": "really-this-one",
    "data": [{"index": 0, "embedding": [1.5, -1]}, {"index": 1, "embedding": [0, 2.5]}],
    "usage": {"prompt_tokens": 5},
}

LOGPROBS: Any = {"content": [{"token": "Ho", "logprob": -0.5}], "refusal": None}


def _texts(**changes: Any) -> EmbeddingsRequest:
    return EmbeddingsRequest(inputs=("one", "zwei"), **{"model": MODEL, **changes})


def _embed(
    plant: Plant, request: EmbeddingsRequest | None = None, caller: Client | None = None
) -> Embeddings:
    dispatcher = plant.open(cast(ChatRequest, request or _texts()), caller)
    return collect_vectors(Stream("stream-1", "request-1", dispatcher))


@pytest.fixture
def plant(start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Plant:
    upstream.on_path("/v1/embeddings", json_answer(200, VECTORS, {"x-ratelimit-remaining-tokens": "7"}))
    spare.on_path("/v1/embeddings", json_answer(200, VECTORS))
    return start(
        provider("one", upstream.url, keys=("k1",), priority=1), provider("two", spare.url, priority=2)
    )


def test_texts_become_vectors_with_one_request_that_is_entered_in_the_books(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    made = _embed(plant)

    assert made.values == ((1.5, -1), (0, 2.5))
    assert (made.head.provider, made.head.model, made.head.attempts) == ("one", MODEL, 1)
    assert made.head.rate_limits == {"remaining-tokens": "7"}
    assert made.end.usage is not None
    assert made.end.usage.prompt_tokens == 5
    assert len(upstream.requests) == 1
    assert upstream.requests[0].headers["authorization"] == "Bearer k1"
    assert (plant.view("one").requests, plant.view("one").failures) == (1, 0)
    assert plant.end_names == [EndName.COMPLETE]


@pytest.mark.parametrize(
    "failure",
    [
        json_answer(503),
        json_answer(200, {"data": []}),
        json_answer(200, {"error": {"message": "Sorry."}}),
        [Head(200, {"Transfer-Encoding": "chunked"}), Chunk(b'{"data": ['), Fin()],
    ],
    ids=["503", "too few", "an error", "a cut"],
)
def test_another_provider_makes_them_when_the_first_fails(
    plant: Plant, upstream: ScriptedUpstream, failure: Answer
) -> None:
    upstream.on_path("/v1/embeddings", failure)

    assert _embed(plant).head.provider == "two"
    assert plant.view("one").failures >= 1


def test_who_makes_none_is_passed_over_and_not_blamed(start: Start, spare: ScriptedUpstream) -> None:
    spare.on_path("/v1/embeddings", json_answer(200, VECTORS))
    plant = start(
        provider("one", "http://127.0.0.1:9", type="groq", priority=1), provider("two", spare.url, priority=2)
    )

    made = _embed(plant)

    assert (made.head.provider, made.head.attempts) == ("two", 1)
    assert plant.view("one").failures == 0


def test_where_nobody_makes_any_the_caller_hears_it(start: Start) -> None:
    plant = start(provider("one", "http://127.0.0.1:9", type="groq"))

    with pytest.raises(InvalidRequest, match="one makes no embeddings"):
        _embed(plant)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_answer(500), UpstreamFailure),
        (json_answer(200, {"data": []}), MalformedStream),
        ([Head(200, {"Content-Length": "99"}), Chunk(b"{"), Fin()], TruncatedStream),
    ],
)
def test_what_is_not_whole_is_an_error(
    plant: Plant,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    answer: Answer,
    error: type[CortexError],
) -> None:
    for each in (upstream, spare):
        each.on_path("/v1/embeddings", answer)

    with pytest.raises(error):
        _embed(plant)


def test_a_model_that_nobody_has_is_unknown(plant: Plant) -> None:
    with pytest.raises(UnknownModel):
        _embed(plant, _texts(model="nobody"))


def test_limits_hold_for_them_too(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.on_path("/v1/embeddings", [Hang()])

    with pytest.raises(UpstreamTimeout):
        _embed(plant, _texts(provider="one", limits=RequestLimits(first_token=0.05)))

    assert upstream.request().closed.wait(5)


def test_a_caller_that_leaves_frees_the_provider(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.on_path("/v1/embeddings", [Hang()])
    caller = Client()
    caller.left.set()

    with pytest.raises(CortexError):
        _embed(plant, caller=caller)

    assert plant.end_names == [EndName.CLIENT_GONE]
    assert upstream.wait_for(lambda: upstream.open_sockets == 0)


def test_what_was_left_out_is_in_the_head(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.on_path("/api/embed", json_answer(200, {"embeddings": [[1], [2]]}))
    plant = start(provider("one", upstream.url, type="ollama"))

    assert _embed(plant, _texts(user="u", extra={"odd": 1})).head.dropped == ("user", "odd")


# -- chats that not everybody can answer


def _open(plant: Plant) -> Callable[..., Stream]:
    return lambda **changes: Stream("stream-1", "request-1", plant.open(ask(**changes)))


def test_logprobs_are_collected_from_the_provider_that_has_them(
    start: Start, spare: ScriptedUpstream
) -> None:
    choices = [
        {"index": 0, "delta": {"content": "Ho"}, "logprobs": LOGPROBS},
        {"index": 0, "delta": {"content": "la"}, "logprobs": LOGPROBS},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    spare.default = sse_stream(*({"choices": [choice]} for choice in choices))
    plant = start(
        provider("one", "http://127.0.0.1:9", type="mistral", priority=1),
        provider("two", spare.url, priority=2),
    )

    completion = collect(_open(plant)(extra={"logprobs": True}))

    assert (completion.text, completion.head.provider) == ("Hola", "two")
    assert completion.logprobs == {"content": LOGPROBS["content"] * 2}


def test_fields_that_a_chat_leaves_out_are_in_the_head(start: Start, upstream: ScriptedUpstream) -> None:
    lines = [{"message": {"content": "Ho"}}, {"message": {}, "done": True}]
    upstream.default = sse_stream(*lines)
    plant = start(provider("one", upstream.url, type="ollama"))

    assert collect(_open(plant)(user="u-1")).head.dropped == ("user",)
