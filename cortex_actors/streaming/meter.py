"""The meter: what one stream has brought so far, in real numbers.

    chunks      counted where they come from the provider, before any stage has seen them
    bytes       of the provider's body, as they came off the wire: asked for, never guessed from the text
    errors      pieces nobody could read, pieces a stage refused, and the failure of the stream itself

Runs on:   the thread that reads the stream; what `bytes_received` and `unreadable` ask may change on another.

Imports:   chat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from cortex_actors.chat import AnswerEvent, Chunk

#: How a stream stands; all but the first are its end.
StreamState = Literal["running", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class StreamMetrics:
    """What a stream has brought up to one moment; rates are over its whole time, two decimals."""

    stream_id: str
    provider: str
    status: StreamState
    duration_ms: float
    chunks_received: int
    bytes_received: int
    errors: int
    chunks_per_second: float
    bytes_per_second: float
    #: None before the first chunk.
    time_to_first_chunk_ms: float | None


class Meter:
    """The counters of one stream.

    >>> seconds = iter([10.0, 10.5, 12.0])
    >>> meter = Meter("stream_1", "mock", clock=lambda: next(seconds), bytes_received=lambda: 300)
    >>> for batch in meter.count(iter([(Chunk("Ho"), Chunk("la"))])):
    ...     print(len(batch))
    2
    >>> metrics = meter.snapshot("completed")
    >>> metrics.chunks_received, metrics.chunks_per_second, metrics.bytes_per_second
    (2, 1.0, 150.0)
    >>> metrics.duration_ms, metrics.time_to_first_chunk_ms
    (2000.0, 500.0)
    """

    def __init__(
        self,
        stream_id: str,
        provider: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        started: float | None = None,
        bytes_received: Callable[[], int] = lambda: 0,
        unreadable: Callable[[], int] = lambda: 0,
    ) -> None:
        self._stream_id = stream_id
        self._provider = provider
        self._clock = clock
        self._started = clock() if started is None else started
        self._bytes_received = bytes_received
        self._unreadable = unreadable
        self._chunks = 0
        self._first_chunk: float | None = None
        #: Pieces that a stage refused.
        self.rejected = 0

    def count(self, batches: Iterator[tuple[AnswerEvent, ...]]) -> Iterator[tuple[AnswerEvent, ...]]:
        """The batches as they are, counted on their way."""
        for batch in batches:
            chunks = sum(isinstance(event, Chunk) for event in batch)
            if chunks and self._first_chunk is None:
                self._first_chunk = self._clock()
            self._chunks += chunks
            yield batch

    def snapshot(self, status: StreamState = "running") -> StreamMetrics:
        """What has come so far."""
        duration = self._clock() - self._started
        received = self._bytes_received()
        first = None if self._first_chunk is None else self._first_chunk - self._started
        return StreamMetrics(
            stream_id=self._stream_id,
            provider=self._provider,
            status=status,
            duration_ms=_milliseconds(duration),
            chunks_received=self._chunks,
            bytes_received=received,
            errors=self._unreadable() + self.rejected + (status == "failed"),
            chunks_per_second=_rate(self._chunks, duration),
            bytes_per_second=_rate(received, duration),
            time_to_first_chunk_ms=None if first is None else _milliseconds(first),
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 2) if seconds > 0 else 0.0
