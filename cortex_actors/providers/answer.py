"""One answer as it is read: bytes in, events out, and at the end the word whether it is whole.

    reading = Reading(reader, content_type)
    events, failure = reading.feed(data)        # what came before a failure is handed over with it
    events, failure = reading.end_of_body()     # without the provider's end marker: a truncation

No sockets, no threads. A failure is a value here, and nothing is read behind one.

Imports:     adapter, speech (what a reader is); chat, errors, streaming (the errors of a format).
Imported by: coordinator, dispatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent
from cortex_actors.errors import CortexError, MalformedStream, TruncatedStream, UpstreamError
from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.speech import Reader
from cortex_actors.streaming.errors import StreamFormatError

#: The events up to a failure, and that failure: the provider's, or one that a reader raised.
Read = tuple[Sequence[AnswerEvent], CortexError | None]


class Reading:
    """The state of one answer."""

    def __init__(self, reader: Reader, content_type: str) -> None:
        self._reader = reader
        self._decoder = reader.new_decoder(content_type)
        self.state = StreamState()

    def feed(self, data: bytes) -> Read:
        """The events that `data` completes."""
        try:
            payloads = self._decoder.decode(data)
        except StreamFormatError as error:
            return (), self._unreadable(error)
        return self._meaning(payloads)

    def end_of_body(self) -> Read:
        """The events that the end of the body completes, and a failure where it came too early."""
        try:
            payloads = self._decoder.flush()
        except StreamFormatError as error:
            return (), self._unreadable(error)
        events, failure = self._meaning(payloads)
        if failure is not None:
            return events, failure
        last, failure = _up_to_failure(self._reader.end_of_body(self.state))
        if failure is None and not self.state.finished:
            details = "The provider's stream ended without its end marker."
            failure = TruncatedStream(details, provider=self._reader.name)
        return (*events, *last), failure

    def _meaning(self, payloads: Iterable[Any]) -> Read:
        return _up_to_failure(
            event for payload in payloads for event in self._reader.parse_event(payload, self.state)
        )

    def _unreadable(self, error: StreamFormatError) -> MalformedStream:
        return MalformedStream(f"The provider's stream cannot be read: {error}.", provider=self._reader.name)


def _up_to_failure(events: Iterable[ParsedEvent]) -> Read:
    good: list[AnswerEvent] = []
    try:
        for event in events:
            if isinstance(event, UpstreamError):
                return good, event
            good.append(event)
    except CortexError as error:
        return good, error
    return good, None
