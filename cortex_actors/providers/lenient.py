"""Reads a provider's JSON without trusting its shape: the wrong type reads as "nothing there".

A provider may send null, a string or a list where its documentation promises an object. An adapter must
not fail on that, and must not be half checks: with these readers `object_in(event, "delta", "message")` is
one line and never raises.

Imports:     nothing of the package.
Imported by: the dialects.
"""

from __future__ import annotations

import json
from typing import Any


def parsed(data: str | bytes) -> Any:
    """The JSON value in `data`, or None if it is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def object_in(value: Any, *path: str) -> dict[str, Any]:
    """The object at the end of a path of keys, or an empty one."""
    for key in path:
        value = as_object(value).get(key)
    return as_object(value)


def list_in(value: Any, *path: str) -> list[Any]:
    """The list at the end of a path of keys, or an empty one."""
    found = object_in(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, list) else []


def text_in(value: Any, *path: str) -> str:
    """The text at the end of a path of keys, or an empty one."""
    found = object_in(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def count_in(value: Any, *path: str) -> int | None:
    """The number at the end of a path of keys as a count, or None; Cohere counts tokens in floats."""
    found = object_in(value, *path[:-1]).get(path[-1])
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 2**53:
        return None
    return int(found)
