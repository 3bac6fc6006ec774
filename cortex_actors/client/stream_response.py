"""The answer of a streaming call: events one by one, as they arrive and no faster than they are taken.

    with client.execute_stream("chat", {"messages": [...]}) as response:
        for event in response:
            print(event.json())

Iterating reads from the socket when there is nothing left to hand out, so that a slow consumer slows the
server down and nothing piles up in between. Whatever ends it (the last event, an error, `cancel`, the end of
the `with` block, or being forgotten) closes its connection and frees its place.

Runs on:   iterate on any one thread at a time; cancel and the properties on any.
Imports:   errors, event, headers, source, telemetry of this package.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

from cortex_actors.client.errors import APIError, Cancelled
from cortex_actors.client.event import Event
from cortex_actors.client.event_handlers import dispatch_event
from cortex_actors.client.headers import Headers
from cortex_actors.client.source import Source

Handler = TypeVar("Handler")


class StreamResponse(Iterator[Event]):
    """A stream under way; `metadata` says what was asked: url, method, endpoint_id, retries, started."""

    def __init__(
        self,
        source: Source,
        *,
        status: int,
        headers: Headers,
        metadata: Mapping[str, Any] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.metadata: Mapping[str, Any] = metadata or {}
        #: What ended it, if it was an error.
        self.error: APIError | None = None
        self._source = source
        self._observer = observer or Observer()
        self._turn = threading.Lock()
        self._ready: deque[Event] = deque()
        self._last_event_id = source.last_event_id
        self._finished = False

    def __next__(self) -> Event:
        """The next event, waiting for it; raises APIError when the stream breaks off, and then ends."""
        with self._turn:
            if not self._ready and not self._finished:
                self._fill()
            if self._finished or self._source.is_cancelled:
                self._finish("cancelled")
                raise StopIteration
            return self._hand_out(self._ready.popleft())

    def __enter__(self) -> StreamResponse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_finished", True):
            self.close()

    @property
    def last_event_id(self) -> str:
        """The id of the last event that was handed out, also after the end: where to go on."""
        return self._last_event_id

    @property
    def retry(self) -> int | None:
        """The pause the server asks for before a reconnection, in milliseconds."""
        return self._source.retry

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` ended it."""
        return self._source.is_cancelled

    @property
    def request_id(self) -> str | None:
        """What the server calls this request."""
        return self.headers.get("x-request-id") or self.headers.get("request-id")

    def cancel(self) -> None:
        """Ends the stream now; a thread that waits for the next event learns that there is none."""
        self._source.cancel()
        self._end_if_idle()

    def close(self) -> None:
        """Ends the stream, and keeps its connection if nothing was left to read."""
        if not self._end_if_idle():
            self._source.cancel()

    def dispatch(self, handler: Handler) -> Handler:
        """Hands every event to the handler's `on_<name>` until the stream ends; returns the handler."""
        for event in self:
            dispatch_event(event, handler)
        return handler

    def _fill(self) -> None:
        """Waits for events."""
        try:
            batch = self._source.next_batch()
        except Cancelled:
            return
        except APIError as error:
            self._finish("error", error)
            raise
        except BaseException:
            self._finish("cancelled")
            raise
        self._ready.extend(batch)
        if not batch:
            self._last_event_id = self._source.last_event_id
            self._finish("complete")

    def _hand_out(self, event: Event) -> Event:
        self._last_event_id = event.id if self._ready else self._source.last_event_id
        try:
            self._observer.event(event)
        except APIError as error:
            self._finish("error", error)
            raise
        return event

    def _end_if_idle(self) -> bool:
        """Finishes it, unless a thread is reading: then that thread does."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            self._finish("cancelled" if self._source.is_cancelled else "closed")
        finally:
            self._turn.release()
        return True

    def _finish(self, outcome: str, error: APIError | None = None) -> None:
        """Lets go of everything, once."""
        if self._finished:
            return
        self._finished = True
        self._ready.clear()
        self.error = error
        self._source.close(Cancelled("cancelled") if outcome == "cancelled" else error)
        self._observer.ended(outcome, error, self._source)


class Observer:
    """Who follows a stream; this one does nothing."""

    def event(self, event: Event) -> None:
        """When an event is handed out; raises APIError for one that must not be."""

    def ended(self, outcome: str, error: APIError | None, source: Source) -> None:
        """When it is over (complete, closed, cancelled or error), once."""
