"""Groq: OpenAI's API, very fast.

Different from the family: token counts and late errors come inside `x_groq`, and status 498 means that the
flexible tier is full (`failures` knows that one).

It makes no embeddings, and refuses to say how likely its tokens were.

Imports:     openai_compatible, options; adapter, lenient.
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import object_in
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import Option


class GroqAdapter(OpenAICompatibleAdapter):
    """Groq's API."""

    type = "groq"
    carries_logprobs = False
    extra_capabilities = ("ultra_fast", "llm_specialized")
    option_table: ClassVar[Mapping[str, Option]] = {
        name: option
        for name, option in OpenAICompatibleAdapter.option_table.items()
        if name != "embeddings_path"
    }

    def read_chunk(self, data: Mapping[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        """Moves what is inside `x_groq` to where the family has it."""
        own = object_in(data, "x_groq")
        moved = {field: own[field] for field in ("error", "usage") if own.get(field) and not data.get(field)}
        return super().read_chunk({**data, **moved} if moved else data, state)
