"""What each dialect makes of each thing a request can say: the table in README, made from the adapters.

    yes       it goes up
    refused   a 400 that names the field, unless another provider of the route can carry it
    header    it is left out, since an answer is right without it, and named in X-Cortex-Dropped

A row is a request without the thing and one with it. If both go up as the same bytes and nothing is named,
it was dropped silently, which no row may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cortex_actors.chat import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Thought,
    Tool,
    ToolCall,
)
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.adapter import Adapter
from cortex_actors.providers.catalog import create

#: The columns: the types that talk to somebody.
DIALECTS = (
    "openai", "openai_compatible", "xai", "groq", "mistral", "anthropic", "gemini", "cohere", "ollama",
)  # fmt: skip

_DATA = "data:image/png;base64,iVBORw0KGgo="
_LINK = "https://example.com/cat.png"
_ASKED = Message("user", (TextPart("What is this?"),))
_CALL = ToolCall("call_1", "weather", '{"city": "Bern"}')
_CALLED = Message("assistant", tool_calls=(_CALL,))
_RESULT = Message("tool", (TextPart("sunny"),), tool_call_id="call_1")
_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {"sky": {"type": "string"}}}
_TOOL = Tool("weather", "The weather.", _SCHEMA)
_HELLO = ChatRequest((_ASKED,))
_TOOLS = replace(_HELLO, tools=(_TOOL,))


@dataclass(frozen=True)
class Row:
    """One thing that a request can say."""

    label: str
    said: ChatRequest
    unsaid: ChatRequest = _HELLO


def _asks(*parts: TextPart | ImagePart) -> ChatRequest:
    return ChatRequest((Message("user", parts),))


def _after(*messages: Message) -> ChatRequest:
    return ChatRequest((_ASKED, *messages), tools=(_TOOL,))


ROWS = (
    Row("system messages", ChatRequest((Message("system", (TextPart("Be brief."),)), _ASKED))),
    Row("developer messages", ChatRequest((Message("developer", (TextPart("Be brief."),)), _ASKED))),
    Row("content in several parts", _asks(TextPart("What is"), TextPart(" that?"))),
    Row("images inside the request", _asks(TextPart("x"), ImagePart(_DATA)), _asks(TextPart("x"))),
    Row("images behind a link", _asks(TextPart("x"), ImagePart(_LINK)), _asks(TextPart("x"))),
    Row("`image_url.detail`", _asks(ImagePart(_DATA, "low")), _asks(ImagePart(_DATA))),
    Row("`messages.name`", ChatRequest((replace(_ASKED, name="ana"),))),
    Row("`tools`", _TOOLS),
    Row("`tools.function.strict`", replace(_HELLO, tools=(replace(_TOOL, strict=True),)), _TOOLS),
    Row('`tool_choice: "none"`', replace(_TOOLS, tool_choice="none"), _TOOLS),
    Row('`tool_choice: "required"`', replace(_TOOLS, tool_choice="required"), _TOOLS),
    Row("`tool_choice` of one function", replace(_TOOLS, tool_choice=NamedTool("weather")), _TOOLS),
    Row("`parallel_tool_calls: false`", replace(_TOOLS, parallel_tool_calls=False), _TOOLS),
    Row("tool calls and their results", _after(_CALLED, _RESULT), _after()),
    Row(
        "images in tool results",
        _after(_CALLED, replace(_RESULT, parts=(TextPart("x"), ImagePart(_DATA)))),
        _after(_CALLED, _RESULT),
    ),
    Row("`temperature`", replace(_HELLO, temperature=0.5)),
    Row("`top_p`", replace(_HELLO, top_p=0.5)),
    Row("`max_tokens`", replace(_HELLO, max_tokens=5)),
    Row("`stop`", replace(_HELLO, stop=("END",))),
    Row("`seed`", replace(_HELLO, seed=7)),
    Row("`user`", replace(_HELLO, user="u-1")),
    Row(
        '`response_format: "json_object"`',
        replace(_HELLO, response_format=ResponseFormat("json_object")),
    ),
    Row(
        '`response_format: "json_schema"`',
        replace(_HELLO, response_format=ResponseFormat("json_schema", _SCHEMA)),
    ),
    Row("`logprobs`", replace(_HELLO, extra={"logprobs": True})),
    Row("`metadata`, `store`, `service_tier`", replace(_HELLO, extra={"metadata": {"a": "b"}})),
    Row("any other field", replace(_HELLO, extra={"frequency_penalty": 0.5})),
    Row("`top_k` (Anthropic API)", replace(_HELLO, top_k=5)),
    Row(
        "`cache_control` (Anthropic API)",
        _asks(TextPart("x", cache="5m")),
        _asks(TextPart("x")),
    ),
    Row(
        "earlier thinking (Anthropic API)",
        _after(replace(_CALLED, thoughts=(Thought("hm", "sig"),)), _RESULT),
        _after(_CALLED, _RESULT),
    ),
    Row(
        "`tool_result.is_error` (Anthropic API)",
        _after(_CALLED, replace(_RESULT, failed=True)),
        _after(_CALLED, _RESULT),
    ),
)


def made(type: str) -> Adapter:
    return create("prov", type, "http://host")


def verdict(adapter: Adapter, row: Row) -> str:
    """What becomes of the thing in this dialect."""
    unsaid, said = _sent(adapter, row.unsaid), _sent(adapter, row.said)
    if said is None:
        return "refused"
    if set(adapter.dropped(row.said)) - set(adapter.dropped(row.unsaid)):
        return "header"
    return "yes" if said != unsaid else "dropped silently"


def table() -> list[str]:
    """The table in Markdown, line by line."""
    lines = [f"| | {' | '.join(DIALECTS)} |", "|---" * (len(DIALECTS) + 1) + "|"]
    for row in ROWS:
        cells = (verdict(made(type), row) for type in DIALECTS)
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return lines


def _sent(adapter: Adapter, request: ChatRequest) -> bytes | None:
    try:
        return adapter.build_request(request, model="m", key=None).body
    except InvalidRequest:
        return None


if __name__ == "__main__":
    print("\n".join(table()))
