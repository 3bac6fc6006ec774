"""Parsing: a Messages body becomes a `ChatRequest`, or an error that names the field.

Fields that only Anthropic's API has go along for providers that speak it; every other provider has them
among what it drops. What no provider could be told, and an answer depends on, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cortex_actors.chat import ChatRequest, ResponseFormat
from cortex_actors.web.anthropic.parts import cache_time
from cortex_actors.web.anthropic.tools import read_tool, read_tool_choice
from cortex_actors.web.anthropic.turns import Turns
from cortex_actors.web.fields import Fields
from cortex_actors.web.parsing import recovery_wish

_KNOWN = frozenset(
    {
        "messages", "model", "max_tokens", "system", "stream", "temperature", "top_p", "top_k",
        "stop_sequences", "tools", "tool_choice", "metadata", "thinking", "output_config",
        "service_tier", "cache_control", "recovery",
    }
)  # fmt: skip

#: They ask for something that must not be ignored: tools that run elsewhere, a place to run in.
_NOT_CARRIED = ("container", "mcp_servers", "inference_geo")

_THINKING = ("enabled", "adaptive", "between_tools", "disabled")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")

_MOST_TOKENS = 2**31 - 1
_MOST_STOPS = 64
_MOST_TOOLS = 512


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for, and how it wants to hear the answer."""

    request: ChatRequest
    stream: bool
    #: Whether it wants to hear the model think.
    thinking: bool
    #: Where in the body each message of the request came from.
    origins: tuple[str, ...]
    #: Fields that no provider can be told.
    dropped: tuple[str, ...]


def parse_message(body: Mapping[str, Any]) -> Asked:
    """Reads the whole body."""
    fields = Fields(body)
    for name in _NOT_CARRIED:
        if body.get(name):
            raise fields.refuse(name, "cannot be carried to any provider")
    turns = _turns(fields)
    tools = tuple(read_tool(tool, turns) for tool in fields.children("tools", most=_MOST_TOOLS))
    metadata = fields.child("metadata")
    if metadata is not None:
        turns.note_unknown(metadata, ("user_id",), "metadata")
    choice, in_parallel = read_tool_choice(fields.child("tool_choice"), tools, turns)
    request = ChatRequest(
        messages=tuple(turns.messages),
        model=fields.name("model"),
        temperature=fields.number("temperature", least=0, most=2),
        max_tokens=_max_tokens(fields),
        top_p=fields.number("top_p", least=0, most=1),
        top_k=fields.integer("top_k", least=0, most=_MOST_TOKENS),
        stop=fields.texts("stop_sequences", most=_MOST_STOPS),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=in_parallel,
        response_format=_response_format(fields.child("output_config"), turns),
        user=metadata.name("user_id", longest=1024) if metadata is not None else None,
        recovery=recovery_wish(fields),
        surface="anthropic",
        extra=_extra(fields),
    )
    return Asked(
        request,
        stream=fields.flag("stream") or False,
        thinking=request.extra.get("thinking", {}).get("type") != "disabled",
        origins=tuple(turns.origins),
        dropped=(*fields.unknown({*_KNOWN, *_NOT_CARRIED}), *turns.dropped),
    )


def _turns(fields: Fields) -> Turns:
    turns = Turns()
    turns.system(fields)
    if not isinstance(fields.values.get("messages"), list) or not fields.values["messages"]:
        raise fields.refuse("messages", "must be a list of at least one message")
    for index, message in enumerate(fields.children("messages")):
        turns.turn(message, f"messages[{index}]")
    return turns


def _max_tokens(fields: Fields) -> int:
    limit = fields.integer("max_tokens", least=1, most=_MOST_TOKENS)
    if limit is None:
        raise fields.refuse("max_tokens", "is missing")
    return limit


def _response_format(fields: Fields | None, turns: Turns) -> ResponseFormat | None:
    if fields is None:
        return None
    turns.note_unknown(fields, ("format", "effort"), "output_config")
    wanted = fields.child("format")
    if wanted is None:
        return None
    wanted.word("type", ("json_schema",))
    schema = wanted.schema("schema")
    if schema is None:
        raise wanted.refuse("schema", "is missing")
    return ResponseFormat("json_schema", schema)


def _extra(fields: Fields) -> dict[str, Any]:
    """What goes along for Anthropic alone, as the caller wrote it; only its shape is judged here."""
    extra: dict[str, Any] = {}
    if (thinking := fields.child("thinking")) is not None:
        thinking.word("type", _THINKING)
        extra["thinking"] = thinking.values
    output = fields.child("output_config")
    if output is not None and output.values.get("effort") is not None:
        extra["output_config"] = {"effort": output.word("effort", _EFFORTS)}
    if (tier := fields.name("service_tier")) is not None:
        extra["service_tier"] = tier
    if cache_time(fields) is not None:
        extra["cache_control"] = fields.values["cache_control"]
    return extra
