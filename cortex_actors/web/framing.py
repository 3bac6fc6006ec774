"""Framings: how the events of an answer become bytes. Pure: values in, bytes out; one batch is one write.

                start            delta             tick        whole end         failure
    text        -                the text itself   -           -                 (cannot be told: cut)
    SSE         event: start     event: delta      : comment   event: end        event: error
    NDJSON      {"type":"start"} {"type":"delta"}  -           {"type":"end"}    {"type":"error","error":...}

SSE and NDJSON carry the same payloads (`payloads`), and exactly one `end` or one `error`, the last thing
sent. Between the deltas there may be `usage`, and `recovered` where somebody else goes on with the answer.
Plain text carries the words of the answer alone: no reasoning, no tool calls, no seams, and no way to say
that something went wrong; its `error` is None, and the response must then be cut where every reader sees it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from cortex_actors.chat import AnswerEvent, Chunk, Recovered, Usage
from cortex_actors.dispatch.messages import StreamEnd
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.web.payloads import Payload, delta_payload, end_payload, recovered_payload, usage_payload

#: JSON of one line, compact, in the characters of the text itself; what a stage noted may be anything.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Framing(Protocol):
    """One way to write an answer down."""

    @property
    def content_type(self) -> str: ...

    def start(self, stream: Stream) -> bytes: ...

    def batch(self, events: Sequence[AnswerEvent]) -> bytes: ...

    def tick(self) -> bytes:
        """A sign of life while the provider says nothing; b"" where the form has no room for one."""
        ...

    def end(self, end: StreamEnd) -> bytes: ...

    def error(self, error: CortexError, payload: Payload) -> bytes | None:
        """Tells a failure, whose payload under /api is given too; None where the form cannot."""
        ...


class TextFraming:
    """The words of the answer and nothing else."""

    content_type = "text/plain; charset=utf-8"

    def start(self, stream: Stream) -> bytes:
        return b""

    def batch(self, events: Sequence[AnswerEvent]) -> bytes:
        return utf8("".join(event.text for event in events if isinstance(event, Chunk)))

    def tick(self) -> bytes:
        return b""

    def end(self, end: StreamEnd) -> bytes:
        return b""

    def error(self, error: CortexError, payload: Payload) -> bytes | None:
        return None


class StructuredFraming:
    """What SSE and NDJSON share: the same payloads in the same order, each in a frame of its kind."""

    def start(self, stream: Stream) -> bytes:
        about = {
            "id": stream.id,
            "request_id": stream.request_id,
            "provider": stream.provider,
            "model": stream.model,
        }
        return utf8(self._frame("start", to_json(about)))

    def batch(self, events: Sequence[AnswerEvent]) -> bytes:
        return utf8("".join(map(self._event, events)))

    def end(self, end: StreamEnd) -> bytes:
        return utf8(self._frame("end", to_json(end_payload(end))))

    def error(self, error: CortexError, payload: Payload) -> bytes | None:
        return utf8(self._frame("error", to_json(payload)))

    def _event(self, event: AnswerEvent) -> str:
        """The frame of one event; none for what `end` will tell."""
        if isinstance(event, Chunk):
            if event.reasoning or event.tool_calls or event.metadata:
                return self._frame("delta", to_json(delta_payload(event)))
            # Nearly every event is plain text: no dictionary is built for it.
            return self._frame("delta", f'{{"text":{to_json(event.text)}}}') if event.text else ""
        if isinstance(event, Usage):
            return self._frame("usage", to_json(usage_payload(event)))
        if isinstance(event, Recovered):
            return self._frame("recovered", to_json(recovered_payload(event)))
        return ""

    def _frame(self, kind: str, payload: str) -> str:
        raise NotImplementedError


class SSEFraming(StructuredFraming):
    """Server-sent events, each named."""

    content_type = "text/event-stream; charset=utf-8"

    def tick(self) -> bytes:
        return b": still there\n\n"

    def _frame(self, kind: str, payload: str) -> str:
        return f"event: {kind}\ndata: {payload}\n\n"


class NDJSONFraming(StructuredFraming):
    """One JSON object a line, each with its `type`. No tick: not every reader forgives a blank line."""

    content_type = "application/x-ndjson; charset=utf-8"

    def tick(self) -> bytes:
        return b""

    def _frame(self, kind: str, payload: str) -> str:
        return f'{{"type":"{kind}",{payload[1:]}\n'


TEXT = TextFraming()
SSE = SSEFraming()
NDJSON = NDJSONFraming()


def seam_comment(seam: Recovered) -> str:
    """Tells of a seam where a form has no event for it; names of providers are of one line."""
    return f": recovered provider={seam.provider} offset={seam.offset}\n\n"


def utf8(text: str) -> bytes:
    """Valid UTF-8 always: halves of a character that meet are joined, lone ones become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
