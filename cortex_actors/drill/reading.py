"""An answer as its caller reads it: four framings, read without trust, to one and the same `Reading`.

text      the words alone; whole when the body's own framing says so
sse       event: start, delta*, end | error; recovered between deltas
ndjson    {"type": "start" | "delta" | "recovered" | "end"} and {"error": ...}, one a line
complete  one JSON object
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cortex_actors.streaming.ndjson import NDJSONDecoder
from cortex_actors.streaming.sse import SSEDecoder


@dataclass(slots=True)
class Reading:
    """What a caller has understood of an answer so far."""

    pieces: list[str] = field(default_factory=list)
    #: The answer said that it is over, and whole.
    ended: bool = False
    error: Mapping[str, Any] | None = None
    provider: str = ""
    model: str = ""
    usage: Mapping[str, Any] | None = None
    #: The name of the stream's end, where the framing tells it.
    end: str = ""
    attempts: int | None = None
    #: How often the answer said that somebody else goes on with it from here.
    seams: int = 0
    #: What no answer may do, each in a few words.
    lies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of the answer."""
        return "".join(self.pieces)

    def frame(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Takes in one frame; kinds that nobody here knows are passed over."""
        if self.ended or self.error is not None:
            self.lies.append(f"a frame after the last one: {kind}")
        match kind:
            case "start":
                self._who(payload)
            case "delta":
                self.pieces.append(str(payload.get("text", "")))
            case "recovered":
                self.seams += 1
                if payload.get("offset") != len(self.text):
                    self.lies.append("a seam in another place than it says")
            case "end":
                self._who(payload)
                self.ended = True
                if len(payload.get("recoveries") or ()) != self.seams:
                    self.lies.append("another number of seams in the end than on the way")
                self.usage = payload.get("usage")
                self.end = str(payload.get("end"))
                self.attempts = len(payload.get("attempts") or ())
            case "error":
                self.fail(payload)

    def fail(self, error: Mapping[str, Any]) -> None:
        """Takes in the error that an answer ended with."""
        self.error = error
        self.end = str(error.get("end") or "")
        if isinstance(attempts := error.get("attempts"), list):
            self.attempts = len(attempts)

    def check_end(self) -> None:
        """The body is over: a framing that can say how must have done so."""
        if self.error is None and not self.ended:
            self.lies.append("a clean end that says nothing about the answer")

    def _who(self, payload: Mapping[str, Any]) -> None:
        self.provider = str(payload.get("provider") or self.provider)
        self.model = str(payload.get("model") or self.model)


class Reader:
    """Reads one answer piece by piece; `close` when its body has ended cleanly."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def feed(self, data: bytes) -> None:
        """Takes in bytes of the body."""

    def close(self) -> None:
        """The body ended as its own framing says."""


class _TextReader(Reader):
    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> None:
        self.reading.pieces.append(self._decoder.decode(data))

    def close(self) -> None:
        self.reading.pieces.append(self._decoder.decode(b"", final=True))
        self.reading.ended = True


class _SSEReader(Reader):
    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._decoder = SSEDecoder()

    def feed(self, data: bytes) -> None:
        for event in self._decoder.decode(data):
            payload = _object(event.data)
            if payload is None:
                self.reading.lies.append(f"an event that is not JSON: {event.data[:40]}")
            else:
                self.reading.frame(event.event, payload)

    def close(self) -> None:
        self.reading.check_end()


class _NDJSONReader(Reader):
    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._decoder = NDJSONDecoder()

    def feed(self, data: bytes) -> None:
        self._take(self._decoder.decode(data))

    def close(self) -> None:
        self._take(self._decoder.flush())
        self.reading.check_end()

    def _take(self, values: list[Any]) -> None:
        for value in values:
            if not isinstance(value, dict):
                self.reading.lies.append("a line that is not a JSON object")
            elif "error" in value:
                self.reading.frame("error", value)
            else:
                self.reading.frame(str(value.get("type")), value)


class _WholeReader(Reader):
    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        self._body += data

    def close(self) -> None:
        payload = _object(self._body.decode("utf-8", "replace"))
        if payload is None:
            self.reading.lies.append("a body that is not a JSON object")
            return
        self.reading.frame("delta", {"text": payload.get("response", "")})
        self.reading.seams = len(payload.get("recoveries") or ())
        self.reading.frame("end", {**payload, "end": "", "attempts": None})
        self.reading.attempts = None


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to be answered."""

    name: str
    path: str
    accept: str
    reader: Callable[[Reading], Reader]
    #: Whether a failure in the middle can be told; else the body must end without its end.
    tells_errors: bool = True


TEXT = Framing("text", "/api/chat", "text/plain", _TextReader, tells_errors=False)
SSE = Framing("sse", "/api/chat", "text/event-stream", _SSEReader)
NDJSON = Framing("ndjson", "/api/chat", "application/x-ndjson", _NDJSONReader)
COMPLETE = Framing("complete", "/api/chat/complete", "application/json", _WholeReader)

STREAMS = (TEXT, SSE, NDJSON)
EVERY = (*STREAMS, COMPLETE)


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
