"""A staged stream: what a dispatcher gives, behind the stages that its answer passes.

It is what the front end iterates in the place of the bare batches, and only where a stage is configured. One
that ends the answer ends the dispatcher, under its own error; signs of life go out whatever the stages hold.

Runs on:   the request's own thread, as the dispatcher does; `finish` on any.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from cortex_actors.chat import AnswerEvent, Chunk, Recovered
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import Caller, EndName, StreamEnd
from cortex_actors.dispatch.staging import Asked
from cortex_actors.errors import StageError
from cortex_actors.settings import ServerSettings
from cortex_actors.streaming.meter import Meter, StreamState
from cortex_actors.streaming.pipeline import Batch, Passage, Pipeline, Stage

_log = logging.getLogger(__name__)


class Staged:
    """The batches of one stream behind its stages: an iterator, which may be left and taken up again.

    () is a sign of life, due when nothing went out for as long as a heartbeat, whatever the stages hold.
    """

    def __init__(
        self,
        stream_id: str,
        dispatcher: Dispatcher,
        stages: tuple[Stage, ...],
        caller: Caller,
        server: ServerSettings,
    ) -> None:
        self._dispatcher = dispatcher
        self._caller = caller
        self._server = server
        self._sent = self._looked = time.monotonic()
        self._attempt = dispatcher.attempt
        self._received_before = 0
        #: Characters that came in and went out, and how many had come in before each seam.
        self._came = self._went = 0
        self._seams: deque[int] = deque()
        provider = self._attempt.provider.name if self._attempt else ""
        meter = Meter(stream_id, provider, started=dispatcher.started, bytes_received=self._received)
        self._passage = Passage(meter)
        self._pipeline = Pipeline(stages, self._passage)
        self._running = self._batches()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return next(self._running)

    def finish(self) -> None:
        """Tells the stages how the stream ended, once it has; whatever they held is gone then."""
        end = self._dispatcher.end
        if end is None:
            return
        self._pipeline.finish(_state(end))
        while self._passage.rejections:
            name, pieces = self._passage.rejections.popitem()
            _log.info("the stage %s took out %d pieces of one answer", name, pieces)

    def _batches(self) -> Iterator[Batch]:
        try:
            for batch in self._pipeline.run(self._source()):
                now = time.monotonic()
                if batch or now >= self._sent + self._server.heartbeat:
                    self._sent = self._looked = now
                    yield self._placed(batch)
                elif now >= self._looked + self._server.caller_check:
                    # The dispatcher looks only while nothing comes; here it comes, and is held back.
                    self._looked = now
                    if self._caller.gone():
                        self._dispatcher.close()
        except StageError as error:
            self._dispatcher.fail(error)
        self.finish()

    def _source(self) -> Iterator[Batch]:
        alarm = self._passage.alarm
        while True:
            alarm.by(self._sent + self._server.heartbeat)
            batch = self._dispatcher.next_batch(alarm.take())
            if batch is None:
                return
            self._received()
            for event in batch:
                if isinstance(event, Chunk):
                    self._came += len(event.text)
                elif isinstance(event, Recovered):
                    self._seams.append(self._came)
            yield batch

    def _placed(self, batch: Batch) -> Batch:
        """The batch with each seam at its place in the text that the caller has."""
        placed: list[AnswerEvent] = []
        for event in batch:
            if isinstance(event, Chunk):
                self._went += len(event.text)
            elif isinstance(event, Recovered):
                event = replace(event, offset=event.offset - self._seams.popleft() + self._went)
            placed.append(event)
        return tuple(placed)

    def _received(self) -> int:
        """Bytes of the answer so far, from all who had a part in it."""
        attempt, before = self._dispatcher.attempt, self._attempt
        if attempt is not before:
            self._received_before += before.window.received if before else 0
            self._attempt = attempt
        return self._received_before + (attempt.window.received if attempt else 0)


def staged(
    stream_id: str, dispatcher: Dispatcher, asked: Asked, caller: Caller, server: ServerSettings
) -> Staged | None:
    """The stream of a dispatcher that has its first content in hand; None where its answer passes nothing."""
    attempt = dispatcher.attempt
    stages = asked.of(attempt.provider.name) if attempt is not None else ()
    return Staged(stream_id, dispatcher, stages, caller, server) if stages else None


def _state(end: StreamEnd) -> StreamState:
    if end.name in (EndName.COMPLETE, EndName.RECOVERED):
        return "completed"
    return "cancelled" if end.error is None else "failed"
