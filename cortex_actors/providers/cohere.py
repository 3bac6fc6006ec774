"""Cohere's chat, in both versions of its API.

The wire:  v2: POST {base_url}/v2/chat with a Bearer key, named server-sent events.
           v1: POST {base_url}/v1/chat, one JSON object a line.
End:       v2: `message-end`; v1: `stream-end`. A closed body without it is a truncation.

Which version is asked is an option; which one answers is seen from each event.

Imports:     native, cohere_request, cohere_stream, cohere_v1 and their ground; chat, errors, transport (the
             request value).
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, Usage
from cortex_actors.errors import QuotaExhausted, UpstreamRejected
from cortex_actors.providers import (
    cohere_embeddings,
    cohere_request,
    cohere_stream,
    cohere_v1,
    conversation,
)
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import list_in, parsed, text_in
from cortex_actors.providers.native import BODY, ErrorKind, NativeAdapter
from cortex_actors.providers.options import Option
from cortex_actors.transport import UpstreamRequest


class CohereAdapter(NativeAdapter):
    """Cohere, and servers that speak its chat."""

    type = "cohere"
    extra_capabilities = ("conversational", "enterprise")
    default_version = "v1"
    option_table: ClassVar[Mapping[str, Option]] = {
        "api": Option(
            "text", "v2", "The version of the chat API; v1 carries text alone.", choices=("v2", "v1")
        ),
        "embed_input_type": Option(
            "text", "search_document", "What the texts of embeddings are for, unless the caller says so."
        ),
        "body": BODY,
    }

    def credentials(self, key: str | None) -> Mapping[str, str]:
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        if self.options["api"] == "v1":
            body = cohere_v1.chat_body(request, model=model)
            return self.post("/v1/chat", body, key=key, accept="application/stream+json")
        return self.post("/v2/chat", cohere_request.chat_body(request, model=model), key=key)

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        user = () if request.user is None else ("user",)
        return (*user, *conversation.unheard_hints(request), *conversation.only_for_anthropic(request))

    def parse_object(self, payload: dict[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        if "type" in payload:
            return cohere_stream.events_in(payload, state, provider=self.name)
        if "event_type" in payload:
            return cohere_v1.events_in(payload, state, provider=self.name)
        return (self.failure_in(payload),) if "message" in payload else ()

    def own_kind(self, status: int | None, payload: Any) -> ErrorKind | None:
        if status == 498:  # the prompt is against the usage guidelines
            return UpstreamRejected
        is_monthly = status == 429 and "month" in text_in(payload, "message")
        return QuotaExhausted if is_monthly else None

    @property
    def makes_embeddings(self) -> bool:
        return True

    def build_embeddings(self, request: EmbeddingsRequest, *, model: str, key: str | None) -> UpstreamRequest:
        body = cohere_embeddings.embeddings_body(
            request, model=model, usual_input_type=self.options["embed_input_type"]
        )
        return self.post_for_embeddings("/v2/embed", body, key=key)

    def parse_embeddings(self, payload: Any) -> tuple[Sequence[Any], Usage | None]:
        return cohere_embeddings.embeddings_in(payload)

    def embeddings_dropped(self, request: EmbeddingsRequest) -> tuple[str, ...]:
        return tuple(
            name for name in super().embeddings_dropped(request) if name != cohere_embeddings.INPUT_TYPE
        )

    def health_request(self, *, key: str | None) -> UpstreamRequest:
        return self.get("/v1/models?page_size=1000", key=key)

    def models(self, body: bytes) -> tuple[str, ...]:
        return tuple(
            text_in(model, "name")
            for model in list_in(parsed(body), "models")
            if text_in(model, "name") and _serves_us(list_in(model, "endpoints"))
        )


def _serves_us(endpoints: list[Any]) -> bool:
    """Whether callers can reach the model through us; a server that names no endpoints has one for chats."""
    return not endpoints or "chat" in endpoints or "embed" in endpoints
