"""What the mock provider answers to one request, as a value, and how that is written on the wire.

    MockScript(text="Hello there!")                          the answer, word by word
    MockScript(fail_at=3, fail_with="cut")                   two words, then the connection is gone
    MockScript(status=429, retry_after=2.0)                  a refusal

Pure: what happens between the pieces (the waiting, the failing) is left to the transport that plays it.

Imports:     chat; json_body of this package.
Imported by: mock, mock_options, and whoever scripts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cortex_actors.chat import ToolCall
from cortex_actors.providers.json_body import encoded

FailWith = Literal["error", "cut", "stall", "end"]

_WORD = re.compile(r"\s*\S+|\s+$")

_GREETING = "Hello! 👋 Say something, and I will say it back."
_REMARK = "👋 This is the mock provider: no key, no network, no model. A naïve façade, but it streams…"


@dataclass(frozen=True, slots=True)
class MockScript:
    """One answer. Times are in seconds; chunks are counted from 1."""

    #: What to say; None says back what the caller said.
    text: str | None = None
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    #: The wait before the status, before the first chunk, and before every later one.
    open_delay: float = 0.0
    first_delay: float = 0.0
    chunk_delay: float = 0.04
    #: The provider's reason to stop; None picks `stop` or `tool_calls`.
    finish: str | None = None
    usage: bool = True
    #: Any other status than 200 is a refusal with this code, reason and delay.
    status: int = 200
    error_code: str | None = None
    error_message: str = "The mock provider was told to fail."
    retry_after: float | None = None
    #: Instead of this chunk of the whole answer: an error event, a cut connection, silence, or a clean end
    #: without a reason.
    fail_at: int | None = None
    fail_with: FailWith = "error"


@dataclass(frozen=True, slots=True)
class MockRequest:
    """A request as the mock received it; `number` counts from 1."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model", ""))

    @property
    def last_words(self) -> str:
        """The text of the last user message."""
        said = [turn["content"] for turn in self.body.get("messages", ()) if turn["role"] == "user"]
        return _plain(said[-1]) if said else ""

    @property
    def begun(self) -> str:
        """The beginning of the answer, where an assistant message at the end of the conversation has it."""
        turns = self.body.get("messages", ())
        return _plain(turns[-1]["content"]) if turns and turns[-1]["role"] == "assistant" else ""


#: A script for all requests, or one made for each.
Script = MockScript | Callable[[MockRequest], MockScript]

#: Models that always fail in one way, for whoever wants to see it.
MODEL_SCRIPTS: Mapping[str, MockScript] = {
    "mock-error": MockScript(fail_at=4, fail_with="error"),
    "mock-cut": MockScript(fail_at=4, fail_with="cut"),
    "mock-stall": MockScript(fail_at=4, fail_with="stall"),
    "mock-end": MockScript(fail_at=4, fail_with="end"),
    "mock-slow": MockScript(first_delay=5.0, chunk_delay=0.5),
    "mock-silent": MockScript(first_delay=3600.0),
    "mock-empty": MockScript(text=""),
    "mock-429": MockScript(status=429, error_code="rate_limit_exceeded", retry_after=2.0),
    "mock-quota": MockScript(status=429, error_code="insufficient_quota"),
    "mock-401": MockScript(status=401, error_code="invalid_api_key"),
    "mock-500": MockScript(status=500),
}


def in_turn(*scripts: MockScript) -> Callable[[MockRequest], MockScript]:
    """The first script for the first request, and so on; the last one stays."""
    return lambda request: scripts[min(request.number, len(scripts)) - 1]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of the body, after a wait; or, after it, what goes wrong instead."""

    delay: float
    data: bytes = b""
    failure: Literal["cut", "stall", "end"] | None = None


def pieces(script: MockScript, request: MockRequest) -> Iterator[Piece]:
    """The body of a good answer, an event a piece; without what of it the conversation holds already."""
    deltas = list(_deltas(script, request))
    first = 1 + _begun(deltas, request.begun)
    for number, delta in enumerate(deltas[first - 1 :], start=first):
        delay = script.first_delay if number == first else script.chunk_delay
        if number == script.fail_at:
            yield _failure(script, delay)
            return
        yield Piece(delay, _event(request, choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
    if script.fail_at is not None and script.fail_at > len(deltas):
        yield _failure(script, script.chunk_delay)
        return
    yield Piece(0.0, _last_words(script, request, len(deltas) - first + 1))


def refusal_body(script: MockScript) -> bytes:
    """The body of an answer with another status than 200."""
    return encoded(_error(script))


def words(text: str) -> list[str]:
    """The text cut before each run of white space; joined again, they are the text."""
    return _WORD.findall(text)


def _deltas(script: MockScript, request: MockRequest) -> Iterator[dict[str, Any]]:
    if script.reasoning:
        yield from ({"reasoning_content": word} for word in words(script.reasoning))
    text = script.text
    if text is None:
        text = _echo(request.last_words) if not script.tool_calls else ""
    yield from ({"content": word} for word in words(text))
    for index, call in enumerate(script.tool_calls):
        function = {"name": call.name, "arguments": call.arguments}
        yield {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}


def _begun(deltas: Sequence[Mapping[str, Any]], begun: str) -> int:
    """How many chunks of the answer make up this beginning of it; none where it is no beginning."""
    said = ""
    for number, delta in enumerate(deltas):
        if said == begun:
            return number if begun else 0
        said += delta.get("content", "")
    return len(deltas) if said == begun else 0


def _echo(said: str) -> str:
    return f"You said: {said} {_REMARK}" if said else _GREETING


def _last_words(script: MockScript, request: MockRequest, completion: int) -> bytes:
    """The reason, the counts and the end marker, in one piece as most servers send them."""
    reason = script.finish or ("tool_calls" if script.tool_calls else "stop")
    end = _event(request, choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    if script.usage:
        prompt = sum(len(words(_plain(turn["content"]))) for turn in request.body.get("messages", ()))
        counts = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        end += _event(request, choices=[], usage=counts)
    return end + b"data: [DONE]\n\n"


def _failure(script: MockScript, delay: float) -> Piece:
    if script.fail_with == "error":
        return Piece(delay, b"data: " + encoded(_error(script)) + b"\n\n")
    return Piece(delay, failure=script.fail_with)


def _error(script: MockScript) -> dict[str, Any]:
    return {
        "error": {
            "message": script.error_message,
            "type": "mock_error",
            "param": None,
            "code": script.error_code,
        }
    }


def _event(request: MockRequest, **fields: Any) -> bytes:
    head = {"id": f"mock-{request.number}", "object": "chat.completion.chunk", "model": request.model}
    return b"data: " + encoded({**head, **fields}) + b"\n\n"


def _plain(content: str | Sequence[Mapping[str, Any]] | None) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text", "") for part in content)
