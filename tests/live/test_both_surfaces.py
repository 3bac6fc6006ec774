"""A conversation with two tool calls and their results: the same from both surfaces, whoever answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.live.daemon import Daemon
from tests.live.openai.setup import CALLS, TOOLS, client_of, every_dialect, keys
from tests.upstream import ScriptedUpstream
from tests.upstream.dialects import DIALECTS, Dialect, Said

QUESTION = {"role": "user", "content": "Weather and time?"}
RESULTS = ("sunny", "noon")

#: What was answered first, the tools that were called, what was answered then, and why each answer ended.
Story = tuple[str, list[tuple[str, Any]], str, tuple[str, str]]


@pytest.fixture(scope="module", params=["threads"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream) -> str:
    return every_dialect(upstream.url)


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return keys()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_conversation_is_the_same_from_both_surfaces(
    daemon: Daemon, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    first, last = Said(("Let me see.",), CALLS), Said(("Sunny, noon.",))
    turns = (dialect.answer(first), dialect.answer(last))
    dialect.script(upstream, model, *turns, *turns)
    name = f"{dialect.type}/{model}"

    with client_of(daemon) as ours:
        from_openai = _with_openai(ours, name)
    with Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key="sk-any", max_retries=0) as theirs:
        from_anthropic = _with_anthropic(theirs, name)

    assert from_openai == from_anthropic
    assert from_openai[1] == [(call.name, call.arguments) for call in CALLS]
    heard = [dialect.heard(request.json) for request in dialect.requests(upstream, model)]
    assert heard[0] == heard[2]
    assert heard[1] == heard[3]


def _with_openai(client: OpenAI, model: str) -> Story:
    asked: Any = {"model": model, "tools": TOOLS, "max_tokens": 100}
    (choice,) = client.chat.completions.create(messages=[QUESTION], **asked).choices
    calls: Any = choice.message.tool_calls
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(calls, RESULTS, strict=True)
    ]
    turns = [QUESTION, choice.message.to_dict(), *results]
    (then,) = client.chat.completions.create(messages=turns, **asked).choices
    named = [(call.function.name, json.loads(call.function.arguments)) for call in calls]
    return (
        choice.message.content or "",
        named,
        then.message.content or "",
        (choice.finish_reason, then.finish_reason),
    )


#: The reasons of the Messages API in words of the other.
_REASONS = {"tool_use": "tool_calls", "end_turn": "stop"}


def _with_anthropic(client: Anthropic, model: str) -> Story:
    functions = [tool["function"] for tool in TOOLS]
    tools = [
        {"name": each["name"], "description": each["description"], "input_schema": each["parameters"]}
        for each in functions
    ]
    asked: Any = {"model": model, "tools": tools, "max_tokens": 100}
    message = client.messages.create(messages=[QUESTION], **asked)
    words, *calls = message.content
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": content}
        for call, content in zip(calls, RESULTS, strict=True)
    ]
    turns = [
        QUESTION,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results},
    ]
    then = client.messages.create(messages=turns, **asked)
    return (
        words.text,
        [(call.name, call.input) for call in calls],
        then.content[0].text,
        (_REASONS[message.stop_reason or ""], _REASONS[then.stop_reason or ""]),
    )
