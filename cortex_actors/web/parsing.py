"""Parsing: a JSON object becomes a `ChatRequest`, or an error that names the field.

    {"messages": [...], "model"?, "provider"?, "temperature"?, ...}   ->   ChatRequest

Every field an answer depends on is checked here, so that a mistake is the caller's 400 at once instead of a
provider's a second later. A field nobody here knows is no mistake: it is reported back by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from cortex_actors.chat import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    RecoveryStrategy,
    RecoveryWish,
    RequestLimits,
    ResponseFormat,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from cortex_actors.errors import InvalidRequest
from cortex_actors.web.fields import Fields

#: The fields of a chat body that mean something.
KNOWN = frozenset(
    {
        "messages", "model", "provider", "fallbacks", "limits", "user",
        "temperature", "max_tokens", "top_p", "stop", "seed",
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "recovery",
        "stages",
    }
)  # fmt: skip

_ROLES: tuple[str, ...] = get_args(Role)
_LIMITS = ("first_token", "idle", "total")
_STRATEGIES: tuple[RecoveryStrategy, ...] = get_args(RecoveryStrategy)
_RECOVERY = ("strategy", "max_retries")
_BAD_MESSAGES = "Invalid messages format"
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_IMAGE_URL = re.compile(r"(https://|data:image/)\S+", re.IGNORECASE)

MOST_TOKENS = 2**31 - 1
MOST_FALLBACKS = 16
_MOST_SEED = 2**63 - 1
_MOST_STOPS = 16
_MOST_TOOLS = 128
_MOST_RETRIES = 10
_MOST_STAGES = 16


def parse_chat(body: Mapping[str, Any]) -> tuple[ChatRequest, tuple[str, ...]]:
    """What the caller asks for, and the names of the fields that were ignored."""
    fields = Fields(body)
    tools = tuple(_tool(tool) for tool in fields.children("tools", most=_MOST_TOOLS))
    request = ChatRequest(
        messages=_messages(body),
        model=fields.name("model"),
        provider=fields.name("provider"),
        fallbacks=fields.texts("fallbacks", most=MOST_FALLBACKS),
        temperature=fields.number("temperature", least=0, most=2),
        max_tokens=fields.integer("max_tokens", least=1, most=MOST_TOKENS),
        top_p=fields.number("top_p", least=0, most=1),
        stop=fields.texts("stop", most=_MOST_STOPS),
        seed=fields.integer("seed", least=-_MOST_SEED, most=_MOST_SEED),
        tools=tools,
        tool_choice=_tool_choice(fields, tools),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        response_format=_response_format(fields.child("response_format")),
        user=fields.name("user"),
        limits=request_limits(fields.child("limits")),
        recovery=recovery_wish(fields),
        stages=fields.texts("stages", most=_MOST_STAGES),
    )
    return request, fields.unknown(KNOWN)


def _messages(body: Mapping[str, Any]) -> tuple[Message, ...]:
    if "messages" not in body:
        raise InvalidRequest("messages field is required", field="messages", title="Missing required field")
    if not isinstance(body["messages"], list):
        raise InvalidRequest("Messages must be a list", field="messages", title=_BAD_MESSAGES)
    if not body["messages"]:
        raise InvalidRequest("Messages must not be empty", field="messages", title=_BAD_MESSAGES)
    return tuple(_message(message) for message in Fields(body, title=_BAD_MESSAGES).children("messages"))


def _message(fields: Fields) -> Message:
    role = cast(Role, fields.word("role", _ROLES))
    calls: tuple[ToolCall, ...] = ()
    if role == "assistant":
        calls = tuple(_tool_call(call) for call in fields.children("tool_calls"))
    return Message(
        role=role,
        parts=_parts(fields, may_be_empty=bool(calls)),
        tool_calls=calls,
        tool_call_id=fields.needed_name("tool_call_id") if role == "tool" else None,
        name=fields.name("name"),
    )


def _parts(fields: Fields, *, may_be_empty: bool) -> tuple[Part, ...]:
    content = fields.values.get("content")
    if isinstance(content, str):
        return (TextPart(content),)
    if content is None and may_be_empty:
        return ()
    if content is None:
        raise fields.refuse("content", "is missing")
    if not isinstance(content, list):
        raise fields.refuse("content", "must be a string or a list of parts")
    if not content and not may_be_empty:
        raise fields.refuse("content", "must not be an empty list")
    return tuple(_part(part) for part in fields.children("content"))


def _part(fields: Fields) -> Part:
    if fields.word("type", ("text", "image_url")) == "text":
        return TextPart(fields.needed_text("text"))
    if isinstance(fields.values.get("image_url"), str):
        return ImagePart(_image_url(fields, "image_url"))
    image = fields.needed_child("image_url")
    return ImagePart(_image_url(image, "url"), image.name("detail"))


def _image_url(fields: Fields, key: str) -> str:
    url = fields.needed_text(key)
    if not _IMAGE_URL.fullmatch(url):
        raise fields.refuse(key, "must be an https: or data:image/ URL")
    return url


def _tool_call(fields: Fields) -> ToolCall:
    function = fields.needed_child("function")
    return ToolCall(
        id=fields.needed_name("id"),
        name=_tool_name(function),
        arguments=function.needed_text("arguments"),
    )


def _tool(fields: Fields) -> Tool:
    fields.word("type", ("function",))
    function = fields.needed_child("function")
    return Tool(
        name=_tool_name(function),
        description=function.text("description"),
        parameters=function.schema("parameters") or {},
        strict=function.flag("strict"),
    )


def _tool_name(fields: Fields) -> str:
    name = fields.needed_text("name")
    if not _TOOL_NAME.fullmatch(name):
        raise fields.refuse("name", "must be 1 to 128 of A-Z a-z 0-9 _ . : -")
    return name


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> ToolChoice | None:
    match fields.values.get("tool_choice"):
        case None:
            return None
        case "auto" | "none" | "required" as choice:
            return choice  # type: ignore[no-any-return]  # one of the literals of ToolChoice
        case {"type": "function"}:
            function = fields.needed_child("tool_choice").needed_child("function")
            name = _tool_name(function)
            if name not in {tool.name for tool in tools}:
                raise function.refuse("name", "must be the name of one of the tools")
            return NamedTool(name)
    raise fields.refuse("tool_choice", 'must be "auto", "none", "required" or name one function')


def _response_format(fields: Fields | None) -> ResponseFormat | None:
    if fields is None:
        return None
    kind = fields.word("type", ("text", "json_object", "json_schema"))
    if kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat("json_object")
    described = fields.needed_child("json_schema")
    schema = described.schema("schema")
    if schema is None:
        raise described.refuse("schema", "is missing")
    return ResponseFormat("json_schema", schema, described.name("name"), described.flag("strict"))


def request_limits(fields: Fields | None) -> RequestLimits:
    """Limits of this request alone."""
    if fields is None:
        return RequestLimits()
    for key in fields.unknown(_LIMITS):  # a misspelt limit would protect nobody
        raise fields.refuse(key[:40], f"is no limit; there are {', '.join(_LIMITS)}")
    return RequestLimits(*(fields.seconds(key) for key in _LIMITS))


def recovery_wish(fields: Fields) -> RecoveryWish:
    """What is to become of this answer if it breaks off: true, false, or how it is gone on with."""
    if not isinstance(fields.values.get("recovery"), dict):
        return RecoveryWish(fields.flag("recovery"))
    wish = fields.needed_child("recovery")
    for key in wish.unknown(_RECOVERY):
        raise wish.refuse(key[:40], f"is not known here; there are {', '.join(_RECOVERY)}")
    strategy = None if wish.values.get("strategy") is None else wish.word("strategy", _STRATEGIES)
    retries = wish.integer("max_retries", least=0, most=_MOST_RETRIES)
    return RecoveryWish(True, cast(RecoveryStrategy | None, strategy), retries)
