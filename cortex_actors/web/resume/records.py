"""Records: a stream as its journal keeps it, one line `kind payload` an event, and what such lines tell.

The payloads are those of SSE and NDJSON, so that a caller may come back and want the other framing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.web.body import json_object
from cortex_actors.web.framing import StructuredFraming, to_json, utf8
from cortex_actors.web.parsing import parse_chat
from cortex_actors.web.responses import StreamBody, error_payload


class RecordFraming(StructuredFraming):
    """One record a line. What another framing would say to keep a connection open is not kept."""

    content_type = "application/octet-stream"

    def tick(self) -> bytes:
        return b""

    def _frame(self, kind: str, payload: str) -> str:
        return f"{kind} {payload}\n"


class FurtherRecordFraming(RecordFraming):
    """The records of a stream that goes on with another one, which had a start."""

    def start(self, stream: Stream) -> bytes:
        return b""


class JournalScript:
    """The `Script` of `gateway.resumption`, for one request."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id

    def pieces(self, stream: Stream) -> Iterator[bytes]:
        """A stream from its start to its end."""
        return StreamBody(stream, RecordFraming(), self._request_id)

    def further_pieces(self, stream: Stream) -> Iterator[bytes]:
        """The same of a stream that goes on with another one."""
        return StreamBody(stream, FurtherRecordFraming(), self._request_id)

    def failure(self, error: CortexError) -> bytes:
        """The last record of a stream that nobody else could end."""
        unknown = {"end": None, "provider": None, "model": None, "usage": None}
        return utf8(f"error {to_json({**error_payload(error, self._request_id), **unknown})}\n")

    def text(self, lines: Iterable[bytes]) -> str | None:
        """The text that these records delivered; None when a tool was called."""
        said = []
        for line in lines:
            kind, _, payload = line.partition(b" ")
            if kind == b"delta":
                delta = json.loads(payload)
                if "tool_calls" in delta:
                    return None
                said.append(delta.get("text", ""))
        return "".join(said)

    def request(self, question: bytes) -> ChatRequest:
        """The request as it came; it was checked then, by this version or by another one."""
        return parse_chat(json_object(question))[0]
