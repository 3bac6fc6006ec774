"""Anthropic's Messages API, as Anthropic and servers like it speak it.

The wire:  POST {base_url}/v1/messages, the key in `x-api-key`; named server-sent events.
End:       `message_stop`; a closed body without it is a truncation. An `error` event may come after a 200.

Imports:     native, conversation, anthropic_request, anthropic_stream and their ground; chat, errors,
             transport (the request value).
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.chat import ChatRequest
from cortex_actors.errors import QuotaExhausted
from cortex_actors.providers import anthropic_stream, conversation
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.anthropic_request import message_body
from cortex_actors.providers.lenient import list_in, parsed, text_in
from cortex_actors.providers.native import BODY, ErrorKind, NativeAdapter
from cortex_actors.providers.options import Option
from cortex_actors.transport import UpstreamRequest


class AnthropicAdapter(NativeAdapter):
    """Anthropic, and servers that speak its Messages API."""

    type = "anthropic"
    extra_capabilities = ("multimodal", "tools")
    default_version = "v1"
    option_table: ClassVar[Mapping[str, Option]] = {
        "max_tokens": Option("whole number", 4096, "The limit of an answer when the caller names none."),
        "version": Option("text", "2023-06-01", "The `anthropic-version` header."),
        "body": BODY,
    }

    def credentials(self, key: str | None) -> Mapping[str, str]:
        version = {"anthropic-version": self.options["version"]}
        return version if key is None else {**version, "x-api-key": key}

    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        body = message_body(request, model=model, usual_max_tokens=self.options["max_tokens"])
        return self.post(f"/{self.version}/messages", body, key=key)

    def prefills(self, request: ChatRequest, model: str) -> bool:
        """All did before the 4.6 generation, which refuses; and none does while it thinks."""
        thinking = request.extra.get("thinking", {}) if request.surface == "anthropic" else {}
        return thinking.get("type", "disabled") == "disabled" and not self.options["body"].get("thinking")

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        unheard = {
            "seed": request.seed is not None,
            "messages.image_url.detail": conversation.has_image_details(request),
        }
        named = tuple(name for name, is_said in unheard.items() if is_said)
        return named if request.surface == "anthropic" else (*named, *conversation.unheard_hints(request))

    def parse_object(self, payload: dict[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        if text_in(payload, "type") == "error":
            return (self.failure_in(payload),)
        return anthropic_stream.events_in(payload, state)

    def own_kind(self, status: int | None, payload: Any) -> ErrorKind | None:
        spent = text_in(payload, "error", "details", "error_code") == "enforced_spend_limit_reached"
        limited = status in (400, 429) and "api usage limits" in text_in(payload, "error", "message").lower()
        return QuotaExhausted if spent or limited else None

    def health_request(self, *, key: str | None) -> UpstreamRequest:
        return self.get(f"/{self.version}/models?limit=1000", key=key)

    def models(self, body: bytes) -> tuple[str, ...]:
        names = (text_in(model, "id") for model in list_in(parsed(body), "data"))
        return tuple(name for name in names if name)
