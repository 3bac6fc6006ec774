"""Stages: what can be done to an answer while it passes. Pure: iterators of batches in, iterators out.

    measure(report)                 counts, and reports each second and once at the end
    transform(function)             a chunk becomes another, or SKIP
    validate(function)              a chunk passes, or its refusal is dropped, replaced, or ends the stream
    buffer(chunks, interval)        several chunks become one; the rest is never lost

    drop_empty()  timestamp()                           transforms that are there already
    max_chars(limit=...)  deny_patterns(patterns=...)   and validations

`cortex_actors.streaming.pipeline` puts them into their order; `catalog` makes them from settings.

May import:   chat, errors and the rest of this package. Imported by: dispatch, coordinator, gateway.
"""

from cortex_actors.streaming.stages.buffer import buffer
from cortex_actors.streaming.stages.deny_patterns import deny_patterns
from cortex_actors.streaming.stages.measure import measure
from cortex_actors.streaming.stages.ready_made import drop_empty, log_metrics, max_chars, timestamp
from cortex_actors.streaming.stages.transform import SKIP, Skip, Transform, transform
from cortex_actors.streaming.stages.validate import Policy, Validate, validate

__all__ = [
    "SKIP",
    "Policy",
    "Skip",
    "Transform",
    "Validate",
    "buffer",
    "deny_patterns",
    "drop_empty",
    "log_metrics",
    "max_chars",
    "measure",
    "timestamp",
    "transform",
    "validate",
]
