"""Embeddings in every dialect that has them: what is asked, read, refused, and left out."""

from __future__ import annotations

import base64
import json
from array import array
from typing import Any

import pytest

from cortex_actors.chat import EmbeddingsRequest, Finish, FinishReason, Usage, Vectors
from cortex_actors.errors import InvalidRequest, MalformedStream, UpstreamError, UpstreamFailure
from cortex_actors.providers.adapter import Adapter, ParsedEvent, StreamState
from cortex_actors.providers.catalog import TYPES, create
from cortex_actors.providers.mock import MockAdapter
from cortex_actors.providers.speech import EmbeddingsReader, WholeBody, speech
from cortex_actors.streaming.errors import TooLarge
from tests.providers.reading import body_of

URL = "http://host"
MAKERS = ("openai", "openai_compatible", "mistral", "gemini", "cohere", "ollama", "mock")
OTHERS = ("anthropic", "groq", "xai")

TWO = EmbeddingsRequest(inputs=("one", "zwei"), model="m", dimensions=3)
SAYS_MORE = EmbeddingsRequest(
    inputs=("one",), model="m", base64=True, user="u", extra={"input_type": "query", "odd": 1}
)

#: A good answer to TWO in each dialect.
ANSWERS: dict[str, Any] = {
    "openai": {
        "data": [{"index": 1, "embedding": [0, 2.5]}, {"index": 0, "embedding": [1.5, -1]}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    },
    "gemini": {"embeddings": [{"values": [1.5, -1]}, {"values": [0, 2.5]}]},
    "cohere": {
        "id": "e1",
        "embeddings": {"float": [[1.5, -1], [0, 2.5]]},
        "texts": ["one", "zwei"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 5}},
    },
    "ollama": {"model": "m", "embeddings": [[1.5, -1], [0, 2.5]], "prompt_eval_count": 5},
}
ANSWERS |= dict.fromkeys(("openai_compatible", "mistral", "mock"), ANSWERS["openai"])


def made(type: str, **options: Any) -> Adapter:
    return create("prov", type, URL, options=options)


def asked(type: str, request: EmbeddingsRequest, **options: Any) -> tuple[str, Any]:
    """The path and the body of what goes up."""
    upstream = made(type, **options).build_embeddings(request, model="m", key="sk-1")
    assert upstream.method == "POST"
    assert "sk-1" in str(dict(upstream.headers))
    return upstream.url.removeprefix(URL), body_of(upstream)


def read(adapter: Adapter, payload: bytes, wanted: int = 2) -> tuple[list[ParsedEvent], StreamState]:
    """The events of an answer that came in three pieces."""
    reader, state = EmbeddingsReader(adapter, wanted), StreamState()
    decoder = reader.new_decoder("application/json")
    assert [*decoder.decode(payload[:3]), *decoder.decode(payload[3:])] == []
    events = [event for whole in decoder.flush() for event in reader.parse_event(whole, state)]
    return [*events, *reader.end_of_body(state)], state


def failure_of(adapter: Adapter, payload: Any, wanted: int = 2) -> UpstreamError:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    (failure,), state = read(adapter, data, wanted)
    assert isinstance(failure, UpstreamError)
    assert failure.provider == "prov"
    assert not state.finished
    return failure


def test_the_family_asks_for_all_texts_at_once() -> None:
    path, body = asked("openai", TWO)

    assert path == "/v1/embeddings"
    assert body == {"model": "m", "input": ["one", "zwei"], "dimensions": 3}


def test_the_family_carries_tokens_base64_and_what_it_does_not_know() -> None:
    tokens = EmbeddingsRequest(inputs=((1, 2), (3,)), model="m")

    assert asked("openai_compatible", tokens)[1]["input"] == [[1, 2], [3]]
    assert asked("openai_compatible", SAYS_MORE)[1] == {
        "model": "m",
        "input": ["one"],
        "encoding_format": "base64",
        "user": "u",
        "input_type": "query",
        "odd": 1,
    }


def test_mistral_has_another_word_for_dimensions_and_knows_no_user() -> None:
    assert asked("mistral", TWO)[1] == {"model": "m", "input": ["one", "zwei"], "output_dimension": 3}
    assert "user" not in asked("mistral", SAYS_MORE)[1]


def test_ollama_is_told_not_to_cut_what_is_too_long() -> None:
    path, body = asked("ollama", TWO, keep_alive="5m", model_options={"num_ctx": 4096})

    assert path == "/api/embed"
    assert body == {
        "model": "m",
        "input": ["one", "zwei"],
        "truncate": False,
        "dimensions": 3,
        "options": {"num_ctx": 4096},
        "keep_alive": "5m",
    }


