"""The walk that transforms and validations share: each chunk of each batch, one after the other.

A chunk's pieces of tool calls are taken off before a function sees it, and follow what the function gave:
half a call can be neither judged nor replaced, and without it the rest would be a lie. A chunk that is
nothing else goes by.

Imports:  pipeline; chat, errors.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from cortex_actors.chat import AnswerEvent, Chunk
from cortex_actors.errors import StageError, StageFailed
from cortex_actors.streaming.pipeline import Batch, Passage, Run

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: What becomes of one chunk: itself, another, or None for nothing. May raise a StageError.
Treat = Callable[[Chunk, Passage], Chunk | None]


def each_chunk(treat: Treat) -> Run:
    """A stage that treats chunks one by one, and everything else not at all."""

    def run(batches: Iterator[Batch], passage: Passage) -> Iterator[Batch]:
        for batch in batches:
            kept: list[AnswerEvent] = []
            for event in batch:
                try:
                    kept += _treated(event, treat, passage)
                except StageError:
                    if kept:
                        yield tuple(kept)  # what came before the chunk that ends the stream
                    raise
            yield tuple(kept)

    return run


def call_user(stage: str, function: Callable[[Chunk], T], chunk: Chunk) -> T:
    """What a user's function says of a chunk. Raises StageFailed when it raises anything."""
    try:
        return function(chunk)
    except Exception as bug:
        _log.exception("the stage %s failed", stage)
        raise StageFailed(stage) from bug


def _treated(event: AnswerEvent, treat: Treat, passage: Passage) -> tuple[AnswerEvent, ...]:
    if not isinstance(event, Chunk):
        return (event,)
    calls = event.tool_calls
    if not calls:
        treated = treat(event, passage)
        return () if treated is None else (treated,)
    if not event.text and not event.reasoning:
        return (event,)
    treated = treat(replace(event, tool_calls=()), passage)
    return (Chunk(tool_calls=calls),) if treated is None else (treated, Chunk(tool_calls=calls))
