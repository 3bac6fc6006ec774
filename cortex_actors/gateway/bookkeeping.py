"""The books of requests: every stream is counted once and logged once, under the name of its end.

Runs on:   the request's own thread, at the end of its stream.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cortex_actors.dispatch.messages import AttemptRecord, Caller, EndName, StreamEnd
from cortex_actors.errors import CortexError, GatewayDraining
from cortex_actors.metrics import Metrics

_log = logging.getLogger(__name__)

#: What went well has its line in the access log already.
_QUIET = (EndName.COMPLETE, EndName.RECOVERED, EndName.CLIENT_GONE)


class Bookkeeper:
    """Counts and logs how requests end."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def of_stream(self, stream_id: str, caller: Caller) -> Callable[[StreamEnd], None]:
        """What a dispatcher calls when this stream is over."""

        def enter(end: StreamEnd) -> None:
            self._metrics.stream_ended(end.provider, end.name, end.duration, end.ttft)
            _log.log(
                logging.DEBUG if end.name in _QUIET else logging.WARNING,
                "stream ended as %s after %.0f ms: %s",
                end.name,
                end.duration * 1000,
                _story(end.attempts) or "nothing was tried",
                extra={"stream_id": stream_id, "request_id": caller.request_id},
            )

        return enter

    def refused(self, error: CortexError) -> CortexError:
        """Counts a request that no dispatcher was started for."""
        name = EndName.SHUTDOWN if isinstance(error, GatewayDraining) else EndName.SHED
        self._metrics.stream_ended(None, name, 0.0, None)
        return error


def _story(attempts: tuple[AttemptRecord, ...]) -> str:
    """What was tried, in order: `groq-primary 503 upstream_failure 12 ms, then ...`."""
    return ", then ".join(
        f"{attempt.provider} {attempt.status or ''} {attempt.outcome} {attempt.milliseconds} ms".replace(
            "  ", " "
        )
        for attempt in attempts
    )
