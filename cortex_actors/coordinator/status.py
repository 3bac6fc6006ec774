"""What is known of a stream, while it runs and after it; safe to show and to keep.

Imports:   chat, errors, streaming (the metrics).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cortex_actors.chat import FinishReason, Usage
from cortex_actors.errors import CortexError
from cortex_actors.streaming.meter import StreamMetrics, StreamState


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream at one moment; once `state` is not "running" it changes no more."""

    id: str
    provider: str
    state: StreamState
    metrics: StreamMetrics
    #: The provider's own reason to stop; None where it gave none, and never made up.
    finish: FinishReason | None = None
    #: Token counts, where the provider gave some.
    usage: Usage | None = None
    #: The model that answers, as the provider calls it.
    model: str | None = None
    #: Why it failed; None unless it did.
    error: CortexError | None = None
    #: How many pieces each stage took out or replaced.
    rejections: Mapping[str, int] = field(default_factory=dict)
    #: How often another attempt went on where one had failed.
    recoveries: int = 0
