"""A ChatRequest as the body of Cohere's v2 chat, which is close to OpenAI's.

What is different: a turn that calls tools carries its text as `tool_plan`; images are the user's alone; one
`strict_tools` for all tools; and there is no way to name the tool that must be called, so that only this one
is offered, and a call required.

Imports:     conversation, json_body, openai_request; chat.
Imported by: cohere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cortex_actors.chat import ChatRequest, ImagePart, Message, NamedTool, Part, ResponseFormat, Tool
from cortex_actors.providers import conversation
from cortex_actors.providers.json_body import said
from cortex_actors.providers.openai_request import content_value, tool_call_object, tool_object

#: What is chosen when nothing is said has no word there.
_TOOL_CHOICES: Mapping[str, str | None] = {"auto": None, "none": "NONE", "required": "REQUIRED"}


def chat_body(request: ChatRequest, *, model: str) -> dict[str, Any]:
    """The whole body; raises InvalidRequest for what has no place in it."""
    conversation.check(request)
    conversation.refuse_serial_tool_calls(request)
    return said(
        model=model,
        messages=[_message(message, path) for path, message in conversation.spoken(request.messages)],
        stream=True,
        temperature=request.temperature,
        p=request.top_p,
        k=request.top_k,
        max_tokens=request.max_tokens,
        stop_sequences=request.stop,
        seed=request.seed,
        response_format=_response_format(request.response_format),
        **_tools(request),
    )


def _message(message: Message, path: str) -> dict[str, Any]:
    match message.role:
        case "user":
            return {"role": "user", "content": _content(message, path)}
        case "assistant":
            return _assistant_turn(message, path)
        case "tool":
            call_id = conversation.called_id(message, path)
            result = conversation.only_text(message, path)
            return {"role": "tool", "tool_call_id": call_id, "content": result}
        case _:
            return {"role": "system", "content": conversation.only_text(message, path)}


def _content(message: Message, path: str) -> Any:
    """What a user says; images must be ones that can be carried."""
    return content_value(replace(message, parts=tuple(_carried(message.parts, path))))


def _carried(parts: Sequence[Part], path: str) -> Iterator[Part]:
    for index, part in enumerate(parts):
        if isinstance(part, ImagePart):
            source = conversation.image_source(part, f"{path}.content[{index}]")
            yield replace(part, url=source.url)
        else:
            yield part


def _assistant_turn(message: Message, path: str) -> dict[str, Any]:
    text = conversation.only_text(message, path)
    if not message.tool_calls:
        return {"role": "assistant", "content": text}
    calls = [tool_call_object(call) for call in message.tool_calls]
    return {"role": "assistant", **said(tool_plan=text or None), "tool_calls": calls}


def _tools(request: ChatRequest) -> dict[str, Any]:
    tools, choice = request.tools, request.tool_choice
    if not tools:
        return {}
    if isinstance(choice, NamedTool):
        tools, choice = tuple(tool for tool in tools if tool.name == choice.name), "required"
    return said(
        tools=[tool_object(_without_strict(tool)) for tool in tools],
        strict_tools=any(tool.strict for tool in tools) or None,
        tool_choice=_TOOL_CHOICES[choice or "auto"],
    )


def _without_strict(tool: Tool) -> Tool:
    return replace(tool, strict=None, parameters=tool.parameters or conversation.NO_ARGUMENTS)


def _response_format(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    return None if wanted is None else said(type="json_object", json_schema=wanted.schema)
