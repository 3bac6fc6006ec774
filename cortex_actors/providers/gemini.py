"""Google's Gemini API.

The wire:  POST {base_url}/v1beta/models/{model}:streamGenerateContent, the key in `x-goog-api-key`. The model
           is in the path, and nothing in the body says "stream". With `?alt=sse` the answer is an event
           stream; without, it is one JSON array that grows.
End:       a `finishReason`, and then the end of the body: token counts may follow the reason, and some
           servers give one with every part. A closed body without any is a truncation.

Imports:     native, conversation, gemini_request, gemini_stream, gemini_failures and their ground; chat,
             streaming, transport (the request value).
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, Usage
from cortex_actors.providers import conversation, gemini_embeddings, gemini_failures, gemini_stream
from cortex_actors.providers.adapter import Decoder, ParsedEvent, StreamState
from cortex_actors.providers.gemini_request import generate_body
from cortex_actors.providers.lenient import list_in, parsed, text_in
from cortex_actors.providers.native import BODY, ErrorKind, NativeAdapter
from cortex_actors.providers.options import Option
from cortex_actors.streaming.json_array import JSONArrayDecoder
from cortex_actors.transport import UpstreamRequest

#: Collections that a model name may begin with.
_COLLECTIONS = ("models", "tunedModels")


class GeminiAdapter(NativeAdapter):
    """The Gemini API of Google AI Studio."""

    type = "gemini"
    extra_capabilities = ("multimodal", "large_context", "tools")
    default_version = "v1beta"
    option_table: ClassVar[Mapping[str, Option]] = {
        "framing": Option("text", "sse", "How the answer is framed.", choices=("sse", "json_array")),
        "thought_signature": Option(
            "text",
            "skip_thought_signature_validator",
            "Sent with the tool calls of earlier turns, in place of the signatures a chat does not carry.",
        ),
        "body": BODY,
    }

    def credentials(self, key: str | None) -> Mapping[str, str]:
        return {} if key is None else {"x-goog-api-key": key}

    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        body = generate_body(request, thought_signature=self.options["thought_signature"])
        framing = "?alt=sse" if self.options["framing"] == "sse" else ""
        return self.post(
            f"/{self.version}/{_path_of(model)}:streamGenerateContent{framing}",
            body,
            key=key,
            accept="text/event-stream" if framing else "application/json",
        )

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        unheard = {
            "user": request.user is not None,
            "tools.function.strict": any(tool.strict for tool in request.tools),
            "messages.image_url.detail": conversation.has_image_details(request),
        }
        strange = conversation.only_for_anthropic(request)
        return (
            *(name for name, is_said in unheard.items() if is_said),
            *conversation.unheard_hints(request),
            *(name for name in strange if name != conversation.FAILED_RESULTS),
        )

    def new_decoder(self, content_type: str) -> Decoder:
        unsaid = not content_type and self.options["framing"] == "json_array"
        if unsaid or "json" in content_type.lower():
            return JSONArrayDecoder()
        return super().new_decoder(content_type)

    def parse_object(self, payload: dict[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        if payload.get("error"):
            return (self.failure_in(payload),)
        return tuple(gemini_stream.events_in(payload, state, provider=self.name))

    def end_of_body(self, state: StreamState) -> Sequence[ParsedEvent]:
        return gemini_stream.end(state)

    def own_kind(self, status: int | None, payload: Any) -> ErrorKind | None:
        return gemini_failures.own_kind(status, payload)

    @property
    def makes_embeddings(self) -> bool:
        return True

    def build_embeddings(self, request: EmbeddingsRequest, *, model: str, key: str | None) -> UpstreamRequest:
        body = gemini_embeddings.embeddings_body(request, model_path=_named_path_of(model))
        path = f"/{self.version}/{_path_of(model)}:batchEmbedContents"
        return self.post_for_embeddings(path, body, key=key)

    def parse_embeddings(self, payload: Any) -> tuple[Sequence[Any], Usage | None]:
        return gemini_embeddings.embeddings_in(payload)

    def health_request(self, *, key: str | None) -> UpstreamRequest:
        return self.get(f"/{self.version}/models?pageSize=1000", key=key)

    def models(self, body: bytes) -> tuple[str, ...]:
        return tuple(
            text_in(model, "name").removeprefix("models/")
            for model in list_in(parsed(body), "models")
            if text_in(model, "name") and _serves_us(list_in(model, "supportedGenerationMethods"))
        )


def _named_path_of(model: str) -> str:
    """A model by its full name, as bodies have it."""
    collection, slash, _ = model.partition("/")
    return model if slash and collection in _COLLECTIONS else f"models/{model}"


def _path_of(model: str) -> str:
    """A model as a path, escaped, so that it leads nowhere else; it may name its collection itself."""
    collection, slash, name = model.partition("/")
    if slash and collection in _COLLECTIONS:
        return f"{collection}/{quote(name, safe='')}"
    return f"models/{quote(model, safe='')}"


def _serves_us(methods: list[Any]) -> bool:
    """Whether callers can reach the model through us."""
    return "generateContent" in methods or "embedContent" in methods
