"""The vectors that the mock provider makes of texts: short, of length one, the same for the same text.

They mean nothing, but a program that stores and compares vectors can be tried with them.

Imports:     json_body of this package.
Imported by: mock.
"""

from __future__ import annotations

import base64
import json
import math
from array import array
from collections.abc import Mapping
from random import Random
from typing import Any

from cortex_actors.providers.json_body import encoded

#: Numbers in a vector unless the caller says otherwise, and the most there may be.
_USUAL, _MOST = 8, 4096


def embeddings_body(asked: Mapping[str, Any]) -> bytes:
    """The answer to a request for embeddings, as OpenAI writes it."""
    inputs = asked["input"]
    length = min(asked.get("dimensions") or _USUAL, _MOST)
    vectors = [_vector(text, length) for text in inputs]
    tokens = sum(len(text.split()) if isinstance(text, str) else len(text) for text in inputs)
    as_text = asked.get("encoding_format") == "base64"
    return encoded(
        {
            "object": "list",
            "model": asked["model"],
            "data": [
                {"object": "embedding", "index": index, "embedding": _base64(vector) if as_text else vector}
                for index, vector in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _vector(text: Any, length: int) -> list[float]:
    random = Random(json.dumps(text))
    numbers = [random.uniform(-1.0, 1.0) for _ in range(length)]
    size = math.hypot(*numbers) or 1.0
    return [round(number / size, 7) for number in numbers]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode("ascii")
