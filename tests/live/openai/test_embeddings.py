"""Embeddings through the `openai` package, from every dialect that makes them."""

from __future__ import annotations

import base64
from array import array
from typing import Any

import openai
import pytest
from openai import APIStatusError, OpenAI

from tests.upstream import Answer as Script
from tests.upstream import Hang, ScriptedUpstream, json_answer, openai_stream

VECTORS = ((0.5, -0.25), (2.0, 0.125))
_FAMILY = {
    "data": [{"index": index, "embedding": list(vector)} for index, vector in enumerate(VECTORS)],
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}

#: Where each dialect makes embeddings, its answer, and where the texts were in the question.
EMBEDDERS: dict[str, tuple[str, Any, Any]] = {
    **dict.fromkeys(
        ("openai", "openai_compatible", "mistral"), ("/v1/embeddings", _FAMILY, lambda body: body["input"])
    ),
    "ollama": (
        "/api/embed",
        {"embeddings": VECTORS, "prompt_eval_count": 5},
        lambda body: body["input"],
    ),
    "cohere": (
        "/v2/embed",
        {"embeddings": {"float": VECTORS}, "meta": {"billed_units": {"input_tokens": 5}}},
        lambda body: body["texts"],
    ),
    "gemini": (
        "/v1beta/models/m:batchEmbedContents",
        {"embeddings": [{"values": vector} for vector in VECTORS]},
        lambda body: [part["content"]["parts"][0]["text"] for part in body["requests"]],
    ),
}


@pytest.mark.parametrize("form", ["float", "base64", None])
@pytest.mark.parametrize("type", EMBEDDERS)
def test_texts_become_vectors_in_the_form_that_was_asked_for(
    client: OpenAI, upstream: ScriptedUpstream, type: str, form: Any
) -> None:
    path, answer, texts = EMBEDDERS[type]
    upstream.on_path(path, json_answer(200, answer, {"x-ratelimit-remaining-tokens": "7"}))
    asked = {} if form is None else {"encoding_format": form}

    raw = client.embeddings.with_raw_response.create(model=f"{type}/m", input=["one", "zwei"], **asked)

    made = raw.parse()
    vectors = [
        array("f", base64.b64decode(each.embedding)).tolist() if form == "base64" else each.embedding
        for each in made.data
    ]
    assert vectors == [list(vector) for vector in VECTORS]
    assert made.usage.total_tokens == (0 if type == "gemini" else 5)
    assert raw.headers["x-cortex-provider"] == type
    assert raw.headers["x-upstream-ratelimit-remaining-tokens"] == "7"
    assert texts(upstream.requests[-1].json) == ["one", "zwei"]


@pytest.mark.parametrize("type", ["groq", "xai", "anthropic"])
def test_who_makes_no_vectors_says_so(client: OpenAI, type: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"{type} makes no embeddings") as caught:
        client.embeddings.create(model=f"{type}/m", input="one")

    assert caught.value.param == "model"


def test_vectors_come_from_the_next_one_when_the_first_cannot_make_them(
    client: OpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.on_path("/v1/embeddings", json_answer(500), json_answer(200, _FAMILY))
    models = ["openai/m", "mistral/m"]

    raw = client.embeddings.with_raw_response.create(
        model="groq/m", input=["one", "zwei"], extra_body={"models": models}
    )

    assert len(raw.parse().data) == 2
    assert int(raw.headers["x-cortex-attempts"]) == 2


def test_a_caller_that_gives_up_on_vectors_frees_the_upstream(
    client: OpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.on_path("/v1/embeddings", [Hang()])

    with pytest.raises(openai.APITimeoutError):
        client.embeddings.create(model="openai/m", input="one", timeout=0.5)

    assert upstream.requests[-1].closed.wait(2)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer(400), "scripted"),
        (json_answer(200, {"error": {"message": "Sorry."}}), "upstream_failure"),
        (json_answer(200, {"data": []}), "malformed_stream"),
        (openai_stream(["Ho"]), "malformed_stream"),
    ],
)
def test_a_failure_to_make_vectors_is_told(
    client: OpenAI, upstream: ScriptedUpstream, answer: Script, code: str
) -> None:
    upstream.on_path("/v1/embeddings", answer)

    with pytest.raises(APIStatusError) as caught:
        client.embeddings.create(model="openai_compatible/m", input="one")

    assert caught.value.code == code
