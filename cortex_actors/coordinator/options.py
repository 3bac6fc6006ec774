"""The options of a stream: every one of them does something, and any other is refused.

Imports:   errors, settings (the limits), streaming (the stages).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cortex_actors.errors import InvalidRequest
from cortex_actors.settings import Limits
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages import Policy, Transform, Validate, buffer, measure, transform, validate
from cortex_actors.streaming.stages.measure import EVERY, Report

#: Called with the HTTP status, None where there was none, and with what the provider said.
OnError = Callable[[int | None, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """How an answer is streamed. Times are seconds."""

    #: The time for the whole stream; `limits` says what it may take to connect, to begin, and between pieces.
    timeout: float = 300.0
    limits: Limits = field(default_factory=Limits)
    #: Reports each second; `on_metrics` alone is told once, at the end.
    track_metrics: bool = False
    on_metrics: Report | None = None
    transform_chunk: Transform | None = None
    validate_chunk: Validate | None = None
    #: What becomes of a chunk that `validate_chunk` objects to, and what may stand in its place.
    on_invalid: Policy = "stop"
    replacement: str = ""
    #: How many chunks go out as one, and how long the first of them may wait.
    buffer_chunks: int = 1
    buffer_interval: float | None = None
    #: Further stages, such as those of `cortex_actors.streaming.stages`.
    stages: tuple[Stage, ...] = ()
    on_error: OnError | None = None
    #: Whether a stream that fails goes on in another attempt, and how: `strategy`, `max_retries`.
    stream_recovery: bool = False
    recovery: Mapping[str, Any] | None = None
    #: A name of your own for the stream; left out, a new one.
    stream_id: str | None = None
    #: What may wait in memory for a reader that is slow, in bytes.
    window_bytes: int = 262_144

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise InvalidRequest("timeout must be a number of seconds above 0.", field="timeout")
        if self.buffer_chunks < 1:
            raise InvalidRequest("buffer_chunks must be at least 1.", field="buffer_chunks")
        if self.buffer_interval is not None and self.buffer_interval <= 0:
            raise InvalidRequest("buffer_interval must be above 0.", field="buffer_interval")
        if self.on_invalid not in ("stop", "drop", "replace"):
            raise InvalidRequest("on_invalid must be stop, drop or replace.", field="on_invalid")
        if self.window_bytes < 1:
            raise InvalidRequest("window_bytes must be at least 1.", field="window_bytes")

    @property
    def effective_limits(self) -> Limits:
        """The limits of one attempt, none of them longer than the whole stream may take."""
        inner = {
            name: min(getattr(self.limits, name), self.timeout) for name in ("connect", "first_token", "idle")
        }
        return replace(self.limits, **inner, total=self.timeout)

    def pipeline_stages(self) -> tuple[Stage, ...]:
        """The stages that these options amount to."""
        stages: list[Stage] = []
        if self.on_metrics is not None:
            every = EVERY if self.track_metrics else None
            stages.append(measure(self.on_metrics, every=every, name="on_metrics"))
        if self.transform_chunk is not None:
            stages.append(transform(self.transform_chunk, name="transform_chunk"))
        if self.validate_chunk is not None:
            stages.append(
                validate(
                    self.validate_chunk,
                    name="validate_chunk",
                    policy=self.on_invalid,
                    replacement=self.replacement,
                )
            )
        if self.buffer_chunks > 1:
            stages.append(buffer(self.buffer_chunks, self.buffer_interval, name="buffer_chunks"))
        return (*stages, *self.stages)
