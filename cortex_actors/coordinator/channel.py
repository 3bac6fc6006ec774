"""The channel between the thread that reads a provider and whoever takes the answer; bounded in bytes.

A taker that is slow fills it, the reader waits, the provider's socket fills, and TCP slows the provider down.
Nothing that was put in is lost, and nothing more is taken in once it is closed.

Runs on:   the reader's thread (`put`, `finish`), the taker's (`take`), any (`close`).

Imports:   chat, errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cortex_actors.chat import AnswerEvent, Chunk
from cortex_actors.errors import CortexError

#: What an event weighs beside its text, in bytes.
EVENT_OVERHEAD = 256


@dataclass(frozen=True, slots=True)
class Ended:
    """The reader's last word; the error is None for a whole answer.

    `status` and `body` are what the provider said instead of an answer, where it said something.
    """

    error: CortexError | None = None
    status: int | None = None
    body: str = ""


class Channel:
    """What has been read and not been taken: up to `limit` bytes, until `deadline` in monotonic seconds."""

    def __init__(self, limit: int, deadline: float) -> None:
        self._limit = limit
        self._deadline = deadline
        #: The most it ever held, in bytes.
        self.peak = 0
        self._changed = threading.Condition()
        self._events: list[AnswerEvent] = []
        self._fill = 0
        self._ended: Ended | None = None
        self._closed = False

    def put(self, events: Sequence[AnswerEvent]) -> bool:
        """Hands events over, and waits until there is room for more; False when nobody took any in time."""
        size = sum(map(_weight, events))
        with self._changed:
            if self._closed:
                return False
            self._events += events
            self._fill += size
            self.peak = max(self.peak, self._fill)
            self._changed.notify_all()
            left = max(0.0, self._deadline - time.monotonic())
            return self._changed.wait_for(self._has_room, left) and not self._closed

    def finish(self, ended: Ended) -> None:
        """Says that nothing follows what was put in."""
        with self._changed:
            self._ended = ended
            self._changed.notify_all()

    def take(self, timeout: float) -> tuple[AnswerEvent, ...] | Ended:
        """All that is there; () when nothing came in so many seconds; behind the last event its end."""
        with self._changed:
            self._changed.wait_for(self._has_news, max(0.0, timeout))
            if self._closed:
                return Ended()
            if not self._events:
                return self._ended or ()
            taken, self._events = tuple(self._events), []
            self._fill = 0
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Forgets what is there, and frees a reader that waits."""
        with self._changed:
            self._closed = True
            self._events = []
            self._fill = 0
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._closed or self._fill < self._limit

    def _has_news(self) -> bool:
        return self._closed or bool(self._events) or self._ended is not None


def _weight(event: AnswerEvent) -> int:
    size = EVENT_OVERHEAD
    if isinstance(event, Chunk):
        size += len(event.text) + len(event.reasoning) + sum(len(call.arguments) for call in event.tool_calls)
    return size
