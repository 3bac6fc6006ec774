"""The body of a stream that is to be finished though its caller leaves: `on_disconnect: drain`.

Runs on:   the request's own thread; once the caller has left, on one of its own, which reads the stream to
           its end and throws it away, so that its books are complete.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from cortex_actors.dispatch.stream import Stream
from cortex_actors.web.responses import StreamBody


class DrainedBody:
    """A body that outlives its connection."""

    def __init__(self, body: StreamBody, stream: Stream) -> None:
        self._body = body
        self._stream = stream
        self._left = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._body)

    def close(self) -> None:
        """Frees a stream that is over; one that is not goes on by itself."""
        if self._stream.end is not None:
            self._body.close()
        elif not self._left:
            self._left = True
            name = f"drain-{self._stream.id[:8]}"
            threading.Thread(target=self._finish, name=name, daemon=True).start()

    def _finish(self) -> None:
        try:
            for _ in self._body:
                pass
        except BrokenPipeError:
            pass  # it failed in a framing that has no words for that, and nobody is there to be told
        finally:
            self._body.close()
