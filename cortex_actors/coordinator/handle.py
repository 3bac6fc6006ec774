"""The handle of a stream: iterate it, wait for it, cancel it, ask how it stands.

A handle that nobody holds any more is a stream that nobody takes: it is cancelled, and its provider hears of
it. One with a callback goes on, as somebody still takes it.

Imports:   status and stream of this package; chat.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType

from cortex_actors.chat import Chunk
from cortex_actors.coordinator.status import StreamStatus
from cortex_actors.coordinator.stream import RunningStream


class StreamHandle:
    """A stream, for who started it.

    Without a callback it is an iterator of chunks, which ends when the answer is whole, or when it was
    cancelled here; otherwise it raises the error that the stream failed with, behind the last chunk.
    """

    def __init__(self, stream: RunningStream, callback: Callable[[Chunk], object] | None = None) -> None:
        self._stream = stream
        self._has_callback = callback is not None
        if callback is None:
            weakref.finalize(self, stream.cancel)
        else:
            name = f"{stream.id} callback"
            threading.Thread(target=stream.deliver, args=(callback,), name=name, daemon=True).start()

    @property
    def id(self) -> str:
        """Its name: `stream_...`, or the one that was given."""
        return self._stream.id

    @property
    def status(self) -> StreamStatus:
        """How it stands, or how it ended."""
        return self._stream.status

    def cancel(self) -> bool:
        """Ends it from any thread, at once; True unless it was over."""
        return self._stream.cancel()

    def wait(self, timeout: float | None = None) -> StreamStatus:
        """How it ended, once it has, or how it stands after so many seconds; for streams with a callback."""
        self._stream.over.wait(timeout)
        return self.status

    def text(self) -> str:
        """The whole text, read to the end. Raises what the stream failed with."""
        return "".join(chunk.text for chunk in self)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self._has_callback:
            raise TypeError("a stream with a callback gives its chunks to that")
        chunk = self._stream.next_chunk()
        if chunk is not None:
            return chunk
        if (error := self.status.error) is not None:
            raise error
        raise StopIteration

    def __enter__(self) -> StreamHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __repr__(self) -> str:
        return f"<stream {self.id} of {self._stream.provider}: {self.status.state}>"
