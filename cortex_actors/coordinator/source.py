"""The source of a stream: its attempts, one after another, as batches for the pipeline.

It gives what has come, or an empty batch when a stage asked for a sign of life, and it keeps the limits: the
first piece of the answer, the time between two, the whole stream. Where an attempt failed and recovery is
wanted, another one goes on, and what it repeats is left out. It never raises: how the stream ended stands in
`ended`, so that what the stages hold goes out first.

Runs on:   the thread of whoever takes the answer; `close` on any.

Imports:   channel, joint, reading, recovery and targets of this package; chat, errors, settings (the
           limits), streaming.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from cortex_actors.chat import AnswerEvent, Chunk, Finish
from cortex_actors.coordinator.channel import Channel, Ended
from cortex_actors.coordinator.joint import Joint
from cortex_actors.coordinator.reading import Attempt, Intake
from cortex_actors.coordinator.recovery import Recovery
from cortex_actors.coordinator.targets import Target
from cortex_actors.errors import CortexError, MalformedStream, UpstreamTimeout
from cortex_actors.settings import Limits
from cortex_actors.streaming.pipeline import Alarm, Batch

_log = logging.getLogger(__name__)

#: How long usage and the end of the body may take once the provider gave its reason to stop, in seconds.
_TAIL = 2.0


class Source:
    """The batches of one stream."""

    def __init__(
        self,
        target: Target,
        limits: Limits,
        window_bytes: int,
        stream_id: str,
        recovery: Recovery | None = None,
    ) -> None:
        self.intake = Intake()
        #: How the stream ended; None while it runs, and where nobody waited for it.
        self.ended: Ended | None = None
        self._limits = limits
        self._window_bytes = window_bytes
        self._stream_id = stream_id
        self._recovery = recovery
        self._started = time.monotonic()
        self._joint = Joint()
        self._first_failure: Ended | None = None
        #: When the next attempt begins, while none runs.
        self._resume_at: float | None = None
        self._closed = threading.Event()
        self._begin(target)

    @property
    def recoveries(self) -> int:
        """How often another attempt went on."""
        return 0 if self._recovery is None else self._recovery.retries

    def batches(self, alarm: Alarm) -> Iterator[Batch]:
        """What comes, up to the end."""
        while self.ended is None:
            if self._resume_at is not None:
                yield self._rested(min(self._resume_at, alarm.take()))
                continue
            deadline = self._deadline()
            taken = self._channel.take(min(deadline, alarm.take()) - time.monotonic())
            if isinstance(taken, Ended):
                yield self._tail(taken)
            elif taken:
                yield self._passed(taken)
            elif time.monotonic() >= deadline:
                self._attempt.cancel()
                yield self._tail(Ended(self._too_late()))
            else:
                yield ()

    def close(self) -> None:
        """Lets go of the provider, and frees whoever waits here or there; any thread, any number of times."""
        self._closed.set()
        self._let_go()

    def _let_go(self) -> None:
        self._channel.close()
        self._attempt.cancel()

    def _begin(self, target: Target) -> None:
        self._whole = False
        self._began = time.monotonic()
        #: When the answer last went on: content came, or the reason to stop.
        self._progress: float | None = None
        self._channel = Channel(self._window_bytes, self._started + self._limits.total)
        self._attempt = Attempt(target, self._channel, self.intake, self._limits)
        if self._closed.is_set():  # meanwhile
            self._let_go()
        name = f"{self._stream_id} reader"
        threading.Thread(target=self._attempt.run, name=name, daemon=True).start()

    def _passed(self, batch: Batch) -> Batch:
        """What of these events is new."""
        passed: list[AnswerEvent] = []
        for event in batch:
            passed += self._joint.add(event)
            if self._joint.diverged:
                self._let_go()
                self._fail(_another_answer())
                break
            if isinstance(event, Finish) or (
                isinstance(event, Chunk) and (event.text or event.reasoning or event.tool_calls)
            ):
                self._progress = time.monotonic()
            self._whole = self._whole or isinstance(event, Finish)
        return tuple(passed)

    # -- the end of an attempt

    def _tail(self, ended: Ended) -> Batch:
        """What the end of an attempt lets go; the stream is over with it, or another attempt follows."""
        if ended.error is not None and not self._whole:
            self._fail(ended)
            return ()
        rest = self._joint.rest()
        if self._joint.diverged:
            self._fail(_another_answer())
            return ()
        self.ended = Ended()
        return rest

    def _fail(self, ended: Ended) -> None:
        """The attempt came to nothing: another one follows, or the first failure is told."""
        self._first_failure = self._first_failure or ended
        pause = None
        if self._recovery is not None and not self._joint.called_tools:
            pause = self._recovery.pause(ended.error)
        if pause is None or time.monotonic() + pause >= self._started + self._limits.total:
            self.ended = self._first_failure
        else:
            self._resume_at = time.monotonic() + pause

    def _rested(self, until: float) -> Batch:
        """Waits; when it was long enough, another attempt begins."""
        assert self._recovery is not None
        assert self._resume_at is not None
        if self._closed.wait(max(0.0, until - time.monotonic())):
            self.ended = Ended()
        elif time.monotonic() >= self._resume_at:
            self._resume_at = None
            try:
                target, seam = self._recovery.go_on(self._joint.said)
            except CortexError:  # the dialect cannot ask for a rest
                self.ended = self._first_failure
                return ()
            _log.debug("the stream %s goes on, attempt %d", self._stream_id, self.recoveries + 1)
            self._joint.begin(seam)
            self._begin(target)
        return ()

    # -- limits

    def _deadline(self) -> float:
        """When what is waited for now must have come."""
        total = self._started + self._limits.total
        if self._progress is None:
            return min(total, self._began + self._limits.first_token)
        return min(total, self._progress + (_TAIL if self._whole else self._limits.idle))

    def _too_late(self) -> CortexError:
        if time.monotonic() >= self._started + self._limits.total:
            return UpstreamTimeout("total", self._limits.total)
        if self._progress is None:
            return UpstreamTimeout("first_token", self._limits.first_token)
        return UpstreamTimeout("idle", self._limits.idle)


def _another_answer() -> Ended:
    return Ended(MalformedStream("The continuation does not fit what was said before."))
