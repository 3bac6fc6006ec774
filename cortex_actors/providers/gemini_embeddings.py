"""Embeddings as Gemini makes them.

The wire:  POST {base_url}/v1beta/models/{model}:batchEmbedContents; one small request a text up, one vector
           each down. Tokens are not counted for us.

Imports:     json_body, lenient, openai_embeddings (`only_texts`); chat.
Imported by: gemini.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import EmbeddingsRequest, Usage
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import list_in, object_in
from cortex_actors.providers.openai_embeddings import only_texts


def embeddings_body(request: EmbeddingsRequest, *, model_path: str) -> dict[str, Any]:
    """The whole body; every part of the batch names the model again."""
    return {
        "requests": [
            said(
                model=model_path,
                content={"parts": [{"text": text}]},
                outputDimensionality=request.dimensions,
            )
            for text in only_texts(request)
        ]
    }


def embeddings_in(payload: Any) -> tuple[Sequence[Any], Usage | None]:
    """The vectors."""
    return [object_in(entry).get("values") for entry in list_in(payload, "embeddings")], None
