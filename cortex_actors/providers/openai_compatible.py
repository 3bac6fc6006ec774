"""OpenAI's chat completions, as OpenAI and the many servers that copied it speak them.

The wire:  POST {base_url}/chat/completions with a Bearer key; an event stream of JSON chunks.
End:       a `finish_reason`. Token counts may follow it, and `[DONE]` is only good manners: a `[DONE]` or a
           closed body without a `finish_reason` is a truncation.
Base URL:  all that comes before `/chat/completions`; to a bare host, `/v1` is added.
Key:       in a header, never in a URL.

The dialects of this family are subclasses that say what is different; a server without a type of its own
(vLLM, LM Studio, DeepSeek, OpenRouter, ...) is configured with this one.

Imports:     adapter, conversation, failures, json_body, lenient, openai_request, openai_stream, options,
             sniffing.
Imported by: catalog, and the dialects of the family: openai, groq, mistral, xai, mock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, Message, Usage
from cortex_actors.errors import InvalidRequest, UpstreamError
from cortex_actors.providers import conversation, failures, openai_embeddings, openai_stream
from cortex_actors.providers.adapter import Adapter, Decoder, ParsedEvent, StreamState, merged_headers
from cortex_actors.providers.json_body import encoded, laid_over
from cortex_actors.providers.lenient import list_in, parsed, text_in
from cortex_actors.providers.openai_request import chat_body
from cortex_actors.providers.options import Option
from cortex_actors.providers.sniffing import SniffingDecoder
from cortex_actors.streaming.errors import Undecodable
from cortex_actors.streaming.sse import ServerSentEvent
from cortex_actors.transport import UpstreamRequest

_CHAT_PATH = "/chat/completions"


class OpenAICompatibleAdapter(Adapter):
    """Any server that speaks OpenAI's chat completions."""

    type = "openai_compatible"
    carries_logprobs = True
    option_table: ClassVar[Mapping[str, Option]] = {
        "body": Option("table", {}, "Body fields for every request; what the caller says wins."),
        "max_tokens_field": Option(
            "text",
            "max_tokens",
            "The field that carries the caller's token limit.",
            choices=("max_tokens", "max_completion_tokens"),
        ),
        "include_usage": Option(
            "true or false", True, "Ask for token counts; turn it off for servers that refuse to be asked."
        ),
        "developer_role": Option(
            "true or false", False, "Send developer messages under that role, not as system messages."
        ),
        "chat_path": Option(
            "text", "", "The path after base_url, /chat/completions; when given, base_url is taken as it is."
        ),
        "prefill": Option(
            "text",
            "none",
            "What makes the server go on with an assistant message at the end: nothing more (assistant), "
            "`prefix` on it (prefix), vLLM's field (continue_final_message); none if it begins anew.",
            choices=("none", "assistant", "prefix", "continue_final_message"),
        ),
        "embeddings_path": Option("text", "/embeddings", "Where embeddings are made; empty if nowhere."),
        "models_path": Option("text", "/models", "Where the model list is; empty if there is none."),
        "key_header": Option(
            "text", "Authorization", "The header of the key; in any other than Authorization it stands bare."
        ),
    }

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name=name, base_url=base_url, headers=headers, options=options)
        if not self.options.get("chat_path"):
            self.base_url = _with_version(self.base_url.removesuffix(_CHAT_PATH))

    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        if request.extra.get("n") not in (None, 1):
            raise InvalidRequest("One answer a request is all there is.", field="n")
        if not self.carries_logprobs:
            conversation.refuse_logprobs(request)
        return UpstreamRequest(
            method="POST",
            url=self.base_url + (self.options.get("chat_path") or _CHAT_PATH),
            headers=self.headers(key, {"Content-Type": "application/json", "Accept": "text/event-stream"}),
            body=encoded(laid_over(self.options["body"], self.fields(request, model))),
        )

    def fields(self, request: ChatRequest, model: str) -> dict[str, Any]:
        """The fields of the body that belong to this request; ours are over the caller's extra ones."""
        if not self.options.get("developer_role"):
            request = replace(request, messages=tuple(_as_system(message) for message in request.messages))
        ours = chat_body(request, model=model, max_tokens_field=self.max_tokens_field(model))
        if self.options.get("include_usage"):
            ours["stream_options"] = {"include_usage": True}
        if conversation.ends_with_assistant(request):
            ours = _prefilled(ours, self.prefill)
        if request.surface != "openai":
            return ours
        theirs = {name: value for name, value in request.extra.items() if name != "stream_options"}
        return {**theirs, **ours}

    @property
    def prefill(self) -> str:
        """What it takes for a conversation that ends with an assistant message to be gone on with."""
        wanted: str = self.options.get("prefill", "none")
        return wanted

    def prefills(self, request: ChatRequest, model: str) -> bool:
        return self.prefill != "none"

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        top_k = () if request.top_k is None else ("top_k",)
        extras = () if request.surface == "openai" else conversation.unheard_extras(request)
        return (*top_k, *extras, *conversation.only_for_anthropic(request))

    def headers(self, key: str | None, own: Mapping[str, str]) -> dict[str, str]:
        """Our headers, over them the configured ones, over them the key."""
        return merged_headers(own, self.extra_headers, self._credential(key))

    def max_tokens_field(self, model: str) -> str:
        """The field that carries the token limit for this model."""
        field: str = self.options["max_tokens_field"]
        return field

    def new_decoder(self, content_type: str) -> Decoder:
        return SniffingDecoder(content_type)

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        if not isinstance(payload, ServerSentEvent):
            return self._read(payload, state)
        data = parsed(payload.data)
        if payload.event == "error":
            return (failures.from_stream(payload.data if data is None else data, provider=self.name),)
        return self._read(Undecodable(payload.data) if data is None else data, state)

    def read_chunk(self, data: Mapping[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        """The events of one JSON object of a stream."""
        return openai_stream.events_in(data, state, provider=self.name)

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return failures.from_response(status, headers, body, provider=self.name)

    @property
    def makes_embeddings(self) -> bool:
        return bool(self.options.get("embeddings_path"))

    def build_embeddings(self, request: EmbeddingsRequest, *, model: str, key: str | None) -> UpstreamRequest:
        if not self.makes_embeddings:
            return super().build_embeddings(request, model=model, key=key)
        return UpstreamRequest(
            method="POST",
            url=self.base_url + self.options["embeddings_path"],
            headers=self.headers(key, {"Content-Type": "application/json", "Accept": "application/json"}),
            body=encoded({**request.extra, **self.embeddings_fields(request, model)}),
        )

    def embeddings_fields(self, request: EmbeddingsRequest, model: str) -> dict[str, Any]:
        """The fields of the body that belong to this request."""
        return openai_embeddings.embeddings_fields(request, model=model)

    def parse_embeddings(self, payload: Any) -> tuple[Sequence[Any], Usage | None]:
        return openai_embeddings.embeddings_in(payload)

    def embeddings_dropped(self, request: EmbeddingsRequest) -> tuple[str, ...]:
        return ()

    def health_request(self, *, key: str | None) -> UpstreamRequest | None:
        path = self.options["models_path"]
        if not path:
            return None
        headers = self.headers(key, {"Accept": "application/json"})
        return UpstreamRequest(method="GET", url=self.base_url + path, headers=headers)

    def models(self, body: bytes) -> tuple[str, ...]:
        data = parsed(body)
        entries = data if isinstance(data, list) else list_in(data, "data") or list_in(data, "models")
        names = (text_in(entry, "id") or text_in(entry, "name") for entry in entries)
        return tuple(dict.fromkeys(name for name in names if name))

    def _read(self, data: Any, state: StreamState) -> Sequence[ParsedEvent]:
        if isinstance(data, dict):
            return self.read_chunk(data, state)
        if isinstance(data, list) and data and isinstance(data[0], dict):
            return self.read_chunk(data[0], state)  # Gemini's copy of this API wraps its errors in a list
        if isinstance(data, Undecodable) and data.text.strip() == "[DONE]":
            state.ended = state.finished
        else:
            state.skipped += 1
        return ()

    def _credential(self, key: str | None) -> dict[str, str]:
        if key is None:
            return {}
        header = self.options["key_header"]
        return {header: f"Bearer {key}" if header.lower() == "authorization" else key}


def _with_version(base_url: str) -> str:
    return base_url if urlsplit(base_url).path else base_url + "/v1"


def _prefilled(body: dict[str, Any], prefill: str) -> dict[str, Any]:
    """The body of a conversation that ends with an assistant message, which is to be gone on with."""
    if prefill == "prefix":
        *before, last = body["messages"]
        return {**body, "messages": [*before, {**last, "prefix": True}]}
    if prefill == "continue_final_message":
        return {**body, "continue_final_message": True, "add_generation_prompt": False}
    return body


def _as_system(message: Message) -> Message:
    return replace(message, role="system") if message.role == "developer" else message
