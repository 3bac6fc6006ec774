"""Embeddings as OpenAI and its family have them; and what every dialect needs to know of a request for them.

The wire:  POST {base_url}/embeddings; inputs as texts or as tokens, vectors as numbers or as base64.

Imports:     json_body, lenient, openai_stream (the counts); chat, errors.
Imported by: openai_compatible, mistral; the other dialects that make embeddings, for `only_texts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cortex_actors.chat import EmbeddingsRequest, Usage
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.json_body import said
from cortex_actors.providers.lenient import as_object, count_in, list_in, object_in
from cortex_actors.providers.openai_stream import usage_in


def embeddings_fields(request: EmbeddingsRequest, *, model: str) -> dict[str, Any]:
    """The fields of the body; only what the caller said is there."""
    return said(
        model=model,
        input=list(request.inputs),
        dimensions=request.dimensions,
        encoding_format="base64" if request.base64 else None,
        user=request.user,
    )


def embeddings_in(payload: Any) -> tuple[Sequence[Any], Usage | None]:
    """The vectors by their index, which some servers leave out, and the counts."""
    entries = [as_object(entry) for entry in list_in(payload, "data")]
    places = enumerate(entries)
    in_order = sorted(places, key=lambda place: (count_in(place[1], "index") or 0, place[0]))
    counts = object_in(payload, "usage")
    return [entry.get("embedding") for _, entry in in_order], usage_in(counts)


def only_texts(request: EmbeddingsRequest) -> list[str]:
    """The inputs, for a dialect that takes no tokens."""
    for index, given in enumerate(request.inputs):
        if not isinstance(given, str):
            raise InvalidRequest("This provider takes texts and no tokens.", field=f"input[{index}]")
    return [given for given in request.inputs if isinstance(given, str)]
