"""What tests of dialects share: a request that says everything, and reading an answer in pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortex_actors.chat import (
    ChatRequest,
    Chunk,
    Finish,
    FinishReason,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    Usage,
)
from cortex_actors.errors import UpstreamError
from cortex_actors.providers.adapter import Adapter, ParsedEvent, StreamState

_GOLDEN = Path(__file__).parent / "golden"

IMAGE = "data:image/png;base64,iVBORw0KGgo="

WEATHER = Tool(
    name="weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    strict=True,
)

CONVERSATION = (
    Message("system", (TextPart("Be brief."),)),
    Message("developer", (TextPart("Answer in Spanish."),)),
    Message("user", (TextPart("What is this?"), ImagePart(IMAGE, detail="low")), name="ana"),
    Message("assistant", (), tool_calls=(ToolCall("call_1", "weather", '{"city": "Málaga"}'),)),
    Message("tool", (TextPart("sunny"),), tool_call_id="call_1"),
    Message("user", (TextPart("And tomorrow? 👋"),)),
)

SCHEMA = {"type": "object", "properties": {"sky": {"type": "string"}}}

EVERYTHING = ChatRequest(
    messages=CONVERSATION,
    temperature=0.2,
    max_tokens=64,
    top_p=0.9,
    stop=("END", "STOP"),
    seed=7,
    tools=(WEATHER,),
    tool_choice=NamedTool("weather"),
    parallel_tool_calls=False,
    response_format=ResponseFormat("json_schema", schema=SCHEMA, name="forecast", strict=True),
    user="user-1",
    extra={"frequency_penalty": 0.5, "stream_options": {"include_usage": False}, "stream": False},
)

HELLO = ChatRequest(messages=(Message("user", (TextPart("Hello"),)),))


@dataclass(frozen=True)
class Reading:
    """What came out of a stream."""

    events: tuple[ParsedEvent, ...]
    state: StreamState

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Chunk))

    @property
    def reasoning(self) -> str:
        return "".join(event.reasoning for event in self.events if isinstance(event, Chunk))

    @property
    def usage(self) -> Usage | None:
        counts = [event for event in self.events if isinstance(event, Usage)]
        return counts[-1] if counts else None

    @property
    def finish(self) -> FinishReason | None:
        reasons = [event.reason for event in self.events if isinstance(event, Finish)]
        assert len(reasons) <= 1, "an answer ends once"
        return reasons[0] if reasons else None

    @property
    def failure(self) -> UpstreamError | None:
        return next((event for event in self.events if isinstance(event, UpstreamError)), None)

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        """Tool calls put together as a caller does it: by index, id and name from the first fragment."""
        calls: dict[int, list[str]] = {}
        for event in self.events:
            for delta in event.tool_calls if isinstance(event, Chunk) else ():
                call = calls.setdefault(delta.index, ["", "", ""])
                call[0] += delta.id or ""
                call[1] += delta.name or ""
                call[2] += delta.arguments
        return [(call[0], call[1], call[2]) for _, call in sorted(calls.items())]


def read(adapter: Adapter, *pieces: bytes, content_type: str = "text/event-stream") -> Reading:
    """Reads an answer that arrives in these pieces and then ends."""
    decoder, state, events = adapter.new_decoder(content_type), StreamState(), []
    for payloads in (*(decoder.decode(piece) for piece in pieces), decoder.flush()):
        for payload in payloads:
            events.extend(adapter.parse_event(payload, state))
    events.extend(adapter.end_of_body(state))
    return Reading(tuple(events), state)


def reads_the_same_however_cut(
    adapter: Adapter, body: bytes, content_type: str = "text/event-stream"
) -> None:
    """Asserts that neither two pieces cut anywhere nor single bytes change what is read."""
    whole = shown(read(adapter, body, content_type=content_type))
    for at in range(len(body) + 1):
        assert shown(read(adapter, body[:at], body[at:], content_type=content_type)) == whole, at
    singles = (body[at : at + 1] for at in range(len(body)))
    assert shown(read(adapter, *singles, content_type=content_type)) == whole


def shown(reading: Reading) -> tuple[list[Any], bool, bool, int]:
    """A reading as comparable values; errors compare by what they say."""
    events = [
        (type(event), event.details, event.upstream_code) if isinstance(event, UpstreamError) else event
        for event in reading.events
    ]
    return events, reading.state.finished, reading.state.ended, reading.state.skipped


def recorded(name: str) -> bytes:
    """A recorded answer, byte for byte; `golden/<dialect>/<what is in it>`."""
    return (_GOLDEN / name).read_bytes()


def golden(name: str) -> Any:
    """A golden request body."""
    return json.loads((_GOLDEN / f"{name}.json").read_bytes())


def sse(*payloads: Any) -> bytes:
    """An event stream of these JSON values; a string stands as it is."""
    texts = (payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads)
    return b"".join(f"data: {text}\n\n".encode() for text in texts)


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def body_of(request: Any) -> Any:
    """The JSON body of an upstream request."""
    return json.loads(request.body)
