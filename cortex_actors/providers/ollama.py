"""Ollama's own chat API, for models on a machine near by.

The wire:  POST {base_url}/api/chat, no key at home; one JSON object a line.
End:       `"done": true`. A line `{"error": ...}` may come at any time, after a status of 200.
Options:   `keep_alive`, `think`, and `model_options` (num_ctx, top_k, ...), under what the caller says.

Tool calls come whole and without ids, so ids are made up here. There is no way to force a tool call, and no
way to fetch an image: a request that needs one is refused, not bent.

Imports:     adapter, conversation, failures, json_body, lenient, openai_request, options, sniffing,
             tool_calls.
Imported by: catalog.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.chat import (
    AnswerInfo,
    ChatRequest,
    Chunk,
    EmbeddingsRequest,
    Finish,
    FinishReason,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    ToolCallDelta,
    Usage,
)
from cortex_actors.errors import InvalidRequest, UpstreamError
from cortex_actors.providers import failures, ollama_embeddings
from cortex_actors.providers.adapter import Adapter, Decoder, ParsedEvent, StreamState, merged_headers
from cortex_actors.providers.conversation import (
    InlineImage,
    arguments_object,
    has_image_details,
    image_source,
    only_for_anthropic,
    refuse_logprobs,
    refuse_serial_tool_calls,
    unheard_hints,
)
from cortex_actors.providers.json_body import encoded, laid_over, said
from cortex_actors.providers.lenient import count_in, list_in, object_in, parsed, text_in
from cortex_actors.providers.openai_request import tool_object
from cortex_actors.providers.options import Option
from cortex_actors.providers.sniffing import SniffingDecoder
from cortex_actors.providers.tool_calls import ToolCallLedger
from cortex_actors.streaming.sse import ServerSentEvent
from cortex_actors.transport import UpstreamRequest

#: A model that was only loaded or unloaded said nothing, and did so as it should.
FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "load": FinishReason.STOP,
    "unload": FinishReason.STOP,
}


class OllamaAdapter(Adapter):
    """An Ollama server."""

    type = "ollama"
    extra_capabilities = ("local", "offline", "unlimited")
    option_table: ClassVar[Mapping[str, Option]] = {
        "keep_alive": Option("anything", None, "How long the model stays loaded: 5m, seconds, 0 or -1."),
        "think": Option("anything", None, "Whether, or how hard, a reasoning model thinks."),
        "model_options": Option("table", {}, "The `options` of every request, for example num_ctx."),
    }

    def prefills(self, request: ChatRequest, model: str) -> bool:
        return True

    def build_request(self, request: ChatRequest, *, model: str, key: str | None) -> UpstreamRequest:
        refuse_logprobs(request)
        return UpstreamRequest(
            method="POST",
            url=self.base_url + "/api/chat",
            headers=self._headers(
                key, {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
            ),
            body=encoded(self._body(request, model)),
        )

    def dropped(self, request: ChatRequest) -> tuple[str, ...]:
        unheard = {
            "user": request.user is not None,
            "tools.function.strict": any(tool.strict for tool in request.tools),
            "messages.image_url.detail": has_image_details(request),
        }
        return (
            *(name for name, is_said in unheard.items() if is_said),
            *unheard_hints(request),
            *only_for_anthropic(request),
        )

    def new_decoder(self, content_type: str) -> Decoder:
        return SniffingDecoder(content_type)

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        data = parsed(payload.data) if isinstance(payload, ServerSentEvent) else payload
        if not isinstance(data, dict):
            state.skipped += 1
            return ()
        if data.get("error"):
            return (failures.from_stream(data, provider=self.name),)
        return tuple(_events(data, state))

    @property
    def makes_embeddings(self) -> bool:
        return True

    def build_embeddings(self, request: EmbeddingsRequest, *, model: str, key: str | None) -> UpstreamRequest:
        own = {"Content-Type": "application/json", "Accept": "application/json"}
        body = ollama_embeddings.embeddings_body(
            request,
            model=model,
            options=self.options["model_options"],
            keep_alive=self.options["keep_alive"],
        )
        return UpstreamRequest(
            method="POST",
            url=self.base_url + "/api/embed",
            headers=self._headers(key, own),
            body=encoded(body),
        )

    def parse_embeddings(self, payload: Any) -> tuple[Sequence[Any], Usage | None]:
        return ollama_embeddings.embeddings_in(payload)

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return failures.from_response(status, headers, body, provider=self.name)

    def health_request(self, *, key: str | None) -> UpstreamRequest:
        headers = self._headers(key, {"Accept": "application/json"})
        return UpstreamRequest(method="GET", url=self.base_url + "/api/tags", headers=headers)

    def models(self, body: bytes) -> tuple[str, ...]:
        names = (
            text_in(entry, "name") or text_in(entry, "model") for entry in list_in(parsed(body), "models")
        )
        return tuple(dict.fromkeys(name for name in names if name))

    def _headers(self, key: str | None, own: Mapping[str, str]) -> dict[str, str]:
        credential = {} if key is None else {"Authorization": f"Bearer {key}"}
        return merged_headers(own, self.extra_headers, credential)

    def _body(self, request: ChatRequest, model: str) -> dict[str, Any]:
        wanted = said(
            temperature=request.temperature,
            num_predict=request.max_tokens,
            top_p=request.top_p,
            top_k=request.top_k,
            stop=request.stop,
            seed=request.seed,
        )
        return said(
            model=model,
            messages=_messages(request.messages),
            stream=True,
            tools=_tools(request),
            format=_format(request.response_format),
            options=laid_over(self.options["model_options"], wanted) or None,
            keep_alive=self.options["keep_alive"],
            think=self.options["think"],
        )


def _messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation; a tool result names its tool, which is looked up where the tool was called."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [
        {
            "role": "system" if message.role == "developer" else message.role,
            "content": message.text,
            **said(
                images=tuple(_images(message, f"messages[{index}]")),
                tool_calls=tuple(_tool_calls(message, f"messages[{index}]")),
                tool_name=_tool_name(message, names),
            ),
        }
        for index, message in enumerate(messages)
    ]


def _tool_name(message: Message, names: Mapping[str, str]) -> str | None:
    if message.role != "tool":
        return None
    return message.name or names.get(message.tool_call_id or "")


def _images(message: Message, path: str) -> Iterator[str]:
    for position, part in enumerate(message.parts):
        if isinstance(part, ImagePart):
            source = image_source(part, f"{path}.content[{position}]")
            if not isinstance(source, InlineImage):
                raise InvalidRequest(
                    "This provider cannot fetch an image: send it as a data: URL.",
                    field=f"{path}.content[{position}].image_url.url",
                )
            yield source.data


def _tool_calls(message: Message, path: str) -> Iterator[dict[str, Any]]:
    for position, call in enumerate(message.tool_calls):
        arguments = arguments_object(call, f"{path}.tool_calls[{position}]")
        yield {"function": {"name": call.name, "arguments": arguments}}


def _tools(request: ChatRequest) -> tuple[dict[str, Any], ...]:
    """The tools, or none when none may be called; a call cannot be demanded."""
    if request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool):
        raise InvalidRequest("This provider cannot be made to call a tool.", field="tool_choice")
    refuse_serial_tool_calls(request)
    return () if request.tool_choice == "none" else tuple(tool_object(tool) for tool in request.tools)


def _format(wanted: ResponseFormat | None) -> str | Mapping[str, Any] | None:
    if wanted is None:
        return None
    return "json" if wanted.schema is None else wanted.schema


def _events(data: Mapping[str, Any], state: StreamState) -> Iterator[ParsedEvent]:
    if "info" not in state.notes and text_in(data, "model"):
        state.notes["info"] = AnswerInfo(model=text_in(data, "model"))
        yield state.notes["info"]
    message = object_in(data, "message")
    chunk = Chunk(
        text=text_in(message, "content"),
        reasoning=text_in(message, "thinking"),
        tool_calls=tuple(_called(message, text_in(data, "created_at"), state)),
    )
    if chunk != Chunk():
        yield chunk
    if data.get("done") is True and not state.finished:
        state.finished = state.ended = True
        yield from _end(data, state)


def _end(data: Mapping[str, Any], state: StreamState) -> Iterator[ParsedEvent]:
    prompt, completion = count_in(data, "prompt_eval_count"), count_in(data, "eval_count")
    if prompt is not None or completion is not None:
        yield Usage(prompt_tokens=prompt or 0, completion_tokens=completion or 0)
    reason = FINISH_REASONS.get(text_in(data, "done_reason"), FinishReason.STOP)
    called = state.saw_tool_calls and reason is FinishReason.STOP
    yield Finish(FinishReason.TOOL_CALLS if called else reason)


def _called(message: Mapping[str, Any], moment: str, state: StreamState) -> Iterator[ToolCallDelta]:
    """Whole calls, with an id made of the moment of the answer, so that no two turns share one."""
    for call in list_in(message, "tool_calls"):
        state.saw_tool_calls = True
        ledger: ToolCallLedger = state.notes.setdefault("tool_calls", ToolCallLedger())
        yield ledger.fragment(
            index=None,
            id=text_in(call, "id") or None,
            name=text_in(call, "function", "name") or None,
            arguments=json.dumps(object_in(call, "function", "arguments"), ensure_ascii=False),
            answer=moment,
        )
