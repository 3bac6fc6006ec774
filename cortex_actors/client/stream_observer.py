"""What a stream tells while it runs, and gives back when it is over.

Imports:  context, errors, event, event_handlers, source, stream_response, telemetry of this package.
"""

from __future__ import annotations

from collections.abc import Callable

from cortex_actors.client.calls import Call
from cortex_actors.client.errors import APIError, UnexpectedAnswer
from cortex_actors.client.event import Event
from cortex_actors.client.event_handlers import kind_of
from cortex_actors.client.source import Source
from cortex_actors.client.stream_response import Observer
from cortex_actors.client.telemetry import Telemetry


class StreamObserver(Observer):
    """Counts and tells the events of one stream; `release` frees its place."""

    def __init__(
        self,
        call: Call,
        telemetry: Telemetry,
        clock: Callable[[], float],
        release: Callable[[], None],
        *,
        strict: bool,
    ) -> None:
        self._call = call
        self._telemetry = telemetry
        self._clock = clock
        self._release = release
        self._strict = strict and bool(call.endpoint.event_types)
        self._events = 0
        self._first: float | None = None

    def event(self, event: Event) -> None:
        """Counts it; where events are strict, refuses one that the manifest does not know."""
        self._events += 1
        if self._first is None:
            self._first = self._clock() - self._call.began
        if self._telemetry.is_heard:
            self._telemetry.emit(
                f"{self._call.topic}.event",
                {"number": self._events, "size": len(event.data or "")},
                endpoint_id=self._call.endpoint.id,
                event=event.event,
            )
        if self._strict and not event.is_done and kind_of(event) not in self._call.endpoint.event_types:
            raise UnexpectedAnswer(
                f"the manifest knows no event {kind_of(event)!r}", endpoint=self._call.endpoint.id
            )

    def reconnecting(self, attempt: int, pause: float) -> None:
        """Before the stream is opened again."""
        self._telemetry.emit(
            f"{self._call.topic}.reconnect",
            {"attempt": attempt, "pause": pause},
            endpoint_id=self._call.endpoint.id,
        )

    def ended(self, outcome: str, error: APIError | None, source: Source) -> None:
        """Frees the place and tells how it went."""
        self._release()
        duration = self._clock() - self._call.began
        id = self._call.endpoint.id
        if error is not None:
            reason = {"endpoint_id": id, "reason": error.message, "error": type(error).__name__}
            self._telemetry.emit(f"{self._call.topic}.error", {"duration": duration}, **reason)
        measurements = {
            "duration": duration,
            "events": self._events,
            "bytes": source.bytes,
            "reconnections": source.reconnections,
        }
        if self._first is not None:
            measurements["first_event"] = self._first
        self._telemetry.emit(f"{self._call.topic}.stop", measurements, endpoint_id=id, outcome=outcome)
