"""A ChatRequest as the body of OpenAI's chat completions; pure functions, one for each part of the body.

Imports:     chat; json_body of this package.
Imported by: openai_compatible; ollama, whose tools are written the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortex_actors.chat import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from cortex_actors.providers.json_body import said

#: A schema needs a name there, and callers do not always give one.
_UNNAMED_SCHEMA = "answer"


def chat_body(request: ChatRequest, *, model: str, max_tokens_field: str) -> dict[str, Any]:
    """The fields every dialect of the family has; only what the caller said is there.

    Without a model none is sent: a server that serves one model alone needs no name for it.
    """
    return said(
        model=model or None,
        messages=[message_object(message) for message in request.messages],
        stream=True,
        temperature=request.temperature,
        top_p=request.top_p,
        **{max_tokens_field: request.max_tokens},
        stop=request.stop,
        seed=request.seed,
        tools=tuple(tool_object(tool) for tool in request.tools),
        tool_choice=tool_choice_value(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=response_format_object(request.response_format),
        user=request.user,
    )


def message_object(message: Message) -> dict[str, Any]:
    """One turn of the conversation."""
    return {
        "role": message.role,
        "content": content_value(message),
        **said(
            name=message.name,
            tool_calls=tuple(tool_call_object(call) for call in message.tool_calls),
            tool_call_id=message.tool_call_id,
        ),
    }


def content_value(message: Message) -> str | list[dict[str, Any]] | None:
    """Plain text as a string, since not every server takes a list; null on a turn that only calls tools."""
    match message.parts:
        case ():
            return None if message.tool_calls else ""
        case (TextPart(text),):
            return text
        case parts:
            return [part_object(part) for part in parts]


def part_object(part: Part) -> dict[str, Any]:
    """A text or an image inside a message."""
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": said(url=part.url, detail=part.detail)}
    return {"type": "text", "text": part.text}


def tool_call_object(call: ToolCall) -> dict[str, Any]:
    """A call the model made earlier; its arguments go back exactly as they came."""
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def tool_object(tool: Tool) -> dict[str, Any]:
    """A function the model may call."""
    function = said(
        name=tool.name, description=tool.description, parameters=tool.parameters, strict=tool.strict
    )
    return {"type": "function", "function": function}


def tool_choice_value(choice: ToolChoice | None) -> str | Mapping[str, Any] | None:
    """A word, or the one tool that must be called."""
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def response_format_object(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    """Any JSON object, or JSON that fits a schema."""
    if wanted is None:
        return None
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    schema = said(name=wanted.name or _UNNAMED_SCHEMA, schema=wanted.schema, strict=wanted.strict)
    return {"type": "json_schema", "json_schema": schema}
