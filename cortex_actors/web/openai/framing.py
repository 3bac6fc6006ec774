"""The framing of a chat completion stream: unnamed server-sent events, as OpenAI writes them.

    role    content | reasoning_content | tool_calls ...    finish_reason    usage, if asked for    [DONE]
    a comment       when the provider says nothing for a while, and where somebody else goes on
    {"error": ...}  instead of all that would follow; never together with a finish_reason or [DONE]

It knows its stream's head: one framing serves one stream.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent, Chunk, Recovered, ToolCallDelta
from cortex_actors.dispatch.messages import StreamEnd
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.web.framing import seam_comment, to_json, utf8
from cortex_actors.web.openai.payloads import error_payload, finish_reason, usage_payload
from cortex_actors.web.payloads import Payload

_DONE = "data: [DONE]\n\n"


class CompletionFraming:
    """One stream in chunks."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, *, include_usage: bool = False, created: int | None = None) -> None:
        self._include_usage = include_usage
        self._created = int(time.time()) if created is None else created
        self._called_tools = False
        self._head = ""
        #: Every chunk says so, where the last one will have the counts.
        self._usage = ',"usage":null' if include_usage else ""

    def start(self, stream: Stream) -> bytes:
        about = {
            "id": f"chatcmpl-{stream.id}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": stream.model,
        }
        self._head = f'data: {to_json(about)[:-1]},"choices":['
        return utf8(self._chunk(to_json({"role": "assistant", "content": ""})))

    def batch(self, events: Sequence[AnswerEvent]) -> bytes:
        return utf8("".join(map(self._event, events)))

    def tick(self) -> bytes:
        return b": keep-alive\n\n"

    def end(self, end: StreamEnd) -> bytes:
        """The reason, the counts and the mark in one write: whoever has the reason has the whole answer."""
        reason = finish_reason(end.finish, called_tools=self._called_tools)
        usage = usage_payload(end.usage) if self._include_usage else None
        counts = f'{self._head}],"usage":{to_json(usage)}}}\n\n' if usage else ""
        return utf8(self._chunk("{}", finish=to_json(reason)) + counts + _DONE)

    def error(self, error: CortexError, payload: Payload) -> bytes | None:
        return utf8(f"data: {to_json(error_payload(error))}\n\n")

    def _event(self, event: AnswerEvent) -> str:
        if isinstance(event, Chunk):
            return self._delta(event)
        return seam_comment(event) if isinstance(event, Recovered) else ""

    def _delta(self, chunk: Chunk) -> str:
        if chunk.reasoning or chunk.tool_calls or chunk.logprobs:
            delta: dict[str, Any] = {}
            if chunk.reasoning:
                delta["reasoning_content"] = chunk.reasoning
            if chunk.text:
                delta["content"] = chunk.text
            if chunk.tool_calls:
                self._called_tools = True
                delta["tool_calls"] = [_tool_call(call) for call in chunk.tool_calls]
            return self._chunk(to_json(delta), logprobs=to_json(chunk.logprobs))
        # Nearly every event is plain text: no dictionary is built for it.
        return self._chunk(f'{{"content":{to_json(chunk.text)}}}') if chunk.text else ""

    def _chunk(self, delta: str, *, logprobs: str = "null", finish: str = "null") -> str:
        choice = f'{{"index":0,"delta":{delta},"logprobs":{logprobs},"finish_reason":{finish}}}'
        return f"{self._head}{choice}]{self._usage}}}\n\n"


def _tool_call(call: ToolCallDelta) -> Payload:
    """A fragment; the first one of its index says what is called."""
    function: Payload = {} if call.name is None else {"name": call.name}
    function["arguments"] = call.arguments
    payload: Payload = {"index": call.index}
    if call.id is not None or call.name is not None:
        payload |= {"id": call.id or f"call_{call.index}", "type": "function"}
    return {**payload, "function": function}
