"""The source of a stream: events read from one answer after another, for as long as it may be opened again.

    next_batch   the events that are there, at least one; none at the end
    _read        bytes -> events, and at the end of a body what is left in the reader
    _recover     after a break: the next answer, or the error

Events are handed on before anything is opened again, so that the reader's last id is that of the last event
the consumer has.

Runs on:   next_batch and close on one thread at a time; cancel on any.
Imports:   attempt, calls, errors, event, formats, reconnection of this package; streaming.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from cortex_actors.client.attempt import Attempt
from cortex_actors.client.calls import Opened
from cortex_actors.client.errors import APIError, Cancelled, StreamInterrupted, TimedOut
from cortex_actors.client.event import Event
from cortex_actors.client.formats import EventReader
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.streaming import StreamFormatError

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """How a stream is read and opened again."""

    endpoint: str
    #: Opens the stream behind an event.
    reopen: Callable[[str], Opened]
    #: A reader that goes on behind an event.
    reader: Callable[[str], EventReader]
    reconnect: Reconnect | None
    random: Random
    #: Told before every attempt to open it again: its number, and the pause before it.
    on_reconnect: Callable[[int, float], None]


class Source:
    """The events of one stream."""

    def __init__(self, road: Road, last_event_id: str) -> None:
        self._road = road
        self._reader = road.reader(last_event_id)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._opened: Opened | None = None
        self._attempt: Attempt | None = None
        #: The body has ended; what it left in the reader has been handed on.
        self._body_over = False
        #: The event after which nothing more is expected has come.
        self._complete = False
        self._over = False
        self._delivered = False
        self._retry: int | None = None
        #: Attempts to open it again without an event since.
        self._failures = 0
        self.bytes = 0
        self.reconnections = 0

    @property
    def last_event_id(self) -> str:
        """The id of the last event that was read."""
        return self._reader.last_event_id

    @property
    def retry(self) -> int | None:
        """The pause the server asks for before a reconnection, in milliseconds."""
        return self._retry if self._reader.retry is None else self._reader.retry

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants it to end."""
        return self._stop.is_set()

    def begun(self, attempt: Attempt) -> None:
        """Follows an attempt, so that it can be cancelled."""
        with self._lock:
            self._attempt = attempt
        if self._stop.is_set():
            attempt.cancel()

    def begin(self, opened: Opened) -> None:
        """Reads from this answer."""
        self._opened = opened
        self._body_over = False
        self._over = opened.attempt.status == _NO_CONTENT

    def next_batch(self) -> list[Event]:
        """The events that are there, waiting for one; none when the stream is over. Raises APIError."""
        while not self._over:
            try:
                events = self._read()
            except APIError as error:
                self._recover(error)
                continue
            if events:
                self._note(events)
                return events
        return []

    def cancel(self) -> None:
        """Ends it at once, whatever its thread waits for."""
        self._stop.set()
        with self._lock:
            attempt = self._attempt
        if attempt is not None:
            attempt.cancel()

    def close(self, error: APIError | None) -> None:
        """Gives back what it holds."""
        self._over = True
        if self._opened is not None:
            self._opened.attempt.close()
            self._opened.ended(error)

    def _read(self) -> list[Event]:
        assert self._opened is not None
        if self._body_over:
            if self._road.reconnect and self._road.reconnect.until and not self._complete:
                raise self._interrupted("the stream ended before its last event")
            self._over = True
            return []
        data = self._opened.attempt.read()
        self.bytes += len(data)
        try:
            if data:
                return self._reader.feed(data)
            self._body_over = True
            return self._reader.finish(framed=_is_framed(self._opened.attempt))
        except StreamFormatError as error:
            interrupted = self._interrupted(str(error))
            interrupted.retriable = False
            raise interrupted from error

    def _note(self, events: list[Event]) -> None:
        self._delivered, self._failures = True, 0
        reconnect = self._road.reconnect
        if reconnect and reconnect.until and not self._complete:
            self._complete = any(map(reconnect.until, events))

    def _recover(self, error: APIError) -> None:
        """The next answer, or nothing more; raises what cannot be recovered from."""
        if self._complete:
            self._over = True
            return
        while True:
            reconnect = self._may_go_on(error)
            if reconnect is None:
                raise self._told(error)
            self._failures += 1
            pause = reconnect.pause(self._failures, self.retry, self._road.random)
            pause = max(pause, error.retry_after or 0.0)
            self._road.on_reconnect(self._failures, pause)
            if self._stop.wait(pause):
                raise Cancelled("cancelled", endpoint=self._road.endpoint)
            self._leave(error)
            try:
                self.begin(self._road.reopen(self.last_event_id))
            except APIError as again:
                error = again
                continue
            self.reconnections += 1
            self._retry = self.retry
            self._reader = self._road.reader(self.last_event_id)
            return

    def _may_go_on(self, error: APIError) -> Reconnect | None:
        reconnect = self._road.reconnect
        if reconnect is None or self._failures >= reconnect.max_attempts or not error.retriable:
            return None
        if isinstance(error, TimedOut) and error.limit == "total":
            return None
        return reconnect if self.last_event_id or not self._delivered else None

    def _leave(self, error: APIError) -> None:
        """Lets go of an answer that broke off."""
        if self._opened is not None:
            self._opened.attempt.close()
            self._opened.ended(error)
            self._opened = None

    def _told(self, error: APIError) -> APIError:
        if isinstance(error, StreamInterrupted):
            error.last_event_id = self.last_event_id
        return error

    def _interrupted(self, message: str) -> StreamInterrupted:
        return StreamInterrupted(message, last_event_id=self.last_event_id, endpoint=self._road.endpoint)


def _is_framed(attempt: Attempt) -> bool:
    """Whether HTTP told where the body ends; else any break looks like an end."""
    return "content-length" in attempt.headers or "transfer-encoding" in attempt.headers
