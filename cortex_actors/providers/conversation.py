"""What a conversation needs before a dialect that is not OpenAI's can carry it.

Pure functions over the vocabulary. What a dialect has no place for is refused with the path of the field
and never dropped: a caller must not get the answer to a question it did not ask. The values of sampling
options are the provider's to judge, they change with its models; only shapes are judged here.

Imports:     lenient; chat, errors.
Imported by: the dialects.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from cortex_actors.chat import ChatRequest, ImagePart, Message, NamedTool, TextPart, ToolCall
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.lenient import parsed

#: The schema of a tool that takes no arguments, for dialects that want one in any case.
NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}

#: The field by which a tool result tells of a failure.
FAILED_RESULTS = "messages.content.is_error"

#: The fields that ask how likely the tokens of an answer were.
LOGPROBS = ("logprobs", "top_logprobs")

#: Fields that speak to the gateway itself.
_NOT_FOR_PROVIDERS = ("n", "stream", "stream_options")


@dataclass(frozen=True, slots=True)
class InlineImage:
    """An image that travels inside the request; `data` is base64."""

    media_type: str
    data: str

    @property
    def url(self) -> str:
        """The same image as a URL."""
        return f"data:{self.media_type};base64,{self.data}"


@dataclass(frozen=True, slots=True)
class LinkedImage:
    """An image that the provider fetches itself."""

    url: str


def system_text(messages: Iterable[Message]) -> str:
    """The system and developer messages as one text, for dialects that have one place for it."""
    texts = (
        only_text(message, f"messages[{index}]")
        for index, message in enumerate(messages)
        if message.role in ("system", "developer")
    )
    return "\n\n".join(text for text in texts if text)


def spoken(messages: Iterable[Message]) -> Iterator[tuple[str, Message]]:
    """The messages with their paths, without assistant turns that say nothing: most providers refuse them."""
    for index, message in enumerate(messages):
        says_nothing = not message.tool_calls and all(part == TextPart("") for part in message.parts)
        if message.role != "assistant" or not says_nothing:
            yield f"messages[{index}]", message


def turns(messages: Iterable[Message]) -> Iterator[tuple[str, Message]]:
    """What is spoken between the user, the model and its tools: all but the system messages."""
    return (turn for turn in spoken(messages) if turn[1].role not in ("system", "developer"))


def merged(said: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    """Neighbouring turns of one role joined, for dialects whose roles must alternate."""
    joined: list[tuple[str, list[Any]]] = []
    for role, blocks in said:
        if joined and joined[-1][0] == role:
            joined[-1][1].extend(blocks)
        else:
            joined.append((role, list(blocks)))
    return joined


def not_empty(blocks: list[Any], path: str) -> list[Any]:
    """The blocks of a message, of which there must be one."""
    if not blocks:
        raise InvalidRequest("A message must not be empty.", field=f"{path}.content")
    return blocks


def called_id(message: Message, path: str) -> str:
    """The id of the call that a tool message answers."""
    if not message.tool_call_id:
        raise InvalidRequest("A tool message must name its call.", field=f"{path}.tool_call_id")
    return message.tool_call_id


def only_text(message: Message, path: str) -> str:
    """The text of a message that may have nothing but text."""
    for position, part in enumerate(message.parts):
        if isinstance(part, ImagePart):
            raise InvalidRequest(
                f"This provider takes no images in {message.role} messages.",
                field=f"{path}.content[{position}]",
            )
    return message.text


def image_source(image: ImagePart, path: str) -> InlineImage | LinkedImage:
    """Where an image is: inside its `data:` URL, or behind an https URL."""
    scheme, _, rest = image.url.partition(":")
    if scheme.lower() == "https":
        return LinkedImage(image.url)
    head, comma, data = rest.partition(",")
    media_type, *attributes = head.lower().split(";")
    if scheme.lower() != "data" or not comma or "/" not in media_type:
        raise InvalidRequest(
            "An image must be an https URL or a data: URL with a media type.", field=f"{path}.image_url.url"
        )
    if "base64" not in attributes:
        data = base64.b64encode(unquote_to_bytes(data)).decode("ascii")
    return InlineImage(media_type, data)


def arguments_object(call: ToolCall, path: str) -> dict[str, Any]:
    """The arguments of a tool call as an object, for dialects that do not carry them as text."""
    arguments = parsed(call.arguments or "{}")
    if not isinstance(arguments, dict):
        raise InvalidRequest(
            "The arguments of a tool call must be a JSON object.", field=f"{path}.function.arguments"
        )
    return arguments


def check(request: ChatRequest) -> None:
    """Refuses several answers to one request, logprobs, and the demand for a tool that there is none of."""
    if request.extra.get("n") not in (None, 1):
        raise InvalidRequest("One answer a request is all there is.", field="n")
    refuse_logprobs(request)
    choice = request.tool_choice
    if isinstance(choice, NamedTool) and all(tool.name != choice.name for tool in request.tools):
        raise InvalidRequest(f"There is no tool named {choice.name!r} in `tools`.", field="tool_choice")
    if choice == "required" and not request.tools:
        raise InvalidRequest("A tool call is required, but `tools` is empty.", field="tool_choice")


def refuse_logprobs(request: ChatRequest) -> None:
    """Refuses to say how likely each token was, for dialects whose answers do not tell."""
    for name in LOGPROBS:
        if request.extra.get(name):
            raise InvalidRequest("This provider does not say how likely its tokens were.", field=name)


def refuse_serial_tool_calls(request: ChatRequest) -> None:
    """Refuses "one tool call at a time", for dialects that cannot promise it."""
    if request.tools and request.parallel_tool_calls is False:
        raise InvalidRequest(
            "This provider cannot be told to make only one tool call at a time.", field="parallel_tool_calls"
        )


def unheard_hints(request: ChatRequest) -> Iterator[str]:
    """The hints in a request that only OpenAI's dialects have a place for, by their fields."""
    if has_speakers(request):
        yield "messages.name"
    yield from unheard_extras(request)


def unheard_extras(request: ChatRequest) -> Iterator[str]:
    """The fields that are for providers whose API the caller speaks."""
    yield from sorted(name for name in request.extra if name not in _NOT_FOR_PROVIDERS)


def only_for_anthropic(request: ChatRequest) -> Iterator[str]:
    """The hints in a request that only Anthropic's dialect has a place for, by their fields."""
    parts = [part for message in request.messages for part in message.parts]
    if any(place.cache for place in (*parts, *request.tools)):
        yield "cache_control"
    if any(message.thoughts for message in request.messages):
        yield "messages.content.thinking"
    if any(message.failed for message in request.messages):
        yield FAILED_RESULTS


def ends_with_assistant(request: ChatRequest) -> bool:
    """Whether the last message is the beginning of the answer."""
    last = request.messages[-1] if request.messages else None
    return last is not None and last.role == "assistant" and not last.tool_calls


def has_speakers(request: ChatRequest) -> bool:
    """Whether a message names who speaks; the name on a tool result is that of its tool."""
    return any(message.name for message in request.messages if message.role != "tool")


def has_image_details(request: ChatRequest) -> bool:
    """Whether an image says how closely it is to be looked at."""
    parts = (part for message in request.messages for part in message.parts)
    return any(isinstance(part, ImagePart) and part.detail for part in parts)
