"""A ChatRequest as the body of Anthropic's Messages API.

System text has a place of its own; the roles alternate, beginning with the user; an answer must have a limit;
the arguments of tool calls are objects, and tool results are the user's.

Imports:     conversation, json_body; chat, errors.
Imported by: anthropic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cortex_actors.chat import (
    CacheTime,
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    TextPart,
    Thought,
    ToolCall,
)
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers import conversation
from cortex_actors.providers.conversation import InlineImage
from cortex_actors.providers.json_body import laid_over, said

_TOOL_CHOICES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}

#: What the API takes as the id of a tool call.
_TOOL_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def message_body(request: ChatRequest, *, model: str, usual_max_tokens: int) -> dict[str, Any]:
    """The whole body; raises InvalidRequest for what has no place in it."""
    conversation.check(request)
    theirs = request.extra if request.surface == "anthropic" else {}
    ours = said(
        model=model,
        max_tokens=usual_max_tokens if request.max_tokens is None else request.max_tokens,
        stream=True,
        system=_system(request.messages),
        messages=_messages(request),
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop_sequences=request.stop,
        tools=_tools(request),
        tool_choice=_tool_choice(request),
        output_config=_output_config(request),
        metadata=None if request.user is None else {"user_id": request.user},
    )
    return laid_over(theirs, ours)


def _system(messages: Sequence[Message]) -> str | list[dict[str, Any]] | None:
    """The system text; in blocks, where some of it is to be kept in the provider's cache."""
    text = conversation.system_text(messages)
    instructions = (message for message in messages if message.role in ("system", "developer"))
    spoken = [part for message in instructions for part in message.parts]
    if not any(part.cache for part in spoken):
        return text or None
    return [_text(part) for part in spoken if isinstance(part, TextPart) and part.text]


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    spoken = conversation.merged(
        ("assistant" if message.role == "assistant" else "user", _blocks(message, path))
        for path, message in conversation.turns(request.messages)
    )
    if not spoken or spoken[0][0] != "user":
        raise InvalidRequest(
            "The first message, after the system ones, must be the user's.", field="messages"
        )
    if spoken[-1][0] == "assistant":
        _trim_end(spoken[-1][1])
    return [{"role": role, "content": blocks} for role, blocks in spoken]


def _trim_end(blocks: list[dict[str, Any]]) -> None:
    """Takes the space off the end of an answer that is to be continued; the API refuses one there."""
    if blocks[-1]["type"] == "text":
        blocks[-1]["text"] = blocks[-1]["text"].rstrip()
        if not blocks[-1]["text"]:
            blocks.pop()


def _blocks(message: Message, path: str) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [_tool_result(message, path)]
    calls = enumerate(message.tool_calls)
    blocks = [
        *map(_thought, message.thoughts),
        *_content(message.parts, path),
        *(_tool_use(call, f"{path}.tool_calls[{index}]") for index, call in calls),
    ]
    return conversation.not_empty(blocks, path)


def _content(parts: Sequence[Part], path: str) -> Iterator[dict[str, Any]]:
    """The blocks of a message; the API refuses an empty text, which says nothing anyway."""
    for index, part in enumerate(parts):
        if isinstance(part, ImagePart):
            source = _source(part, f"{path}.content[{index}]")
            yield {"type": "image", "source": source, **_kept(part.cache)}
        elif part.text:
            yield _text(part)


def _text(part: TextPart) -> dict[str, Any]:
    return {"type": "text", "text": part.text, **_kept(part.cache)}


def _kept(cache: CacheTime | None) -> dict[str, Any]:
    """The mark that asks to keep the prompt up to here; five minutes are what it means by itself."""
    if cache is None:
        return {}
    return {"cache_control": {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}}


def _thought(thought: Thought) -> dict[str, Any]:
    if thought.encrypted:
        return {"type": "redacted_thinking", "data": thought.encrypted}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def _source(image: ImagePart, path: str) -> dict[str, Any]:
    source = conversation.image_source(image, path)
    if isinstance(source, InlineImage):
        return {"type": "base64", "media_type": source.media_type, "data": source.data}
    return {"type": "url", "url": source.url}


def _tool_use(call: ToolCall, path: str) -> dict[str, Any]:
    arguments = conversation.arguments_object(call, path)
    return {"type": "tool_use", "id": _tool_call_id(call.id), "name": call.name, "input": arguments}


def _tool_result(message: Message, path: str) -> dict[str, Any]:
    only_text = all(isinstance(part, TextPart) and not part.cache for part in message.parts)
    content = message.text if only_text else list(_content(message.parts, path))
    call_id = _tool_call_id(conversation.called_id(message, path))
    result = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return {**result, "is_error": True} if message.failed else result


def _tool_call_id(given: str) -> str:
    """An id the API accepts; another provider may have made this one, in an earlier turn."""
    if _TOOL_CALL_ID.fullmatch(given):
        return given
    return "toolu_" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:24]


def _tools(request: ChatRequest) -> tuple[dict[str, Any], ...]:
    return tuple(
        said(
            name=tool.name,
            description=tool.description,
            input_schema=tool.parameters or conversation.NO_ARGUMENTS,
            strict=tool.strict or None,
            **_kept(tool.cache),
        )
        for tool in request.tools
    )


def _tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice, one_at_a_time = request.tool_choice, request.parallel_tool_calls is False
    if not request.tools or (choice is None and not one_at_a_time):
        return None
    if isinstance(choice, NamedTool):
        chosen: dict[str, Any] = {"type": "tool", "name": choice.name}
    else:
        chosen = {"type": _TOOL_CHOICES[choice or "auto"]}
    if one_at_a_time and choice != "none":
        chosen["disable_parallel_tool_use"] = True
    return chosen


def _output_config(request: ChatRequest) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None:
        return None
    if wanted.kind == "json_object":
        raise InvalidRequest(
            "This provider gives JSON only by a schema: use the type json_schema.", field="response_format"
        )
    return {"format": {"type": "json_schema", "schema": wanted.schema or {}}}
