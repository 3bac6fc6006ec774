"""Groq: OpenAI's API, very fast.

Different from the family: token counts and late errors come inside `x_groq`, and status 498 means that the
flexible tier is full (`failures` knows that one).

Imports:     openai_compatible; adapter, lenient.
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_actors.providers.adapter import ParsedEvent, StreamState
from cortex_actors.providers.lenient import object_in
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter


class GroqAdapter(OpenAICompatibleAdapter):
    """Groq's API."""

    type = "groq"
    extra_capabilities = ("ultra_fast", "llm_specialized")

    def read_chunk(self, data: Mapping[str, Any], state: StreamState) -> Sequence[ParsedEvent]:
        """Moves what is inside `x_groq` to where the family has it."""
        own = object_in(data, "x_groq")
        moved = {field: own[field] for field in ("error", "usage") if own.get(field) and not data.get(field)}
        return super().read_chunk({**data, **moved} if moved else data, state)
