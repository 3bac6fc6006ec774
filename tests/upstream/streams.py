"""Streamed answers as values, and how providers write them: events, framing, pauses, cuts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.upstream.peer import RecordedRequest
from tests.upstream.steps import Chunk, Fin, Head, LastChunk, Send, Step, Wait


@dataclass(frozen=True, slots=True)
class Stream:
    """A streamed answer: whole events, and how they travel."""

    events: tuple[bytes, ...]
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: Literal["chunked", "length", "close"] = "chunked"
    pauses: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    #: Bytes a write; None sends each event whole.
    piece: int | None = None
    #: Bytes of the body that are sent at all, and what follows them.
    limit: int | None = None
    last: Step | None = None

    @property
    def body(self) -> bytes:
        """All that would be sent, without framing."""
        return b"".join(self.events)

    def pause(self, before: int, *steps: Step) -> Stream:
        """Run these steps before event `before`; the number of events is a place too, before the end."""
        return replace(self, pauses={**self.pauses, before: steps})

    def paced(self, seconds: float) -> Stream:
        """Wait so long before every event but the first."""
        return replace(self, pauses={n: (Wait(seconds),) for n in range(1, len(self.events))})

    def cut(self, at: int, how: Step | None = None) -> Stream:
        """Stop after `at` bytes of the body: with a FIN, or `Reset()`, or `Hang()`."""
        return replace(self, limit=at, last=how or Fin())

    def then(self, step: Step) -> Stream:
        """Send every event, and then do this instead of ending the body: `Hang()`, `Fin()`, `Reset()`."""
        return replace(self, last=step)

    def in_pieces(self, size: int = 1) -> Stream:
        """Send so many bytes at a time."""
        return replace(self, piece=size)

    def framed(self, framing: Literal["chunked", "length", "close"]) -> Stream:
        """Delimit the body another way."""
        return replace(self, framing=framing)

    def crlf(self) -> Stream:
        """End lines with CR LF."""
        return replace(self, events=tuple(event.replace(b"\n", b"\r\n") for event in self.events))

    def commented(self, comment: str = ": keep-alive") -> Stream:
        """Put an SSE comment before every event."""
        return replace(self, events=tuple(f"{comment}\n\n".encode() + event for event in self.events))

    def steps(self) -> Iterator[Step]:
        """The plain steps this amounts to."""
        yield Head(self.status, self._head())
        left = len(self.body) if self.limit is None else self.limit
        for number, event in enumerate(self.events):
            yield from self.pauses.get(number, ())
            event, left = event[:left], left - len(event[:left])
            size = self.piece or max(1, len(event))
            for start in range(0, len(event), size):
                piece = event[start : start + size]
                yield Chunk(piece) if self.framing == "chunked" else Send(piece)
            if not left:
                break
        else:
            yield from self.pauses.get(len(self.events), ())
        yield from self._end()

    def _head(self) -> dict[str, str]:
        framing = {
            "chunked": {"Transfer-Encoding": "chunked"},
            "length": {"Content-Length": str(len(self.body))},
            "close": {"Connection": "close"},
        }
        return {"Content-Type": self.content_type, **framing[self.framing], **self.headers}

    def _end(self) -> tuple[Step, ...]:
        if self.last:
            return (self.last,)
        ends: dict[str, tuple[Step, ...]] = {"chunked": (LastChunk(),), "length": (), "close": (Fin(),)}
        return ends[self.framing]


Script = Sequence[Step] | Stream
Answer = Script | Callable[[RecordedRequest], Script]


def json_answer(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Script:
    """A whole JSON answer; without a body, an error object in OpenAI's form."""
    if body is None:
        body = {"error": {"message": f"scripted {status}", "type": "scripted", "code": None}}
    data = json.dumps(body).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
    return [Head(status, head), Send(data)]


def sse_stream(*data: Any) -> Stream:
    """An SSE answer; each item becomes one `data:` event, as it is if text, as JSON otherwise."""
    texts = (item if isinstance(item, str) else json.dumps(item) for item in data)
    return Stream(tuple(f"data: {text}\n\n".encode() for text in texts), "text/event-stream")


def ndjson_stream(*values: Any) -> Stream:
    """An NDJSON answer, one value a line."""
    return Stream(tuple(f"{json.dumps(value)}\n".encode() for value in values), "application/x-ndjson")


def openai_stream(
    texts: Iterable[str],
    *,
    model: str = "test-model",
    usage: tuple[int, int] | None = None,
    finish: str | None = "stop",
    done: bool = True,
) -> Stream:
    """A chat answer in OpenAI's form: texts, finish reason, usage (prompt, completion tokens), `[DONE]`."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}

    def choice(delta: Mapping[str, str], reason: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    events: list[Any] = [choice({"role": "assistant", "content": text}) for text in texts]
    if finish:
        events.append(choice({}, finish))
    if usage:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        events.append({**base, "choices": [], "usage": counts})
    return sse_stream(*events, *(["[DONE]"] if done else []))


def ollama_stream(
    texts: Iterable[str],
    *,
    model: str = "test-model",
    usage: tuple[int, int] = (9, 2),
    finish: str = "stop",
    done: bool = True,
) -> Stream:
    """A chat answer in Ollama's form: one line a text, then the `done` line with its counts."""
    base = {"model": model, "created_at": "2026-01-01T00:00:00Z"}
    lines = [{**base, "message": {"role": "assistant", "content": text}, "done": False} for text in texts]
    counts = {"prompt_eval_count": usage[0], "eval_count": usage[1]}
    ended = {**base, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": finish}
    return ndjson_stream(*lines, *([{**ended, **counts}] if done else []))
