"""Transform: a function of the user's makes one chunk of another, or leaves it out.

Imports:  each_chunk of this package; pipeline; chat, errors.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from cortex_actors.chat import Chunk
from cortex_actors.errors import StageFailed
from cortex_actors.streaming.pipeline import Passage, Stage
from cortex_actors.streaming.stages.each_chunk import call_user, each_chunk


class Skip(Enum):
    """The type of SKIP."""

    SKIP = "skip"


#: What a transform returns for a chunk that nobody is to see.
SKIP: Final = Skip.SKIP

Transform = Callable[[Chunk], Chunk | Skip]


def transform(function: Transform, *, name: str = "transform") -> Stage:
    """Passes each chunk through a function, which returns it, another chunk, or SKIP.

    Whatever else it returns or raises ends the stream as StageFailed.
    """

    def treat(chunk: Chunk, passage: Passage) -> Chunk | None:
        made = call_user(name, function, chunk)
        if made is SKIP:
            return None
        if isinstance(made, Chunk) and isinstance(made.text, str) and isinstance(made.reasoning, str):
            return made
        raise StageFailed(name, f"returned {type(made).__name__} and not a Chunk of text or SKIP")

    return Stage(name, "transform", each_chunk(treat))
