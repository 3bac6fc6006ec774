"""Who goes on with an assistant message at the end of a conversation, and what it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, Message, TextPart, ToolCall
from cortex_actors.errors import SettingsError
from cortex_actors.providers.adapter import Adapter
from cortex_actors.providers.anthropic import AnthropicAdapter
from cortex_actors.providers.catalog import create
from tests.providers.reading import HELLO, body_of

BEGUN = ChatRequest((*HELLO.messages, Message("assistant", (TextPart("Once upon"),))))
CALLED = ChatRequest((*HELLO.messages, Message("assistant", (), (ToolCall("call00001", "look", "{}"),))))


def made(type: str, **options: Any) -> Adapter:
    return create("it", type, "https://api.example/v1", options=options)


def last_message(adapter: Adapter, request: ChatRequest = BEGUN) -> Any:
    return body_of(adapter.build_request(request, model="m", key=None))["messages"][-1]


@pytest.mark.parametrize("type", ["anthropic", "mistral", "ollama", "mock"])
def test_some_are_known_to(type: str) -> None:
    assert made(type).prefills(HELLO, "m")


@pytest.mark.parametrize("type", ["openai", "xai", "groq", "gemini", "cohere", "openai_compatible"])
def test_of_the_others_it_is_not_believed(type: str) -> None:
    assert not made(type).prefills(HELLO, "m")


@pytest.mark.parametrize("type", ["openai_compatible", "groq", "xai", "openai"])
def test_an_operator_may_know_better(type: str) -> None:
    assert made(type, prefill="assistant").prefills(HELLO, "m")


def test_a_wrong_word_for_it_is_refused() -> None:
    with pytest.raises(SettingsError):
        made("openai_compatible", prefill="maybe")


def test_mistral_wants_it_marked_as_a_prefix() -> None:
    assert last_message(made("mistral")) == {"role": "assistant", "content": "Once upon", "prefix": True}
    assert "prefix" not in last_message(made("mistral"), CALLED)
    assert "prefix" not in last_message(made("mistral"), HELLO)


def test_a_server_may_want_it_marked_or_a_field_of_its_own_or_nothing() -> None:
    assert last_message(made("openai_compatible", prefill="prefix"))["prefix"] is True
    adapter = made("openai_compatible", prefill="continue_final_message")
    body = body_of(adapter.build_request(BEGUN, model="m", key=None))
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in body_of(adapter.build_request(HELLO, model="m", key=None))
    assert "prefix" not in last_message(made("openai_compatible", prefill="assistant"))


def test_a_model_that_thinks_takes_none() -> None:
    adapter = made("anthropic")
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    assert not adapter.prefills(replace(HELLO, surface="anthropic", extra=thinking), "m")
    assert adapter.prefills(
        replace(HELLO, surface="anthropic", extra={"thinking": {"type": "disabled"}}), "m"
    )
    always = AnthropicAdapter(name="it", base_url="https://api.example", options={"body": thinking})
    assert not always.prefills(HELLO, "m")
