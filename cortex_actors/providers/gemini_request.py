"""A ChatRequest as the body of Gemini's generateContent.

System text has a place of its own; the assistant is called model; tool results are the user's, and are known
by the name of their tool; the arguments and the results of tool calls are objects.

Imports:     conversation, json_body, lenient; chat, errors.
Imported by: gemini.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cortex_actors.chat import ChatRequest, ImagePart, Message, NamedTool, Part, Tool, ToolCall
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers import conversation
from cortex_actors.providers.conversation import InlineImage
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import parsed

_TOOL_CHOICES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def generate_body(request: ChatRequest, *, thought_signature: str) -> dict[str, Any]:
    """The whole body; raises InvalidRequest for what has no place in it."""
    conversation.check(request)
    conversation.refuse_serial_tool_calls(request)
    system = conversation.system_text(request.messages)
    return said(
        systemInstruction={"parts": [{"text": system}]} if system else None,
        contents=_contents(request, thought_signature),
        generationConfig=_generation_config(request) or None,
        tools=_tools(request),
        toolConfig=_tool_config(request),
    )


def _contents(request: ChatRequest, thought_signature: str) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    spoken: list[tuple[str, list[Any]]] = []
    for path, message in conversation.turns(request.messages):
        names.update((call.id, call.name) for call in message.tool_calls)
        if message.role == "tool":
            spoken.append(("user", [_function_response(message, path, names)]))
        else:
            role = "model" if message.role == "assistant" else "user"
            spoken.append((role, _parts(message, path, thought_signature)))
    if not spoken:
        raise InvalidRequest("There must be a message besides the system ones.", field="messages")
    return [{"role": role, "parts": parts} for role, parts in conversation.merged(spoken)]


def _parts(message: Message, path: str, thought_signature: str) -> list[dict[str, Any]]:
    calls = enumerate(message.tool_calls)
    function_calls = [_function_call(call, f"{path}.tool_calls[{index}]") for index, call in calls]
    if function_calls and thought_signature:
        function_calls[0]["thoughtSignature"] = thought_signature
    return conversation.not_empty([*_content(message.parts, path), *function_calls], path)


def _content(parts: Sequence[Part], path: str) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(parts):
        if isinstance(part, ImagePart):
            yield _image(part, f"{path}.content[{index}]")
        elif part.text:
            yield {"text": part.text}


def _image(image: ImagePart, path: str) -> dict[str, Any]:
    """An image; of a linked one the API wants to know the type, which only its name can tell us."""
    source = conversation.image_source(image, path)
    if isinstance(source, InlineImage):
        return {"inlineData": {"mimeType": source.media_type, "data": source.data}}
    media_type, _ = mimetypes.guess_type(urlsplit(source.url).path)
    return {"fileData": said(mimeType=media_type, fileUri=source.url)}


def _function_call(call: ToolCall, path: str) -> dict[str, Any]:
    arguments = conversation.arguments_object(call, path)
    return {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}


def _function_response(message: Message, path: str, names: Mapping[str, str]) -> dict[str, Any]:
    call_id = conversation.called_id(message, path)
    name = names.get(call_id) or message.name
    if name is None:
        raise InvalidRequest("No earlier message has a tool call of this id.", field=f"{path}.tool_call_id")
    result = conversation.only_text(message, path)
    as_object = parsed(result)
    if message.failed:
        response = {"error": as_object if isinstance(as_object, dict) else result}
    else:
        response = as_object if isinstance(as_object, dict) else {"output": result}
    return {"functionResponse": {"id": call_id, "name": name, "response": response}}


def _tools(request: ChatRequest) -> tuple[dict[str, Any], ...]:
    declarations = [_declaration(tool) for tool in request.tools]
    return ({"functionDeclarations": declarations},) if declarations else ()


def _declaration(tool: Tool) -> dict[str, Any]:
    """A tool; `parametersJsonSchema` takes all of JSON Schema, where `parameters` takes a part of it."""
    schema = _without_dialect(tool.parameters) if tool.parameters else None
    return said(name=tool.name, description=tool.description, parametersJsonSchema=schema)


def _tool_config(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if not request.tools or choice is None:
        return None
    if isinstance(choice, NamedTool):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice.name]}}
    return {"functionCallingConfig": {"mode": _TOOL_CHOICES[choice]}}


def _generation_config(request: ChatRequest) -> dict[str, Any]:
    wanted = request.response_format
    schema = wanted.schema if wanted is not None and wanted.kind == "json_schema" else None
    return said(
        temperature=request.temperature,
        topP=request.top_p,
        topK=request.top_k,
        maxOutputTokens=request.max_tokens,
        stopSequences=request.stop,
        seed=request.seed,
        responseMimeType=None if wanted is None else "application/json",
        responseJsonSchema=None if schema is None else _without_dialect(schema),
    )


def _without_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without the word that names its dialect, which the API does not know."""
    return {name: value for name, value in schema.items() if name != "$schema"}
