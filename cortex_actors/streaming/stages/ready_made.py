"""Stages that are there already, and ask for no code. `deny_patterns` has a file of its own.

Imports:  measure, transform and validate of this package; meter, pipeline; chat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

from cortex_actors.chat import Chunk
from cortex_actors.streaming.meter import StreamMetrics
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages.measure import EVERY, measure
from cortex_actors.streaming.stages.transform import SKIP, Skip, transform
from cortex_actors.streaming.stages.validate import Policy, validate

_log = logging.getLogger(__name__)


def drop_empty(*, name: str = "drop_empty") -> Stage:
    """Leaves out chunks that say nothing at all. A blank or a line break is text, and stays."""

    def without_empty(chunk: Chunk) -> Chunk | Skip:
        return chunk if chunk.text or chunk.reasoning or chunk.logprobs or chunk.metadata else SKIP

    return transform(without_empty, name=name)


def timestamp(
    *,
    key: str = "timestamp",
    name: str = "timestamp",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Stage:
    """Notes in the metadata of each chunk when it passed: ISO 8601, UTC, milliseconds."""

    def stamped(chunk: Chunk) -> Chunk:
        moment = now().isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        return replace(chunk, metadata={**(chunk.metadata or {}), key: moment})

    return transform(stamped, name=name)


def max_chars(
    *, limit: int, name: str = "max_chars", policy: Policy = "stop", replacement: str = ""
) -> Stage:
    """Refuses chunks of more than `limit` characters. Raises ValueError for a limit below 1."""
    if limit < 1:
        raise ValueError("limit must be at least 1")

    def not_too_large(chunk: Chunk) -> str | None:
        size = len(chunk.text) + len(chunk.reasoning)
        return f"a piece of {size} characters is too large." if size > limit else None

    return validate(not_too_large, name=name, policy=policy, replacement=replacement)


def log_metrics(*, every: float | None = EVERY, name: str = "log_metrics") -> Stage:
    """Writes metrics to the log, a line each time."""

    def write(metrics: StreamMetrics) -> None:
        figures = " ".join(f"{key}={value}" for key, value in asdict(metrics).items())
        _log.info("stream metrics: %s", figures)

    return measure(write, every=every, name=name)
