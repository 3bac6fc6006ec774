"""A request body as bytes: defaults of the configuration below, what the request says on top.

Imports:     errors.
Imported by: every dialect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cortex_actors.errors import InvalidRequest


def encoded(body: Mapping[str, Any]) -> bytes:
    """The body as UTF-8 JSON; half of a surrogate pair, which is no text, becomes a question mark."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_plain)
    except ValueError:
        raise InvalidRequest("A number in the request is infinite or not a number.") from None
    except RecursionError:
        raise InvalidRequest("The request is nested too deeply.") from None
    return text.encode("utf-8", "replace")


def laid_over(defaults: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` on top of `defaults`, object by object."""
    merged = dict(defaults)
    for name, value in body.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = laid_over(below, value)
        else:
            merged[name] = value
    return merged


def said(**fields: Any) -> dict[str, Any]:
    """The fields that were said: None and empty ones are not sent."""
    return {name: value for name, value in fields.items() if value is not None and value != ()}


def _as_plain(value: Any) -> Any:
    """Read-only mappings are mappings too."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a request body")
