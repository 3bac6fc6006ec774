"""Validate: a function of the user's looks at each chunk and says what is wrong with it, or None.

    stop       the stream ends as ContentRejected; what came before has been delivered
    drop       the chunk is left out, and counted
    replace    another text stands in its place, and it is counted

The default is to stop: a hole in an answer that nobody hears of is a lie.

Imports:  each_chunk of this package; pipeline; chat, errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from cortex_actors.chat import Chunk
from cortex_actors.errors import ContentRejected, StageFailed
from cortex_actors.streaming.pipeline import Passage, Stage
from cortex_actors.streaming.stages.each_chunk import call_user, each_chunk

Policy = Literal["stop", "drop", "replace"]

#: What is wrong with a chunk; None for nothing.
Validate = Callable[[Chunk], str | None]


def validate(
    function: Validate, *, name: str = "validate", policy: Policy = "stop", replacement: str = ""
) -> Stage:
    """Passes chunks that the function finds nothing wrong with; the policy says what becomes of others."""

    def treat(chunk: Chunk, passage: Passage) -> Chunk | None:
        wrong = call_user(name, function, chunk)
        if wrong is None:
            return chunk
        if not isinstance(wrong, str):
            raise StageFailed(name, f"returned {type(wrong).__name__} and not None or what is wrong")
        if policy == "stop":
            raise ContentRejected(name, wrong)
        passage.note_rejection(name)
        return _in_its_place(chunk, replacement) if policy == "replace" else None

    return Stage(name, "validate", each_chunk(treat))


def _in_its_place(chunk: Chunk, replacement: str) -> Chunk:
    """A chunk that says something else, and nothing of what the first one said."""
    if chunk.reasoning and not chunk.text:
        return replace(chunk, reasoning=replacement, logprobs=None)
    return replace(chunk, text=replacement, reasoning="", logprobs=None)
