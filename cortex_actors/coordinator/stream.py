"""A stream that runs: takes from its source through its pipeline, and ends exactly once, under one name.

    completed    the provider said that its answer is over
    failed       it did not, or a stage ended the stream: `error` says why, and on_error was told
    cancelled    somebody here wanted no more

Runs on:   the thread of whoever takes chunks; `cancel` and `status` on any.

Imports:   channel, source and status of this package; chat, errors, streaming.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from cortex_actors.chat import AnswerInfo, Chunk, Finish, FinishReason, Usage
from cortex_actors.coordinator.channel import Ended
from cortex_actors.coordinator.options import OnError
from cortex_actors.coordinator.source import Source
from cortex_actors.coordinator.status import StreamStatus
from cortex_actors.errors import CortexError, InternalError, StageError, StageFailed
from cortex_actors.streaming.meter import StreamState
from cortex_actors.streaming.pipeline import Batch, Pipeline

_log = logging.getLogger(__name__)


class RunningStream:
    """One stream, up to its end and after it."""

    def __init__(
        self,
        stream_id: str,
        provider: str,
        source: Source,
        pipeline: Pipeline,
        on_error: OnError | None,
        on_end: Callable[[StreamStatus], None],
    ) -> None:
        self.id = stream_id
        self.provider = provider
        self._source = source
        self._pipeline = pipeline
        self._batches = pipeline.run(source.batches(pipeline.passage.alarm))
        self._on_error = on_error
        self._on_end = on_end
        self._ready: deque[Chunk] = deque()
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._at_work = threading.Lock()
        self._cancelled = False
        self._end: StreamStatus | None = None
        self.over = threading.Event()

    @property
    def status(self) -> StreamStatus:
        """How it stands."""
        return self._end or self._described("running", None)

    def next_chunk(self) -> Chunk | None:
        """The next chunk, waiting for it; None once the stream is over, see `status`."""
        with self._at_work:
            while not self._ready and self._end is None:
                self._step()
            return self._ready.popleft() if self._ready and not self._cancelled else None

    def deliver(self, callback: Callable[[Chunk], object]) -> None:
        """Gives every chunk to a function, up to the end; one that raises ends the stream."""
        while (chunk := self.next_chunk()) is not None:
            try:
                callback(chunk)
            except Exception:
                _log.exception("the callback of %s failed", self.id, extra=self._about)
                self._source.close()
                with self._at_work:
                    self._conclude("failed", Ended(StageFailed("callback")))

    def cancel(self) -> bool:
        """Ends it, unless it is over; True if it was not."""
        if self._end is not None:
            return False
        self._cancelled = True
        self._source.close()
        if self._at_work.acquire(blocking=False):  # else whoever is inside wakes up, and sees it
            try:
                self._conclude("cancelled", Ended())
            finally:
                self._at_work.release()
        return True

    def _step(self) -> None:
        """Takes one batch; concludes where it was the last one, whatever ended it."""
        try:
            batch = next(self._batches, None)
        except StageError as error:
            self._conclude("failed", Ended(error))
        except BaseException as bug:
            self._conclude("failed", Ended(InternalError()))
            if not isinstance(bug, Exception):
                raise
            _log.exception("the stream %s failed", self.id, extra=self._about)
        else:
            if batch is not None:
                self._note(batch)
            elif self._cancelled:
                self._conclude("cancelled", Ended())
            else:
                ended = self._source.ended or Ended(InternalError())
                self._conclude("completed" if ended.error is None else "failed", ended)

    def _note(self, batch: Batch) -> None:
        for event in batch:
            if isinstance(event, Chunk):
                self._ready.append(event)
            elif isinstance(event, Finish):
                self._finish = event.reason
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, AnswerInfo):
                self._model = event.model or self._model

    def _conclude(self, state: StreamState, ended: Ended) -> None:
        """Says how it ended, to everybody who wants to know, once."""
        if self._end is not None:
            return
        self._source.close()
        self._end = self._described(state, ended.error)
        self._pipeline.finish(state)
        if ended.error is not None and self._on_error is not None:
            self._tell(self._on_error, ended)
        _log.debug("the stream %s is %s: %s", self.id, state, ended.error or "no error", extra=self._about)
        self._on_end(self._end)
        self.over.set()

    def _tell(self, on_error: OnError, ended: Ended) -> None:
        try:
            on_error(ended.status, ended.body or _words(ended.error))
        except Exception:
            _log.exception("on_error of %s failed", self.id, extra=self._about)

    def _described(self, state: StreamState, error: CortexError | None) -> StreamStatus:
        passage = self._pipeline.passage
        return StreamStatus(
            id=self.id,
            provider=self.provider,
            state=state,
            metrics=passage.meter.snapshot(state),
            finish=self._finish,
            usage=self._usage,
            model=self._model,
            error=error,
            rejections=dict(passage.rejections),
            recoveries=self._source.recoveries,
        )

    @property
    def _about(self) -> dict[str, str]:
        return {"stream_id": self.id, "provider": self.provider}


def _words(error: CortexError | None) -> str:
    return "" if error is None else error.details or error.title
