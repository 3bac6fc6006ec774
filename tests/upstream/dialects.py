"""What each dialect looks like upstream: one answer in the words of every provider, one conversation back.

ANSWER = Said(("Let me see.",), (Call("weather", {"city": "Bern"}),))
dialect.script(upstream, "small", dialect.answer(ANSWER))     # the provider's bytes
dialect.heard(upstream.request(0).json)                       # what it was asked, in words common to all
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.upstream.peer import RecordedRequest
from tests.upstream.server import ScriptedUpstream
from tests.upstream.streams import Answer, Stream, ndjson_stream, sse_stream


@dataclass(frozen=True)
class Call:
    """A tool call; providers that give no ids ignore its own."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = "call000001"


@dataclass(frozen=True)
class Said:
    """An answer: its words, then its tool calls."""

    texts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    #: Prompt and completion tokens.
    usage: tuple[int, int] = (9, 2)


#: (role, text), ("image", base64), ("call", name, arguments) or ("result", name, text)
Turn = tuple[Any, ...]


@dataclass(frozen=True)
class Dialect:
    """One provider type; `{model}` in its path is the model, where the path names it."""

    type: str
    path: str
    answer: Callable[[Said], Stream]
    heard: Callable[[Any], list[Turn]]
    #: What one refusal of its own looks like.
    refusal: Mapping[str, Any]

    def script(self, upstream: ScriptedUpstream, model: str, *answers: Answer) -> None:
        """Answers requests for this model."""
        if "{model}" in self.path:
            upstream.on_path(self.path.format(model=model), *answers)
        else:
            upstream.on_model(model, *answers)

    def requests(self, upstream: ScriptedUpstream, model: str) -> list[RecordedRequest]:
        """The requests for this model, in their order."""
        path = self.path.format(model=model)
        return [
            request
            for request in upstream.requests
            if request.path.partition("?")[0] == path and request.model in (model, None)
        ]


def _openai_answer(said: Said) -> Stream:
    def chunk(delta: Any, finish: str | None = None) -> Any:
        return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    events: list[Any] = [chunk({"role": "assistant", "content": text}) for text in said.texts]
    for index, call in enumerate(said.calls):
        opening = {"name": call.name, "arguments": ""}
        events.append(
            chunk({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": opening}]})
        )
        for piece in _pieces(call):
            events.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    events.append(chunk({}, "tool_calls" if said.calls else "stop"))
    events.append(
        {"choices": [], "usage": dict(zip(("prompt_tokens", "completion_tokens"), said.usage, strict=True))}
    )
    return sse_stream(*events, "[DONE]")


def _openai_heard(body: Any) -> list[Turn]:
    calls = (call for turn in body["messages"] for call in turn.get("tool_calls") or ())
    names = {call["id"]: call["function"]["name"] for call in calls}
    return [heard for turn in body["messages"] for heard in _openai_turn(turn, names)]


def _openai_turn(turn: Any, names: Mapping[str, str]) -> Iterator[Turn]:
    if turn["role"] == "tool":
        yield ("result", names[turn["tool_call_id"]], turn["content"])
        return
    content = turn.get("content") or turn.get("tool_plan") or []
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            yield (turn["role"], part["text"])
        else:
            yield ("image", part["image_url"]["url"].partition(",")[2])
    for call in turn.get("tool_calls") or ():
        yield ("call", call["function"]["name"], json.loads(call["function"]["arguments"]))


def _ollama_answer(said: Said) -> Stream:
    def line(message: Any, **more: Any) -> Any:
        return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False, **more}

    lines = [line({"role": "assistant", "content": text}) for text in said.texts]
    for call in said.calls:
        function = {"name": call.name, "arguments": call.arguments}
        lines.append(line({"role": "assistant", "content": "", "tool_calls": [{"function": function}]}))
    counts = dict(zip(("prompt_eval_count", "eval_count"), said.usage, strict=True))
    lines.append(line({"role": "assistant", "content": ""}, **counts) | {"done": True, "done_reason": "stop"})
    return ndjson_stream(*lines)


def _ollama_heard(body: Any) -> list[Turn]:
    heard: list[Turn] = []
    for turn in body["messages"]:
        if turn["role"] == "tool":
            heard.append(("result", turn["tool_name"], turn["content"]))
            continue
        if turn["content"]:
            heard.append((turn["role"], turn["content"]))
        heard += [("image", image) for image in turn.get("images", ())]
        calls = [call["function"] for call in turn.get("tool_calls", ())]
        heard += [("call", call["name"], call["arguments"]) for call in calls]
    return heard


def _anthropic_answer(said: Said) -> Stream:
    opening = {"id": "msg_1", "model": "m", "usage": {"input_tokens": said.usage[0], "output_tokens": 1}}
    events: list[Any] = [{"type": "message_start", "message": opening}]
    if said.texts:
        deltas = [{"type": "text_delta", "text": text} for text in said.texts]
        events += _anthropic_block(0, {"type": "text", "text": ""}, deltas)
    for index, call in enumerate(said.calls, 1):
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(call)]
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        events += _anthropic_block(index, block, deltas)
    stop = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": said.usage[1]}})
    return _named_events(*events, {"type": "message_stop"})


