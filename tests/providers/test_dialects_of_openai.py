"""What is different in OpenAI, Groq, Mistral and xAI: the rest is tested with the family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import (
    AnswerInfo,
    ChatRequest,
    Chunk,
    Finish,
    FinishReason,
    Message,
    TextPart,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from cortex_actors.errors import (
    KeyRejected,
    QuotaExhausted,
    SettingsError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
)
from cortex_actors.providers.groq import GroqAdapter
from cortex_actors.providers.mistral import MistralAdapter
from cortex_actors.providers.openai import OpenAIAdapter
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.xai import XAIAdapter
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    body_of,
    delta,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
    sse,
)


def made(dialect: type[OpenAICompatibleAdapter], **options: Any) -> OpenAICompatibleAdapter:
    return dialect(name=dialect.type, base_url="https://api.example/v1", options=options)


def body(adapter: OpenAICompatibleAdapter, request: ChatRequest, model: str = "m") -> Mapping[str, Any]:
    sent: Mapping[str, Any] = body_of(adapter.build_request(request, model=model, key="k"))
    return sent


@pytest.mark.parametrize("dialect", [OpenAIAdapter, GroqAdapter, MistralAdapter, XAIAdapter])
def test_everything_a_caller_can_say_reaches_the_wire(dialect: type[OpenAICompatibleAdapter]) -> None:
    assert body(made(dialect), EVERYTHING) == golden(dialect.type)


@pytest.mark.parametrize(
    ("dialect", "recording"),
    [
        (GroqAdapter, "groq/text.sse"),
        (MistralAdapter, "mistral/thinking.sse"),
        (XAIAdapter, "xai/thinking.sse"),
        (OpenAIAdapter, "openai/tools.sse"),
    ],
)
def test_a_stream_reads_the_same_however_it_is_cut(
    dialect: type[OpenAICompatibleAdapter], recording: str
) -> None:
    reads_the_same_however_cut(made(dialect), recorded(recording))


@pytest.mark.parametrize(
    ("dialect", "recording"),
    [
        (OpenAIAdapter, "openai/text.sse"),
        (GroqAdapter, "groq/text.sse"),
        (MistralAdapter, "mistral/thinking.sse"),
        (XAIAdapter, "xai/thinking.sse"),
    ],
)
def test_a_stream_cut_before_its_finish_reason_is_not_finished(
    dialect: type[OpenAICompatibleAdapter], recording: str
) -> None:
    whole = recorded(recording)
    end = re.search(rb'"finish_reason":"', whole)
    assert end is not None
    reading = read(made(dialect), whole[: end.start()])
    assert reading.text or reading.reasoning
    assert not reading.state.finished


# OpenAI


def test_reasoning_models_of_openai_get_their_own_token_limit() -> None:
    assert body(made(OpenAIAdapter), EVERYTHING, "m") | {"model": "o4-mini"} != golden("openai_reasoning")
    assert body(made(OpenAIAdapter), EVERYTHING, "o4-mini") == golden("openai_reasoning") | {
        "model": "o4-mini"
    }


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-4o-mini", "max_tokens"),
        ("gpt-4.1", "max_tokens"),
        ("gpt-3.5-turbo", "max_tokens"),
        ("o1", "max_completion_tokens"),
        ("o3-pro", "max_completion_tokens"),
        ("gpt-5", "max_completion_tokens"),
        ("gpt-5-mini-2025-08-07", "max_completion_tokens"),
        ("ft:o4-mini-2025-04-16:acme::1", "max_completion_tokens"),
    ],
)
def test_the_model_decides_which_token_limit_is_sent(model: str, field: str) -> None:
    assert made(OpenAIAdapter).max_tokens_field(model) == field


def test_the_configuration_decides_over_the_model() -> None:
    assert "max_tokens" in body(made(OpenAIAdapter, max_tokens_field="max_tokens"), EVERYTHING, "o1")


def test_organization_and_project_travel_in_headers() -> None:
    adapter = made(OpenAIAdapter, organization="org-1", project="proj-1")
    for request in (adapter.build_request(HELLO, model="m", key="k"), adapter.health_request(key="k")):
        assert request is not None
        assert request.headers["OpenAI-Organization"] == "org-1"
        assert request.headers["OpenAI-Project"] == "proj-1"
    assert "OpenAI-Project" not in made(OpenAIAdapter).build_request(HELLO, model="m", key="k").headers


# Groq


def test_groq_counts_tokens_in_its_own_place_and_in_the_usual_one() -> None:
    reading = read(made(GroqAdapter), recorded("groq/text.sse"))
    counts = Usage(prompt_tokens=23, completion_tokens=19)
    assert reading.events == (
        AnswerInfo(model="llama-3.1-8b-instant", upstream_id="chatcmpl-8566e76f"),
        Chunk(text="Über"),
        Chunk(text="schnell ✓"),
        counts,
        Finish(FinishReason.STOP),
        counts,
    )
    assert reading.state.ended


def test_groq_reports_late_errors_in_its_own_place() -> None:
    reading = read(made(GroqAdapter), sse({**delta(content="Hi"), "x_groq": {"error": "Out of luck"}}))
    assert isinstance(reading.failure, UpstreamFailure)
    assert reading.failure.details == "Out of luck"


def test_groq_without_capacity_asks_for_patience() -> None:
    error = made(GroqAdapter).classify_failure(498, {}, b'{"error": {"type": "capacity_exceeded"}}')
    assert isinstance(error, UpstreamRateLimited)


def test_groq_says_what_it_is_good_at() -> None:
    assert made(GroqAdapter).capabilities == ("chat_completion", "streaming", "ultra_fast", "llm_specialized")


# Mistral


def test_mistral_thinks_in_parts_calls_tools_whole_and_counts_unasked() -> None:
    reading = read(made(MistralAdapter), recorded("mistral/thinking.sse"))
    assert reading.events == (
        AnswerInfo(model="magistral-small-2509", upstream_id="cmpl-e5cc70bb28c444948073e77776eb30ef"),
        Chunk(reasoning="Un café…"),
        Chunk(text="Voilà"),
        Chunk(text=" ☕", tool_calls=(ToolCallDelta(0, "D681PevKs", "brew", '{"cups": 2}'),)),
        Usage(prompt_tokens=12, completion_tokens=8),
        Finish(FinishReason.TOOL_CALLS),
    )


def test_mistral_is_never_asked_for_usage() -> None:
    asked = replace(HELLO, extra={"stream_options": {"include_usage": True}})
    assert "stream_options" not in body(made(MistralAdapter), asked)
    with pytest.raises(SettingsError):
        made(MistralAdapter, include_usage=True)


def test_what_is_configured_for_mistral_is_sent_as_it_is() -> None:
    sent = body(made(MistralAdapter, body={"safe_prompt": True, "metadata": {"a": "b"}}), EVERYTHING)
    assert (sent["safe_prompt"], sent["metadata"]) == (True, {"a": "b"})


def test_mistral_calls_a_required_tool_call_any() -> None:
    assert body(made(MistralAdapter), replace(EVERYTHING, tool_choice="required"))["tool_choice"] == "any"
    assert body(made(MistralAdapter), replace(EVERYTHING, tool_choice="auto"))["tool_choice"] == "auto"


@pytest.mark.parametrize(("given", "kept"), [("D681PevKs", True), ("call_1", False), ("toolu_01AbC", False)])
def test_mistral_gets_tool_call_ids_of_nine_characters(given: str, kept: bool) -> None:
    conversation = (
        Message("assistant", tool_calls=(ToolCall(given, "f", "{}"),)),
        Message("tool", (TextPart("ok"),), tool_call_id=given, name="f"),
    )
    [called, answered] = body(made(MistralAdapter), ChatRequest(conversation))["messages"]
    sent = called["tool_calls"][0]["id"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", sent)
    assert answered["tool_call_id"] == sent
    assert answered["name"] == "f"
    assert (sent == given) is kept


# xAI


def test_xai_thinks_aloud_repeats_its_role_and_counts_reasoning_apart() -> None:
    reading = read(made(XAIAdapter), recorded("xai/thinking.sse"))
    assert (reading.reasoning, reading.text) == ("Thinking… done.", "42 😊")
    assert reading.usage == Usage(
        prompt_tokens=11, completion_tokens=103, cached_tokens=2, reasoning_tokens=100
    )
    assert reading.usage.total_tokens == 114


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "Incorrect API key provided: sk***YA. You can obtain an API key from x.", KeyRejected),
        (400, "Bad messages", UpstreamRejected),
        (403, "Your newly created team doesn't have any credits or licenses yet.", QuotaExhausted),
        (403, "You have run out of credits", QuotaExhausted),
        (403, "Access denied", KeyRejected),
    ],
)
def test_xai_says_with_a_sentence_what_others_say_with_a_status(
    status: int, text: str, kind: type[Exception]
) -> None:
    said = f'{{"code": "Client specified an invalid argument", "error": "{text}"}}'.encode()
    error = made(XAIAdapter).classify_failure(status, {}, said)
    assert type(error) is kind
