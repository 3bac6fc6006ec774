"""What every provider dialect must say about itself: the one contract the gateway knows.

An adapter translates and holds no connection, no key and no state between streams; what one stream needs
to remember lives in its `StreamState`. Adapters are safe to share between threads.

    ChatRequest -> build_request -> UpstreamRequest
    bytes -> new_decoder(...).decode -> payloads -> parse_event(payload, state) -> events
    a refusal (status, headers, body) -> classify_failure -> UpstreamError

    EmbeddingsRequest -> build_embeddings -> UpstreamRequest         where `makes_embeddings`
    the JSON of the answer -> parse_embeddings -> vectors, counts

Imports:  chat, errors, transport (the request value), options of this package.
Imported by: dispatch (through `providers.create`), one module per dialect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from cortex_actors.chat import AnswerEvent, ChatRequest, EmbeddingsRequest, Usage
from cortex_actors.errors import InvalidRequest, UpstreamError
from cortex_actors.providers.options import Option, read_options
from cortex_actors.transport import UpstreamRequest

#: What one payload of a stream can mean. A failure that a provider reports inside its stream is a value.
ParsedEvent = AnswerEvent | UpstreamError


class Decoder(Protocol):
    """Bytes cut anywhere in, payloads out: SSE events, NDJSON values or array items."""

    def decode(self, data: bytes) -> Sequence[Any]: ...

    def flush(self) -> Sequence[Any]: ...


@dataclass(slots=True)
class StreamState:
    """What one stream remembers from payload to payload; owned by its stream worker."""

    #: The provider gave its reason to stop: the answer is whole, though usage may still follow.
    finished: bool = False
    #: The provider's last word was said: nothing more need be read.
    ended: bool = False
    saw_tool_calls: bool = False
    #: Payloads that could not be read, and were passed over.
    skipped: int = 0
    #: The dialect's own notes, for example the type of each open content block.
    notes: dict[str, Any] = field(default_factory=dict)


class Adapter(ABC):
    """One provider dialect."""

    #: The `type` in `[[providers]]`.
    type: ClassVar[str]
    #: Capability words of `GET /api/providers`, after `chat_completion` and `streaming`.
    extra_capabilities: ClassVar[tuple[str, ...]] = ()
    #: Whether an answer can say how likely its tokens were; where not, a request for that is refused.
    carries_logprobs: ClassVar[bool] = False
    #: What `options` in `[[providers]]` may say; anything else is refused.
    option_table: ClassVar[Mapping[str, Option]] = {}

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.extra_headers = dict(headers or {})
        self.options = read_options(name, self.option_table, options or {})

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Words for `GET /api/providers`."""
        embeddings = ("embeddings",) if self.makes_embeddings else ()
        return ("chat_completion", "streaming", *self.extra_capabilities, *embeddings)

    @property
    def makes_embeddings(self) -> bool:
        """Whether this provider turns texts into vectors."""
        return False

    @abstractmethod
    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        """The streaming request for this provider; only what the caller said is sent.

        Raises InvalidRequest when the dialect cannot carry something that must not be dropped.
        """

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        """The fields of this request that the dialect leaves out, as a caller knows them; mere hints only."""
        return ()

    def prefills(self, request: ChatRequest, model: str) -> bool:
        """Whether this model goes on with an assistant message that ends the conversation, for all we know.

        One that refuses is found out, and asked in a user turn; one that would begin anew must not say so.
        """
        return False

    @abstractmethod
    def new_decoder(self, content_type: str) -> Decoder:
        """A fresh decoder for a stream with this Content-Type."""

    @abstractmethod
    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        """What a payload of `new_decoder` means; sets `state.finished` at the provider's end marker."""

    def end_of_body(self, state: StreamState) -> Sequence[ParsedEvent]:
        """What a clean end of the body adds; most dialects have said everything by then."""
        return ()

    @abstractmethod
    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """The error that a non-2xx answer stands for, with the provider's reason but no secret of ours."""

    def build_embeddings(self, request: EmbeddingsRequest, *, model: str, key: str | None) -> UpstreamRequest:
        """The request for vectors. Raises InvalidRequest where there are none, or not for such a request."""
        raise InvalidRequest(f"{self.name} makes no embeddings.", field="model")

    def parse_embeddings(self, payload: Any) -> tuple[Sequence[Any], Usage | None]:
        """What stands in the place of the vectors, in the order of the inputs, and the counts if any."""
        return (), None

    def embeddings_dropped(self, request: EmbeddingsRequest) -> tuple[str, ...]:
        """The fields of this request that the dialect leaves out; mere hints only."""
        user = () if request.user is None else ("user",)
        return (*user, *sorted(request.extra))

    @abstractmethod
    def health_request(self, *, key: str | None) -> UpstreamRequest | None:
        """A free request that shows the provider is there (its model list), or None if there is none."""

    @abstractmethod
    def models(self, body: bytes) -> tuple[str, ...]:
        """The model names in the answer to `health_request`; empty when it cannot be read."""


def merged_headers(*layers: Mapping[str, str]) -> dict[str, str]:
    """One set of headers out of several; later ones win, and names compare without case."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        merged.update({name.lower(): (name, value) for name, value in layer.items()})
    return dict(merged.values())