def _anthropic_block(index: int, block: Any, deltas: list[Any]) -> Iterator[Any]:
    yield {"type": "content_block_start", "index": index, "content_block": block}
    yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
    yield {"type": "content_block_stop", "index": index}


def _anthropic_heard(body: Any) -> list[Turn]:
    heard: list[Turn] = [("system", body["system"])] if body.get("system") else []
    names: dict[str, str] = {}
    for turn in body["messages"]:
        for block in turn["content"]:
            if block["type"] == "text":
                heard.append((turn["role"], block["text"]))
            elif block["type"] == "image":
                heard.append(("image", block["source"]["data"]))
            elif block["type"] == "tool_use":
                names[block["id"]] = block["name"]
                heard.append(("call", block["name"], block["input"]))
            else:
                heard.append(("result", names[block["tool_use_id"]], block["content"]))
    return heard


def _gemini_answer(said: Said) -> Stream:
    def event(*parts: Any, **more: Any) -> Any:
        return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "index": 0, **more}]}

    events = [event({"text": text}) for text in said.texts]
    events += [event({"functionCall": {"name": call.name, "args": call.arguments}}) for call in said.calls]
    counts = dict(zip(("promptTokenCount", "candidatesTokenCount"), said.usage, strict=True))
    return sse_stream(*events, {**event({"text": ""}, finishReason="STOP"), "usageMetadata": counts})


def _gemini_heard(body: Any) -> list[Turn]:
    heard: list[Turn] = [
        ("system", part["text"]) for part in body.get("systemInstruction", {}).get("parts", ())
    ]
    for turn in body["contents"]:
        for part in turn["parts"]:
            if "text" in part:
                heard.append(("assistant" if turn["role"] == "model" else "user", part["text"]))
            elif "inlineData" in part:
                heard.append(("image", part["inlineData"]["data"]))
            elif "functionCall" in part:
                heard.append(("call", part["functionCall"]["name"], part["functionCall"]["args"]))
            else:
                result = part["functionResponse"]
                heard.append(("result", result["name"], result["response"]["output"]))
    return heard


def _cohere_answer(said: Said) -> Stream:
    def event(kind: str, index: int = 0, **message: Any) -> Any:
        return {"type": kind, "index": index, "delta": {"message": message}}

    events: list[Any] = [{"id": "c1", **event("message-start", role="assistant")}]
    events += [event("content-delta", content={"text": text}) for text in said.texts]
    for index, call in enumerate(said.calls):
        function = {"name": call.name, "arguments": ""}
        opening = {"id": call.id, "type": "function", "function": function}
        events.append(event("tool-call-start", index, tool_calls=opening))
        for piece in _pieces(call):
            events.append(event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}}))
        events.append({"type": "tool-call-end", "index": index})
    counts = dict(zip(("input_tokens", "output_tokens"), said.usage, strict=True))
    reason = "TOOL_CALL" if said.calls else "COMPLETE"
    return _named_events(
        *events,
        {"type": "message-end", "delta": {"finish_reason": reason, "usage": {"tokens": counts}}},
    )


def _named_events(*payloads: Any) -> Stream:
    plain = sse_stream(*payloads)
    names = [f"event: {payload['type']}\n".encode() for payload in payloads]
    return Stream(tuple(map(bytes.__add__, names, plain.events)), plain.content_type)


def _pieces(call: Call) -> tuple[str, str]:
    """The arguments in two pieces, as models write them."""
    arguments = json.dumps(call.arguments)
    return arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]


_OPENAI_REFUSAL = {"error": {"message": "No.", "type": "invalid_request_error", "code": None}}

DIALECTS: Mapping[str, Dialect] = {
    dialect.type: dialect
    for dialect in (
        *(
            Dialect(type, "/v1/chat/completions", _openai_answer, _openai_heard, _OPENAI_REFUSAL)
            for type in ("openai", "openai_compatible", "groq", "mistral", "xai")
        ),
        Dialect("ollama", "/api/chat", _ollama_answer, _ollama_heard, {"error": "No."}),
        Dialect(
            "anthropic",
            "/v1/messages",
            _anthropic_answer,
            _anthropic_heard,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "No."}},
        ),
        Dialect(
            "gemini",
            "/v1beta/models/{model}:streamGenerateContent",
            _gemini_answer,
            _gemini_heard,
            {"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}},
        ),
        Dialect("cohere", "/v2/chat", _cohere_answer, _openai_heard, {"message": "No."}),
    )
}
