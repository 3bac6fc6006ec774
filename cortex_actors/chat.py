"""The vocabulary of a chat: what a caller asks, and the events an answer is made of.

Imports nothing of the package. Every layer above speaks in these values; they are immutable, so they
cross threads freely.

    ChatRequest = Message* + options            what goes up
    Chunk* [Usage] [Finish]                     what comes down: the events of one answer, in order

    EmbeddingsRequest = texts + options         the other question a model can be asked
    Vectors [Usage] Finish                      and its answer, which always comes whole
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]

#: The API that a caller speaks.
Surface = Literal["openai", "anthropic"]

#: How long a provider is asked to remember a prompt up to here.
CacheTime = Literal["5m", "1h"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A run of text inside a message."""

    text: str
    cache: CacheTime | None = None


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a message: an https URL or a `data:` URL; `detail` as OpenAI defines it."""

    url: str
    detail: str | None = None
    cache: CacheTime | None = None


Part = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call that a model asked for; `arguments` is JSON text, exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning of an earlier turn, which its provider wants back as it gave it: sealed, or encrypted."""

    text: str = ""
    signature: str = ""
    encrypted: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `tool_calls` and `thoughts` only on assistant turns, `tool_call_id` only on tool results."""

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    thoughts: tuple[Thought, ...] = ()
    #: A tool result that tells of a failure.
    failed: bool = False

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON Schema object."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool | None = None
    cache: CacheTime | None = None


#: "auto", "none", "required", or the name of one tool wrapped in `NamedTool`.
@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool choice that forces one tool by its name."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """How the answer must be shaped: any JSON object, or JSON that fits `schema`."""

    kind: Literal["json_object", "json_schema"]
    schema: Mapping[str, Any] | None = None
    name: str | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits a caller set for this request alone, in seconds; None means the configured one."""

    first_token: float | None = None
    idle: float | None = None
    total: float | None = None


#: How an answer that broke off is gone on with; see `streaming.recovery`.
RecoveryStrategy = Literal["exact", "paragraph", "summarize"]


@dataclass(frozen=True, slots=True)
class RecoveryWish:
    """What a caller wants if its answer breaks off; None means as configured."""

    enabled: bool | None = None
    strategy: RecoveryStrategy | None = None
    max_retries: int | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a caller asks for; None means "not said", and is then not sent upstream."""

    messages: tuple[Message, ...]
    model: str | None = None
    provider: str | None = None
    fallbacks: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    user: str | None = None
    limits: RequestLimits = RequestLimits()
    recovery: RecoveryWish = RecoveryWish()
    #: Configured stages that the answer passes, besides those that it passes anyway.
    stages: tuple[str, ...] = ()
    #: The API that the caller speaks, and fields of it that we do not model: for upstreams of its kind alone.
    surface: Surface = "openai"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """What a caller wants as vectors: each input is a text, or the tokens of one."""

    inputs: tuple[str | tuple[int, ...], ...]
    model: str
    provider: str | None = None
    fallbacks: tuple[str, ...] = ()
    #: The length of each vector, where the model leaves the choice.
    dimensions: int | None = None
    #: Whether the caller takes base64, which a provider that has it may send as it is.
    base64: bool = False
    user: str | None = None
    limits: RequestLimits = RequestLimits()
    #: Body fields that we do not model, for OpenAI-compatible upstreams only.
    extra: Mapping[str, Any] = field(default_factory=dict)


class FinishReason(StrEnum):
    """Why a model stopped, in the words of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call: `id` and `name` on the first fragment of its `index`, then arguments."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. Reasoning is kept apart from the text of the answer."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    #: How likely each token of this piece was, in OpenAI's shape, where the caller asked for it.
    logprobs: Mapping[str, Any] | None = None
    #: What stages say about this piece, such as a timestamp; no provider says anything here.
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one answer, as the provider reports them; the last one reported wins."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    #: Prompt tokens that the provider wrote to its cache for the next request.
    cache_written_tokens: int | None = None

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Finish:
    """The provider's own word that the answer is over. Without it a stream is truncated."""

    reason: FinishReason
    #: The one of the caller's stop sequences that ended it, where the provider says which.
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerInfo:
    """What a provider says about the answer itself: the model that really answers, its own id, its limits."""

    model: str | None = None
    upstream_id: str | None = None
    #: What its rate limit headers say, by their names without `x-ratelimit-`.
    rate_limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThoughtSeal:
    """What makes the reasoning before it a `Thought` of the next request, or reasoning that is encrypted."""

    signature: str = ""
    encrypted: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A seam: the answer broke off here, and from here on somebody else says the rest of it."""

    provider: str
    model: str
    #: How many characters of text the caller had by then.
    offset: int
    #: The number of the attempt that goes on.
    attempt: int


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings, one for each input and in their order: numbers, or base64 of little-endian 32-bit ones."""

    values: tuple[tuple[float, ...] | str, ...]


AnswerEvent = Chunk | Usage | Finish | AnswerInfo | ThoughtSeal | Recovered | Vectors
