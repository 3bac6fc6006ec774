"""The `openai` package, unmodified, with nothing changed but its base URL: what it hears and what it says."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from cortex_actors.providers.catalog import create
from tests.live.openai.setup import CALLS, HELLO, TOOLS, pausing
from tests.providers.reading import read, recorded
from tests.upstream import Gate, ScriptedUpstream, Stream, json_answer, openai_stream, sse_stream
from tests.upstream.dialects import DIALECTS, Dialect, Said

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def test_a_completion_is_the_same_whole_and_streamed(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("Año", " 新年", " 🎉"), usage=(9, 3))))

    completion = ask(model=f"{dialect.type}/{model}")

    (choice,) = completion.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "Año 新年 🎉")
    assert choice.finish_reason == "stop"
    assert not choice.message.tool_calls
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (9, 3)
    assert completion.id.startswith("chatcmpl-")


def test_words_arrive_one_by_one(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    gate = threading.Event()
    dialect.script(upstream, model, pausing(dialect, Gate(gate)))

    with client.chat.completions.create(model=f"{dialect.type}/{model}", stream=True, **HELLO) as stream:
        deltas = (chunk.choices[0].delta for chunk in stream)
        first = next(deltas)
        assert (first.role, first.content) == ("assistant", "")
        assert next(deltas).content == "Ho"
        gate.set()
        assert [delta.content for delta in deltas] == ["la", None]


def test_usage_comes_last_and_without_choices_and_only_if_asked_for(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    answer = dialect.answer(Said(("Ho",), usage=(9, 2)))
    dialect.script(upstream, model, answer)
    asked = {"model": f"{dialect.type}/{model}", "stream": True, **HELLO}

    *chunks, last = client.chat.completions.create(stream_options={"include_usage": True}, **asked)
    plain = list(client.chat.completions.create(**asked))

    assert last.choices == []
    assert last.usage.total_tokens == 11
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    assert all(chunk.choices for chunk in plain)
    assert plain[-1].choices[0].finish_reason == "stop"


#: Answers as providers sent them, and what a Content-Type each had.
RECORDINGS = {
    **dict.fromkeys(
        (
            "openai/text.sse", "openai/tools.sse", "groq/text.sse", "mistral/thinking.sse",
            "xai/thinking.sse", "anthropic/text.sse", "anthropic/tools.sse", "anthropic/thinking.sse",
            "gemini/text.sse", "gemini/tools.sse", "gemini/thoughts.sse", "cohere/text.sse",
            "cohere/tools.sse", "cohere/thinking.sse",
        ),
        "text/event-stream",
    ),
    "gemini/text.json": "application/json",
    "ollama/tools.ndjson": "application/x-ndjson",
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_answer_arrives_as_its_dialect_means_it(
    client: OpenAI, upstream: ScriptedUpstream, name: str, model: str
) -> None:
    type, body, content_type = name.partition("/")[0], recorded(name), RECORDINGS[name]
    meant = read(create("p", type, "http://host"), body, content_type=content_type)
    answer = Stream((body,), content_type).in_pieces(11)
    DIALECTS[type].script(upstream, model, answer)

    (choice,) = client.chat.completions.create(model=f"{type}/{model}", **HELLO).choices
    chunks = list(client.chat.completions.create(model=f"{type}/{model}", stream=True, **HELLO))

    calls = [call.function for call in choice.message.tool_calls or ()]
    assert (choice.message.content or "") == meant.text
    assert getattr(choice.message, "reasoning_content", "") == meant.reasoning
    assert [(call.name, call.arguments) for call in calls] == [call[1:] for call in meant.calls]
    assert choice.finish_reason == meant.finish
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == meant.text
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == meant.reasoning
    assert chunks[-1].choices[0].finish_reason == meant.finish


def test_two_tool_calls_and_their_results_are_the_same_everywhere(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    first, last = Said(("Let me see.",), CALLS), Said(("Sunny, noon.",))
    dialect.script(upstream, model, dialect.answer(first), dialect.answer(last))
    asked = {"model": f"{dialect.type}/{model}", "tools": TOOLS}
    question = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather and time?"},
    ]

    (choice,) = ask(messages=question, **asked).choices
    calls = choice.message.tool_calls
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(calls, ("sunny", "noon"), strict=True)
    ]
    answer = ask(messages=[*question, choice.message.to_dict(), *results], **asked)

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me see."
    named = [(call.function.name, json.loads(call.function.arguments)) for call in calls]
    assert named == [(call.name, call.arguments) for call in CALLS]
    assert len({call.id for call in calls}) == 2
    assert answer.choices[0].message.content == "Sunny, noon."
    _, request = dialect.requests(upstream, model)
    assert dialect.heard(request.json) == [
        ("system", "Be brief."),
        ("user", "Weather and time?"),
        ("assistant", "Let me see."),
        *(("call", call.name, call.arguments) for call in CALLS),
        ("result", "weather", "sunny"),
        ("result", "time", "noon"),
    ]


def test_calls_without_words_have_no_content(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said((), CALLS[:1])))

    completion = client.chat.completions.create(model=f"{dialect.type}/{model}", tools=TOOLS, **HELLO)

    assert completion.choices[0].message.content is None
    assert completion.choices[0].finish_reason == "tool_calls"


def test_an_image_reaches_whoever_answers(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("A pixel.",))))
    question = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]

    ask(model=f"{dialect.type}/{model}", messages=[{"role": "user", "content": question}])

    (request,) = dialect.requests(upstream, model)
    assert dialect.heard(request.json) == [("user", "What is this?"), ("image", PIXEL)]


def test_an_image_that_a_provider_cannot_fetch_is_refused_by_name(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    question = [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]

    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=f"ollama/{model}", messages=[{"role": "user", "content": question}]
        )

    assert caught.value.param == "messages[0].content[0].image_url.url"
    assert DIALECTS["ollama"].requests(upstream, model) == []


class Forecast(BaseModel):
    sky: str


def test_a_schema_reaches_the_provider_and_its_answer_is_parsed(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(['{"sky":', ' "blue"}']))

    completion = client.chat.completions.parse(model=f"openai/{model}", response_format=Forecast, **HELLO)

    assert completion.choices[0].message.parsed == Forecast(sky="blue")
    (request,) = DIALECTS["openai"].requests(upstream, model)
    assert request.json["response_format"]["json_schema"]["name"] == "Forecast"


def test_headers_tell_who_answers_and_what_its_limits_are(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    limits = {"x-ratelimit-remaining-requests": "59", "Anthropic-RateLimit-Tokens-Reset": "soon"}
    answer = openai_stream(["Ho"])
    upstream.on_model(model, Stream(answer.events, answer.content_type, headers=limits))

    headers = client.chat.completions.with_raw_response.create(
        model=f"groq/{model}", extra_headers={"X-Request-Id": "my-id.1"}, **HELLO
    ).headers

    assert headers["x-request-id"] == "my-id.1"
    assert (headers["x-cortex-provider"], headers["x-cortex-attempts"]) == ("groq", "1")
    assert 0 <= float(headers["x-cortex-overhead-ms"]) < 5000
    assert headers["x-upstream-ratelimit-remaining-requests"] == "59"
    assert headers["x-upstream-ratelimit-tokens-reset"] == "soon"
    assert "x-cortex-dropped" not in headers


def test_what_a_provider_is_not_told_is_in_a_header(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("4",))))

    headers = client.chat.completions.with_raw_response.create(
        model=f"{dialect.type}/{model}", frequency_penalty=0.5, user="u-1", **HELLO
    ).headers

    told = {
        "mistral": "user",
        "anthropic": "frequency_penalty",
        **dict.fromkeys(("gemini", "cohere", "ollama"), "user, frequency_penalty"),
    }
    assert headers.get("x-cortex-dropped") == told.get(dialect.type)


def test_unknown_fields_reach_a_provider_that_may_know_them(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho"]))

    client.chat.completions.create(
        model=f"openai_compatible/{model}", logit_bias={"5": -100}, extra_body={"min_p": 0.1}, **HELLO
    )

    (request,) = DIALECTS["openai_compatible"].requests(upstream, model)
    assert (request.json["logit_bias"], request.json["min_p"]) == ({"5": -100}, 0.1)


def test_models_are_asked_one_after_the_other(client: OpenAI, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(f"{model}-a", json_answer(404))
    upstream.on_model(f"{model}-b", openai_stream(["Ho"], model=f"{model}-b"))

    raw = client.chat.completions.with_raw_response.create(
        model=f"openai/{model}-a", extra_body={"models": [f"xai/{model}-b"]}, **HELLO
    )

    assert raw.parse().model == f"{model}-b"
    assert (raw.headers["x-cortex-provider"], raw.headers["x-cortex-attempts"]) == ("xai", "2")


def test_models_are_listed_and_found(client: OpenAI) -> None:
    listed = [model.id for model in client.models.list()]

    assert listed[0] == "auto"
    assert "usual" in listed
    assert client.models.retrieve("usual").owned_by in DIALECTS
    assert client.models.retrieve("groq/any/new-model").owned_by == "groq"


def test_logprobs_come_from_whoever_has_them(ask: Any, upstream: ScriptedUpstream, model: str) -> None:
    entry = {"token": "Ho", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    choice = {"index": 0, "delta": {"content": "Ho"}, "logprobs": {"content": [entry], "refusal": None}}
    upstream.on_model(
        model,
        sse_stream(
            {"choices": [choice]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]"
        ),
    )

    asked = {"logprobs": True, "extra_body": {"models": [f"openai/{model}"]}}
    completion = ask(model=f"gemini/{model}", **asked)

    assert [token.logprob for token in completion.choices[0].logprobs.content] == [-0.5]
    assert DIALECTS["gemini"].requests(upstream, model) == []


@pytest.mark.parametrize("type", ["groq", "mistral", "anthropic", "gemini", "cohere", "ollama"])
def test_logprobs_are_refused_where_nobody_has_them(
    ask: Any, upstream: ScriptedUpstream, type: str, model: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(model=f"{type}/{model}", logprobs=True, top_logprobs=2)

    assert caught.value.param == "logprobs"
    assert DIALECTS[type].requests(upstream, model) == []