def test_cohere_is_told_what_the_texts_are_for() -> None:
    path, body = asked("cohere", TWO, body={"temperature": 1})

    assert path == "/v2/embed"
    assert body == {
        "model": "m",
        "texts": ["one", "zwei"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 3,
        "truncate": "NONE",
    }
    assert asked("cohere", SAYS_MORE)[1]["input_type"] == "query"
    assert asked("cohere", TWO, embed_input_type="clustering")[1]["input_type"] == "clustering"


@pytest.mark.parametrize(("model", "full"), [("m", "models/m"), ("tunedModels/t", "tunedModels/t")])
def test_gemini_gets_a_request_a_text(model: str, full: str) -> None:
    upstream = made("gemini").build_embeddings(TWO, model=model, key=None)

    assert upstream.url == f"{URL}/v1beta/{full}:batchEmbedContents"
    assert body_of(upstream) == {
        "requests": [
            {"model": full, "content": {"parts": [{"text": text}]}, "outputDimensionality": 3}
            for text in ("one", "zwei")
        ]
    }


@pytest.mark.parametrize("type", ["gemini", "cohere", "ollama"])
def test_tokens_are_refused_where_only_texts_are_taken(type: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(type, EmbeddingsRequest(inputs=("one", (1, 2)), model="m"))

    assert caught.value.field == "input[1]"


@pytest.mark.parametrize("type", OTHERS)
def test_who_makes_none_says_so(type: str) -> None:
    adapter = made(type)

    assert "embeddings" not in adapter.capabilities
    with pytest.raises(InvalidRequest, match="prov makes no embeddings"):
        adapter.build_embeddings(TWO, model="m", key=None)


def test_a_server_of_the_family_may_have_them_elsewhere_or_not_at_all() -> None:
    assert asked("openai_compatible", TWO, embeddings_path="/embed")[0] == "/v1/embed"
    without = made("openai_compatible", embeddings_path="")
    assert not without.makes_embeddings
    with pytest.raises(InvalidRequest):
        without.build_embeddings(TWO, model="m", key=None)


@pytest.mark.parametrize("type", MAKERS)
def test_who_makes_them_says_so_and_is_understood(type: str) -> None:
    adapter = made(type)
    counts = [] if type == "gemini" else [Usage(5, 0)]

    events, state = read(adapter, json.dumps(ANSWERS[type]).encode())

    assert "embeddings" in adapter.capabilities
    assert events == [Vectors(((1.5, -1), (0, 2.5))), *counts, Finish(FinishReason.STOP)]
    assert state.finished


def test_every_type_is_in_one_of_the_two_lists() -> None:
    assert {*MAKERS, *OTHERS} == set(TYPES)


@pytest.mark.parametrize(
    ("type", "left_out"),
    [
        ("openai", ()),
        ("openai_compatible", ()),
        ("mistral", ("user",)),
        ("gemini", ("user", "input_type", "odd")),
        ("cohere", ("user", "odd")),
        ("ollama", ("user", "input_type", "odd")),
    ],
)
def test_what_is_left_out_is_named(type: str, left_out: tuple[str, ...]) -> None:
    assert speech(made(type), SAYS_MORE, model="m", key=None).dropped == left_out


@pytest.mark.parametrize("type", MAKERS)
def test_an_answer_with_a_vector_too_few_is_none(type: str) -> None:
    answer = json.dumps(ANSWERS[type]).encode()

    assert isinstance(failure_of(made(type), answer, wanted=3), MalformedStream)
    assert isinstance(failure_of(made(type), answer, wanted=1), MalformedStream)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<html>",
        b"[1]",
        {},
        {"data": None},
        {"data": [{"index": 0, "embedding": [1, None]}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": [1, "2"]}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": {}}, 5]},
        b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}",
    ],
)
def test_what_is_no_list_of_vectors_is_malformed(payload: Any) -> None:
    assert isinstance(failure_of(made("openai"), payload), MalformedStream)


def test_an_error_with_a_status_of_200_is_one() -> None:
    payload = {"error": {"message": "The engine is down.", "type": "server_error"}}

    failure = failure_of(made("openai"), payload)

    assert isinstance(failure, UpstreamFailure)
    assert failure.details == "The engine is down."


def test_base64_is_passed_on_as_it_is() -> None:
    events, _ = read(made("openai"), b'{"data": [{"embedding": "AAAA"}, {"embedding": "BBBB"}]}')

    assert events[0] == Vectors(("AAAA", "BBBB"))


def test_servers_may_leave_out_the_index() -> None:
    events, _ = read(made("openai"), b'{"data": [{"embedding": [1]}, {"embedding": [2]}]}')

    assert events[0] == Vectors(((1,), (2,)))


def test_a_refusal_is_read_as_for_chats() -> None:
    reader = EmbeddingsReader(made("openai"), 1)

    assert reader.name == "prov"
    assert reader.classify_failure(401, {}, b"{}").code == "upstream_key_rejected"


def test_a_body_without_end_is_cut_at_a_limit() -> None:
    decoder = WholeBody(max_body=10)
    decoder.decode(b"12345")

    with pytest.raises(TooLarge):
        decoder.decode(b"678901")


def test_the_mock_makes_the_same_vector_of_the_same_text() -> None:
    adapter = MockAdapter(name="prov")

    def vectors(request: EmbeddingsRequest) -> tuple[Any, ...]:
        upstream = adapter.build_embeddings(request, model="mock-1", key=None)
        body = adapter.transport.exchange(upstream, connect_timeout=1, read_timeout=1).open().read()
        events, _ = read(adapter, body, len(request.inputs))
        assert isinstance(events[0], Vectors)
        return events[0].values

    first, second, third = vectors(EmbeddingsRequest(inputs=("a", "b", "a"), model="m"))
    (as_text,) = vectors(EmbeddingsRequest(inputs=("a",), model="m", base64=True))

    assert first == third != second
    assert len(first) == 8
    assert array("f", base64.b64decode(as_text)) == array("f", first)
    assert [len(each) for each in vectors(TWO)] == [3, 3]
