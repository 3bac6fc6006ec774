"""Embeddings: what is asked for, and vectors in the form that was asked for."""

from __future__ import annotations

import base64
from array import array
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import EmbeddingsRequest, RequestLimits, Usage
from cortex_actors.dispatch.stream import Embeddings
from cortex_actors.errors import InvalidRequest, MalformedStream
from cortex_actors.web.openai.embeddings import embeddings_payload, parse_embeddings
from tests.web.gateway_double import COMPLETE, HEAD

NUMBERS = (0.5, -0.25, 2.0)
PLAIN = EmbeddingsRequest(inputs=("a",), model="m")


def in_base64(*numbers: float) -> str:
    return base64.b64encode(array("f", numbers).tobytes()).decode()


def made(*values: tuple[float, ...] | str, usage: Usage | None = None) -> Embeddings:
    return Embeddings(values, replace(COMPLETE, usage=usage), HEAD)


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1], [2, 3]], ((1,), (2, 3))),
        ([["a"][0], [1]], ("a", (1,))),
    ],
)
def test_inputs_are_texts_or_tokens_one_or_many(given: Any, inputs: Any) -> None:
    assert parse_embeddings({"model": "m", "input": given}).inputs == inputs


def test_every_option_arrives() -> None:
    body = {
        "model": "m", "models": ["n"], "fallbacks": ["o"], "provider": "p", "limits": {"total": 3},
        "input": "a", "dimensions": 3, "encoding_format": "base64", "user": "u",
        "input_type": "query", "odd": None,
    }  # fmt: skip

    assert parse_embeddings(body) == EmbeddingsRequest(
        inputs=("a",),
        model="m",
        provider="p",
        fallbacks=("n", "o"),
        dimensions=3,
        base64=True,
        user="u",
        limits=RequestLimits(total=3.0),
        extra={"input_type": "query"},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "m"}, "input"),
        ({"input": "a"}, "model"),
        ({"model": "auto", "input": "a"}, "model"),
        ({"model": "m", "fallbacks": ["auto"], "input": "a"}, "model"),
        ({"model": "m", "input": ""}, "input[0]"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": ["a", ""]}, "input[1]"),
        ({"model": "m", "input": ["a", []]}, "input[1]"),
        ({"model": "m", "input": [1, "a"]}, "input[0]"),
        ({"model": "m", "input": [[1, -1]]}, "input[0]"),
        ({"model": "m", "input": [True]}, "input[0]"),
        ({"model": "m", "input": {"a": 1}}, "input"),
        ({"model": "m", "input": ["a"] * 2049}, "input"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ({"model": "m", "input": "a", "encoding_format": "binary"}, "encoding_format"),
    ],
)
def test_a_mistake_names_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_embeddings(body)

    assert caught.value.field == field


@pytest.mark.parametrize("value", [NUMBERS, in_base64(*NUMBERS)])
def test_a_vector_has_the_form_that_was_asked_for_whatever_the_provider_sent(value: Any) -> None:
    as_numbers = embeddings_payload(made(value), PLAIN)
    as_text = embeddings_payload(made(value), replace(PLAIN, base64=True))

    assert as_numbers["data"] == [{"object": "embedding", "index": 0, "embedding": list(NUMBERS)}]
    assert as_text["data"][0]["embedding"] == in_base64(*NUMBERS)


@pytest.mark.parametrize("value", ["not base64!", "AAA=", "AAAAAAA="])
def test_text_that_stands_for_no_vector_is_the_providers_fault(value: str) -> None:
    with pytest.raises(MalformedStream):
        embeddings_payload(made(value), PLAIN)


def test_the_answer_says_who_and_how_much() -> None:
    payload = embeddings_payload(made(NUMBERS, NUMBERS, usage=Usage(9)), PLAIN)

    assert [entry["index"] for entry in payload["data"]] == [0, 1]
    assert payload["object"] == "list"
    assert payload["model"] == "llama-3.1-8b"
    assert payload["usage"] == {"prompt_tokens": 9, "total_tokens": 9}


def test_counts_that_nobody_gave_are_zero_as_clients_insist_on_numbers() -> None:
    assert embeddings_payload(made(NUMBERS), PLAIN)["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
