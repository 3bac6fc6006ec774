"""The road from one attempt to its dispatcher: byte credit, an attempt fence, and three messages.

A channel is one producer's end of the dispatcher's mailbox. Its `Window` holds the credit: two plain
counters, one written by the producer's thread alone and one by the consumer's alone, so the common case
takes no lock; the condition is touched only at the window's edge. A slow reader fills the window, the
producer waits, the provider's socket fills, and TCP slows the provider down.

Runs on:   the stream worker's thread (`deliver`, `finish`, `fail`), the request's thread (`take`, `fence`).
Sends:     ChunksArrived, AttemptFinished, AttemptFailed to the dispatcher.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import AnswerEvent, Chunk, Vectors
from cortex_actors.dispatch.messages import AttemptFailed, AttemptFinished, ChunksArrived
from cortex_actors.errors import CortexError
from cortex_actors.otp.actor import ActorRef, cast

#: What an event weighs beside its text: a message, a chunk and their places in a queue, in bytes.
EVENT_OVERHEAD = 256

#: How long a producer waits for room before it looks at its fence again, in seconds.
_LOOK = 1.0


class Window:
    """Byte credit between one producer and one consumer; fenced for good when the attempt is over."""

    __slots__ = ("_added", "_room", "_taken", "_waiting", "delivered", "fenced", "limit", "received")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.fenced = False
        #: What the producer has had so far: bytes from its provider, events for us.
        self.received = 0
        self.delivered = 0
        self._added = 0
        self._taken = 0
        self._waiting = False
        self._room = threading.Condition(threading.Lock())

    @property
    def fill(self) -> int:
        """Bytes delivered and not yet taken."""
        return self._added - self._taken

    @property
    def full(self) -> bool:
        """Whether the producer must wait; a fenced window is never full: its producer must leave."""
        return self.fill >= self.limit and not self.fenced

    def add(self, size: int) -> None:
        """Counts bytes the producer delivered."""
        self._added += size

    def wait_for_room(self) -> bool:
        """Waits, as the producer, until there is room; False when the attempt is fenced."""
        while self.full:
            with self._room:
                self._waiting = True
                self._room.wait_for(lambda: not self.full, _LOOK)
                self._waiting = False
        return not self.fenced

    def take(self, size: int) -> None:
        """Counts bytes the consumer passed on, and wakes a waiting producer once half the window is free."""
        self._taken += size
        if self._waiting and self.fill <= self.limit // 2:
            with self._room:
                self._room.notify_all()

    def fence(self) -> None:
        """Ends the attempt for its producer: what it still delivers is dropped, and it waits no more."""
        self.fenced = True
        with self._room:
            self._room.notify_all()


class Channel:
    """The producer's end: what one attempt may say to its dispatcher, and when it must wait."""

    __slots__ = ("_attempt", "_dispatcher", "window")

    def __init__(self, dispatcher: ActorRef[Any], attempt: int, window: Window) -> None:
        self._dispatcher = dispatcher
        self._attempt = attempt
        self.window = window

    def deliver(self, events: Sequence[AnswerEvent]) -> bool:
        """Hands over events that were there together; False means nobody wants more."""
        if self.window.fenced:
            return False
        size = sum(map(weight, events))
        self.window.add(size)
        self.window.delivered += len(events)
        if not cast(self._dispatcher, ChunksArrived(self._attempt, tuple(events), size)):
            return False
        return self.window.wait_for_room()

    def finish(self) -> None:
        """Says that the provider ended its answer."""
        if not self.window.fenced:
            cast(self._dispatcher, AttemptFinished(self._attempt))

    def fail(self, error: CortexError) -> None:
        """Says that the attempt is over without an end marker, and why."""
        if not self.window.fenced:
            cast(self._dispatcher, AttemptFailed(self._attempt, error))


def weight(event: AnswerEvent) -> int:
    """What an event holds in memory, roughly, in bytes."""
    if isinstance(event, Vectors):
        return EVENT_OVERHEAD + sum(map(_vector_weight, event.values))
    if not isinstance(event, Chunk):
        return EVENT_OVERHEAD
    size = EVENT_OVERHEAD + len(event.text) + len(event.reasoning)
    if event.tool_calls:
        size += sum(EVENT_OVERHEAD + len(call.arguments) + len(call.name or "") for call in event.tool_calls)
    if event.logprobs:
        size += EVENT_OVERHEAD * sum(len(tokens) for tokens in event.logprobs.values())
    return size


def _vector_weight(vector: tuple[float, ...] | str) -> int:
    return len(vector) if isinstance(vector, str) else 24 * len(vector)
