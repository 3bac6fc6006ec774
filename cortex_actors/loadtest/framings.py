"""The four framings of an answer, as a caller asks for each and reads it without trust.

text     the words alone                                    whole when the body's own framing says so
sse      event: start, delta*, end | error                  whole after `end`
ndjson   {"type": "start" | "delta" | "end"}, {"error"}     whole after `end`
openai   data: {"choices": [...]}, data: [DONE]             whole after a finish_reason and [DONE]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cortex_actors.streaming import NDJSONDecoder, SSEDecoder


class Reader:
    """What a caller has understood of one answer so far; for its framing, see the classes below."""

    __slots__ = ("_pieces", "ended", "error", "lies")

    def __init__(self) -> None:
        #: The answer said that it is over, and whole.
        self.ended = False
        #: The code of the error it ended with.
        self.error: str | None = None
        #: What no answer may do, each in a few words.
        self.lies: list[str] = []
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The words of the answer."""
        return "".join(self._pieces)

    def feed(self, body: bytes) -> int:
        """Takes in bytes of the body; says how many pieces of the answer were in them."""
        raise NotImplementedError

    def close(self) -> None:
        """The body ended as its own HTTP framing says."""
        if not self.ended and self.error is None:
            self.lies.append("no end")

    def _piece(self, text: object) -> int:
        self._in_time()
        if not isinstance(text, str) or not text:
            return 0
        self._pieces.append(text)
        return 1

    def _fail(self, code: object) -> None:
        self._in_time()
        self.error = str(code or "error")

    def _end(self) -> None:
        self._in_time()
        self.ended = True

    def _in_time(self) -> None:
        if self.ended or self.error is not None:
            self.lies.append("something after the end")

    def _object(self, text: str) -> Mapping[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        self.lies.append("malformed")
        return {}


class TextReader(Reader):
    """Bytes are kept as they came: a character may arrive in two halves."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self._bytes = bytearray()

    @property
    def text(self) -> str:
        return self._bytes.decode("utf-8", "ignore" if not self.ended else "replace")

    def feed(self, body: bytes) -> int:
        self._bytes += body
        return 1 if body else 0

    def close(self) -> None:
        self.ended = True
        try:
            self._bytes.decode()
        except UnicodeDecodeError:
            self.lies.append("malformed")


class SSEReader(Reader):
    """Named server-sent events."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        super().__init__()
        self._decoder = SSEDecoder()

    def feed(self, body: bytes) -> int:
        return sum(self._take(event.event, event.data) for event in self._decoder.decode(body))

    def _take(self, kind: str, data: str) -> int:
        if kind == "delta":
            return self._piece(self._object(data).get("text"))
        if kind == "end":
            self._object(data)
            self._end()
        elif kind == "error":
            self._fail(self._object(data).get("code"))
        return 0


class NDJSONReader(Reader):
    """One JSON object a line."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        super().__init__()
        self._decoder = NDJSONDecoder()

    def feed(self, body: bytes) -> int:
        return sum(map(self._take, self._decoder.decode(body)))

    def close(self) -> None:
        for value in self._decoder.flush():
            self._take(value)
        super().close()

    def _take(self, value: object) -> int:
        if not isinstance(value, dict):
            self.lies.append("malformed")
        elif "error" in value:
            self._fail(value.get("code"))
        elif (kind := value.get("type")) == "delta":
            return self._piece(value.get("text"))
        elif kind == "end":
            self._end()
        return 0


class OpenAIReader(Reader):
    """Chunks of a chat completion; `[DONE]` alone is no end, since gateways have invented it."""

    __slots__ = ("_decoder", "_finished")

    def __init__(self) -> None:
        super().__init__()
        self._decoder = SSEDecoder()
        self._finished = False

    def feed(self, body: bytes) -> int:
        return sum(self._take(event.data) for event in self._decoder.decode(body))

    def _take(self, data: str) -> int:
        if data == "[DONE]":
            if not self._finished:
                self.lies.append("no end")
            self._end()
            return 0
        chunk = self._object(data)
        if "error" in chunk:
            told = chunk["error"]
            self._fail((told.get("code") or told.get("type")) if isinstance(told, dict) else told)
            return 0
        pieces = 0
        for choice in chunk.get("choices") or ():
            pieces += self._piece((choice.get("delta") or {}).get("content"))
            self._finished = self._finished or bool(choice.get("finish_reason"))
        return pieces


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to be answered."""

    name: str
    path: str
    accept: str
    reader: Callable[[], Reader]
    #: What its requests must say beside the messages.
    fields: Mapping[str, Any]


FRAMINGS: Mapping[str, Framing] = {
    framing.name: framing
    for framing in (
        Framing("text", "/api/chat", "text/plain", TextReader, {}),
        Framing("sse", "/api/chat", "text/event-stream", SSEReader, {}),
        Framing("ndjson", "/api/chat", "application/x-ndjson", NDJSONReader, {}),
        Framing(
            "openai",
            "/v1/chat/completions",
            "text/event-stream",
            OpenAIReader,
            {"model": "auto", "stream": True},
        ),
    )
}
