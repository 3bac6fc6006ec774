"""Embeddings as Cohere makes them.

The wire:  POST {base_url}/v2/embed; texts up, vectors by their type down.

The models want to know what the texts are for: `input_type`, from the caller if it says so, else from the
configuration. A text that is too long is an error and not cut: the vector of its first half is not its
vector.

Imports:     json_body, lenient, openai_embeddings (`only_texts`); chat.
Imported by: cohere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import EmbeddingsRequest, Usage
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import count_in, list_in, object_in
from cortex_actors.providers.openai_embeddings import only_texts

#: The field of the OpenAI surface's `extra` that is carried here.
INPUT_TYPE = "input_type"


def embeddings_body(request: EmbeddingsRequest, *, model: str, usual_input_type: str) -> dict[str, Any]:
    """The whole body."""
    return said(
        model=model,
        texts=only_texts(request),
        input_type=request.extra.get(INPUT_TYPE, usual_input_type),
        embedding_types=["float"],
        output_dimension=request.dimensions,
        truncate="NONE",
    )


def embeddings_in(payload: Any) -> tuple[Sequence[Any], Usage | None]:
    """The vectors, and the tokens that are billed; others are not told."""
    count = count_in(object_in(payload, "meta", "billed_units"), "input_tokens")
    usage = None if count is None else Usage(prompt_tokens=count)
    return list_in(payload, "embeddings", "float"), usage
