"""The account of one request: what is told of it when it is over, and of its beginning before that.

Runs on:   the request's own thread, as a part of its dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable

from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.attempts import Attempts
from cortex_actors.dispatch.messages import EndName, StreamEnd
from cortex_actors.dispatch.recovery import Recovery
from cortex_actors.errors import CortexError


class Account:
    """When one request began to be answered, and by whom it was to its end."""

    def __init__(
        self, attempts: Attempts, recovery: Recovery, started: float, clock: Callable[[], float]
    ) -> None:
        self._attempts = attempts
        self._recovery = recovery
        self._clock = clock
        self._started = started
        #: When the attempt began that the answer began with, and when it did so.
        self.first_attempt: float | None = None
        self.first_content: float | None = None

    @property
    def overhead(self) -> float:
        """The time before the attempt that the answer began with, in seconds."""
        return 0.0 if self.first_attempt is None else self.first_attempt - self._started

    def answered(self) -> None:
        """The answer begins with what the current attempt has in hand."""
        attempt = self._attempts.current
        assert attempt is not None
        self.first_attempt, self.first_content = attempt.started, attempt.first_content

    def end(self, name: EndName, error: CortexError | None, running: Attempt | None) -> StreamEnd:
        """The end of the stream; `running` is the attempt that it ended with, where one ran."""
        attempt = self._recovery.blamed or self._attempts.current
        records = tuple(self._attempts.records)
        if error is not None:
            error.attempts = records
        first_content = self.first_content
        if first_content is None and attempt is not None:
            first_content = attempt.first_content
        # Recovery knows the tokens of attempts that broke off.
        counted = running if self._recovery.going_on else attempt
        return StreamEnd(
            name=name,
            error=error,
            finish=attempt.finish if attempt and error is None else None,
            usage=self._recovery.total(counted.usage if counted else None),
            provider=attempt.provider.name if attempt else None,
            model=attempt.model if attempt else None,
            attempts=records,
            ttft=None if first_content is None else first_content - self._started,
            duration=self._clock() - self._started,
            recoveries=tuple(self._recovery.records),
        )
