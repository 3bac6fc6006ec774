"""Payloads as bodies: JSON, multipart or raw bytes.

Imports:  multipart of this package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cortex_actors.client.manifest.model import Endpoint
from cortex_actors.client.multipart import multipart


class Unwritable(ValueError):
    """When a payload cannot be written the way its endpoint wants it."""


def write_body(payload: Any, endpoint: Endpoint) -> tuple[bytes | None, str | None]:
    """The body and its content type; raises Unwritable.

    >>> write_body({"a": 1}, Endpoint(id="e", method="POST", path="/"))
    (b'{"a":1}', 'application/json')
    """
    if payload is None:
        return None, None
    body, kind = _WRITERS[endpoint.body_type](payload)
    return body, (endpoint.content_type or kind if endpoint.body_type != "multipart" else kind)


def _json(payload: Any) -> tuple[bytes, str]:
    try:
        # ASCII by design: a lone half of a character is valid there, and in UTF-8 it is not.
        text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unwritable(f"the payload cannot be written as JSON: {error}") from error
    return text.encode(), "application/json"


def _multipart(payload: Any) -> tuple[bytes, str]:
    if not isinstance(payload, Mapping):
        raise Unwritable("a multipart payload must be an object of fields")
    return multipart(payload)


def _raw(payload: Any) -> tuple[bytes, str]:
    if isinstance(payload, str):
        return payload.encode(), "text/plain; charset=utf-8"
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload), "application/octet-stream"
    raise Unwritable("a raw payload must be a text or bytes")


_WRITERS = {"json": _json, "multipart": _multipart, "raw": _raw}
