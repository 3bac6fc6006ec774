"""The running streams, as an operator sees them: who asked, who answers, how far it is, and what is slow.

    table.enter(id, caller, dispatcher)      when a request begins, on its own thread
    table.leave(id)                          when its stream is over
    table.views()                            one immutable `StreamView` each, the oldest first

Runs on:   `enter` and `leave` on the request's thread, `views` on anybody's. A view is read from what the
           dispatcher and its attempt keep for themselves: no actor is asked, and none is held up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import AttemptRecord, Caller
from cortex_actors.settings import Settings

#: Waiting for its first content; on the way; looking for somebody to go on after a cut; all has been said.
StreamState = Literal["opening", "streaming", "recovering", "ending"]

#: Why a stream is slow: its first token is late; its provider says nothing; its caller takes nothing.
Slowness = Literal["first_token", "silent", "caller"]

#: A provider that says nothing for this share of its idle limit is called silent.
_SILENT_SHARE = 0.25

#: Content that waits this long for its caller makes him slow, in seconds.
_UNTAKEN = 1.0


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream that runs, at one moment; times in seconds."""

    id: str
    request_id: str
    #: The name of its dispatcher in the tree.
    actor: str
    #: The name of the caller's key; None for a caller without one.
    caller: str | None
    provider: str | None
    model: str | None
    #: The id of the provider's key that is used.
    key: str | None
    state: StreamState
    #: Epoch seconds.
    started_at: float
    age: float
    ttft: float | None
    #: The number of the running attempt; 0 before the first.
    attempt: int
    #: The attempts that are over.
    attempts: tuple[AttemptRecord, ...]
    #: Of the running attempt: events of the answer, and bytes read from the provider.
    chunks: int
    bytes: int
    recoveries: int
    window_fill: int
    window_limit: int
    since_chunk: float | None
    slow: tuple[Slowness, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    caller: Caller
    dispatcher: Dispatcher
    started_at: float


class StreamTable:
    """The streams that run now."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wall_clock = wall_clock
        self._running: dict[str, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    def enter(self, stream_id: str, caller: Caller, dispatcher: Dispatcher) -> None:
        """Notes a stream that begins."""
        self._running[stream_id] = _Running(caller, dispatcher, self._wall_clock())

    def leave(self, stream_id: str) -> None:
        """Forgets a stream that is over."""
        self._running.pop(stream_id, None)

    def dispatcher(self, stream_id: str) -> Dispatcher | None:
        """Who leads this stream, while it runs."""
        running = self._running.get(stream_id)
        return running.dispatcher if running is not None else None

    def view(self, stream_id: str) -> StreamView | None:
        """One stream, while it runs."""
        running = self._running.get(stream_id)
        return self._view(stream_id, running) if running is not None else None

    def views(self) -> tuple[StreamView, ...]:
        """All that run."""
        return tuple(self._view(stream_id, running) for stream_id, running in list(self._running.items()))

    def _view(self, stream_id: str, running: _Running) -> StreamView:
        now, dispatcher = self._clock(), running.dispatcher
        attempt = dispatcher.attempt
        state = _state(dispatcher, attempt)
        began = dispatcher.first_content
        return StreamView(
            id=stream_id,
            request_id=running.caller.request_id,
            actor=dispatcher.name,
            caller=running.caller.name,
            provider=attempt.provider.name if attempt else None,
            model=attempt.model if attempt else None,
            key=attempt.admission.key.id if attempt else None,
            state=state,
            started_at=running.started_at,
            age=now - dispatcher.started,
            ttft=None if began is None else began - dispatcher.started,
            attempt=attempt.number if attempt else 0,
            attempts=dispatcher.attempts,
            chunks=attempt.window.delivered if attempt else 0,
            bytes=attempt.window.received if attempt else 0,
            recoveries=dispatcher.recoveries,
            window_fill=attempt.window.fill if attempt else 0,
            window_limit=attempt.window.limit if attempt else 0,
            since_chunk=now - attempt.last_progress if attempt and attempt.last_progress else None,
            slow=tuple(self._slowness(dispatcher, attempt, state, now)),
        )

    def _slowness(
        self, dispatcher: Dispatcher, attempt: Attempt | None, state: StreamState, now: float
    ) -> list[Slowness]:
        found: list[Slowness] = []
        if attempt is None or state == "ending":
            return found
        if attempt.first_content is None:
            if now - attempt.started > self._settings().breaker.slow_first_token:
                found.append("first_token")
            return found
        untaken = now - dispatcher.last_batch if attempt.window.fill else 0.0
        if untaken > _UNTAKEN:
            found.append("caller")
        elif now - attempt.last_progress > _SILENT_SHARE * attempt.limits.idle:
            found.append("silent")
        return found


def _state(dispatcher: Dispatcher, attempt: Attempt | None) -> StreamState:
    if dispatcher.end is not None or (attempt is not None and attempt.whole):
        return "ending"
    if attempt is None or attempt.first_content is None or not attempt.running:
        return "opening" if dispatcher.first_content is None else "recovering"
    return "streaming"
