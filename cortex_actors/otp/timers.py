"""Timers of one mailbox: messages that will come later, in the order of their times.

Runs on:   any thread, under one short lock. Nobody waits here: the mailbox asks when the next one is due, and
           takes out those whose time has come.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count


class Timer:
    """A message that will come later, unless it is cancelled or the mailbox closes first."""

    __slots__ = ("_call_off", "due", "message")

    def __init__(self, due: float, message: object, call_off: Callable[[Timer], bool]) -> None:
        self.due = due
        self.message = message
        self._call_off = call_off

    def cancel(self) -> bool:
        """Calls the message off; False when it has been delivered, cancelled or dropped already."""
        return self._call_off(self)


class Timers:
    """A heap of timers; false when it is empty."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()  # of two timers for the same moment the older comes first
        self._lock = threading.Lock()
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, due: float, message: object) -> Timer:
        """Keeps a message until then; after `close` it will never come."""
        timer = Timer(due, message, self._cancel)
        with self._lock:
            if not self._closed:
                heapq.heappush(self._heap, (due, next(self._numbers), timer))
        return timer

    def next_due(self) -> float | None:
        """When the next one is due."""
        with self._lock:
            return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[object]:
        """Takes out the messages whose time has come, in order."""
        messages = []
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                messages.append(heapq.heappop(self._heap)[2].message)
        return messages

    def close(self) -> None:
        """Drops all of them, and whatever is still to be added."""
        with self._lock:
            self._closed = True
            self._heap.clear()

    def _cancel(self, timer: Timer) -> bool:
        with self._lock:
            kept = [entry for entry in self._heap if entry[2] is not timer]
            found = len(kept) < len(self._heap)
            heapq.heapify(kept)
            self._heap = kept
        return found
