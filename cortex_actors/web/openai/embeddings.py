"""Embeddings: their body becomes an `EmbeddingsRequest`, and vectors become the form that was asked for.

input      a text, a list of texts, the tokens of a text, a list of such
vectors    numbers, or base64 of little-endian 32-bit floats; made here where the provider has the other form
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from collections.abc import Mapping
from typing import Any

from cortex_actors.chat import EmbeddingsRequest
from cortex_actors.dispatch.models import AUTO
from cortex_actors.dispatch.stream import Embeddings
from cortex_actors.errors import MalformedStream
from cortex_actors.web.fields import Fields
from cortex_actors.web.openai.destinations import refuse_destinations
from cortex_actors.web.openai.parsing import candidates
from cortex_actors.web.parsing import request_limits
from cortex_actors.web.payloads import Payload

_KNOWN = frozenset(
    {"input", "model", "models", "fallbacks", "provider", "limits", "dimensions", "encoding_format", "user"}
)

_MOST_INPUTS = 2048
_MOST_DIMENSIONS = 65_536

Input = str | tuple[int, ...]


def parse_embeddings(body: Mapping[str, Any]) -> EmbeddingsRequest:
    """Reads the whole body."""
    fields = Fields(body)
    model, *fallbacks = candidates(fields)
    if AUTO in (model, *fallbacks):
        raise fields.refuse("model", "must name a model: vectors of different models have nothing in common")
    encoding = "float"
    if body.get("encoding_format") is not None:
        encoding = fields.word("encoding_format", ("float", "base64"))
    unknown = fields.unknown(_KNOWN)
    refuse_destinations(fields, unknown)
    return EmbeddingsRequest(
        inputs=_inputs(fields),
        model=model,
        provider=fields.name("provider"),
        fallbacks=tuple(fallbacks),
        dimensions=fields.integer("dimensions", least=1, most=_MOST_DIMENSIONS),
        base64=encoding == "base64",
        user=fields.name("user"),
        limits=request_limits(fields.child("limits")),
        extra={name: body[name] for name in unknown if body[name] is not None},
    )


def embeddings_payload(made: Embeddings, asked: EmbeddingsRequest) -> Payload:
    """The whole answer; counts are 0 where the provider gives none, as clients insist on numbers."""
    form = _as_base64 if asked.base64 else _as_numbers
    tokens = made.end.usage.prompt_tokens if made.end.usage else 0
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": form(vector)}
            for index, vector in enumerate(made.values)
        ],
        "model": made.head.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _inputs(fields: Fields) -> tuple[Input, ...]:
    given = fields.values.get("input")
    if given is None:
        raise fields.refuse("input", "is missing")
    if isinstance(given, str) or _are_tokens(given):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_INPUTS:
        raise fields.refuse("input", f"must be a string or a list of 1 to {_MOST_INPUTS} strings")
    return tuple(_input(fields, index, item) for index, item in enumerate(given))


def _input(fields: Fields, index: int, item: Any) -> Input:
    if isinstance(item, str) and item:
        return item
    if _are_tokens(item):
        return tuple(item)
    raise fields.refuse(f"input[{index}]", "must be a string or a list of token numbers, not empty")


def _are_tokens(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(type(item) is int and item >= 0 for item in given)


def _as_numbers(vector: tuple[float, ...] | str) -> list[float]:
    if not isinstance(vector, str):
        return list(vector)
    try:
        numbers = array("f", base64.b64decode(vector, validate=True))
    except (binascii.Error, ValueError) as error:
        raise MalformedStream("The provider's vectors are not base64 of 32-bit numbers.") from error
    return _little_endian(numbers).tolist()


def _as_base64(vector: tuple[float, ...] | str) -> str:
    if isinstance(vector, str):
        return vector
    return base64.b64encode(_little_endian(array("f", vector)).tobytes()).decode("ascii")


def _little_endian(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
