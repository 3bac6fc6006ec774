"""Embeddings as Ollama makes them.

The wire:  POST {base_url}/api/embed; a list of texts up, a list of vectors down.

A text that is too long is an error and not cut, by design: the vector of its first half is not its vector.

Imports:     json_body, lenient, openai_embeddings (`only_texts`); chat.
Imported by: ollama.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_actors.chat import EmbeddingsRequest, Usage
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import count_in, list_in
from cortex_actors.providers.openai_embeddings import only_texts


def embeddings_body(
    request: EmbeddingsRequest, *, model: str, options: Mapping[str, Any], keep_alive: Any
) -> dict[str, Any]:
    """The whole body; `options` and `keep_alive` are the configured ones."""
    return said(
        model=model,
        input=only_texts(request),
        truncate=False,
        dimensions=request.dimensions,
        options=options or None,
        keep_alive=keep_alive,
    )


def embeddings_in(payload: Any) -> tuple[Sequence[Any], Usage | None]:
    """The vectors, and how many tokens were read."""
    count = count_in(payload, "prompt_eval_count")
    return list_in(payload, "embeddings"), None if count is None else Usage(prompt_tokens=count)
