"""The framing of a Messages stream: named server-sent events, as Anthropic writes them.

    message_start, then for each block: content_block_start, content_block_delta*, content_block_stop,
    then message_delta (why it stopped, the usage), message_stop

    ping            when the provider says nothing for a while
    a comment       where somebody else goes on with the answer
    error           instead of all that would follow; never together with message_stop

Unlike the framings of /api it remembers what it wrote: one framing serves one stream.
"""

from __future__ import annotations

from collections.abc import Sequence

from cortex_actors.chat import AnswerEvent, Chunk, Finish, FinishReason, Recovered, Usage
from cortex_actors.dispatch.messages import StreamEnd
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.web.anthropic.blocks import Blocks
from cortex_actors.web.anthropic.payloads import error_payload, message_payload, stop_payload, usage_payload
from cortex_actors.web.framing import seam_comment, to_json, utf8
from cortex_actors.web.payloads import Payload


class MessagesFraming:
    """One stream in the words of the Messages API."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, *, thinking: bool = True) -> None:
        self._blocks = Blocks(thinking=thinking)
        self._finish = Finish(FinishReason.STOP)
        self._stream: Stream | None = None

    def start(self, stream: Stream) -> bytes:
        """Nothing yet: with the first events comes what `message_start` should say of usage."""
        self._stream = stream
        return b""

    def batch(self, events: Sequence[AnswerEvent]) -> bytes:
        return utf8(self._begin(events) + "".join(map(self._event, events)))

    def tick(self) -> bytes:
        return b'event: ping\ndata: {"type":"ping"}\n\n'

    def end(self, end: StreamEnd) -> bytes:
        stop = stop_payload(self._finish, called_tools=self._blocks.called_tools)
        last = (
            *self._blocks.close(),
            {"type": "message_delta", "delta": stop, "usage": usage_payload(end.usage)},
            {"type": "message_stop"},
        )
        return utf8(self._begin(()) + "".join(map(_frame, last)))

    def error(self, error: CortexError, payload: Payload) -> bytes | None:
        return utf8(_frame(error_payload(error, payload["request_id"])))

    def _begin(self, events: Sequence[AnswerEvent]) -> str:
        """`message_start`, once, with the tokens that are counted by then."""
        if self._stream is None:
            return ""
        stream, self._stream = self._stream, None
        usage = next((event for event in events if isinstance(event, Usage)), None)
        message = message_payload(stream.id, stream.model, usage)
        return _frame({"type": "message_start", "message": message})

    def _event(self, event: AnswerEvent) -> str:
        if isinstance(event, Finish):
            self._finish = event
        if isinstance(event, Chunk) and self._blocks.in_text and not event.reasoning and not event.tool_calls:
            # Nearly every event is plain text: no dictionary is built for it.
            delta = f'"delta":{{"type":"text_delta","text":{to_json(event.text)}}}'
            payload = f'{{"type":"content_block_delta","index":{self._blocks.number},{delta}}}'
            return f"event: content_block_delta\ndata: {payload}\n\n"
        if isinstance(event, Recovered):
            return seam_comment(event)
        return "".join(map(_frame, self._blocks.add(event)))


def _frame(payload: Payload) -> str:
    return f"event: {payload['type']}\ndata: {to_json(payload)}\n\n"
