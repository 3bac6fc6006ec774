"""Refusals: an answer that is no success becomes a typed error that carries all it said.

Imports:  attempt, errors and the manifest's model and codec of this package; the providers' Retry-After.
"""

from __future__ import annotations

import time
from typing import Any

from cortex_actors.client.attempt import Attempt
from cortex_actors.client.errors import StatusError, class_of
from cortex_actors.client.manifest.codec import Codec
from cortex_actors.client.manifest.mistakes import printable
from cortex_actors.client.manifest.model import Endpoint, ErrorType
from cortex_actors.providers.retry_after import retry_after
from cortex_actors.streaming import NotJSON, parse_json

#: Statuses that are worth another attempt though their class is not.
_RETRIABLE = frozenset({408})
#: Where servers put the sentence that says what is wrong, inside `error` or beside it.
_SENTENCES = ("message", "details", "detail", "error_description", "title", "error")
_LONGEST = 500


def refusal(attempt: Attempt, endpoint: Endpoint, codec: Codec) -> StatusError:
    """The error for what the server said instead of a 2xx."""
    body = attempt.read_refusal()
    data = _parsed(body)
    message = _one_line(_sentence(data) or body.decode("utf-8", "replace"))
    status, headers = attempt.status, attempt.headers
    error = class_of(status)(status, message, headers=headers, body=body, data=data, endpoint=endpoint.id)
    error.retry_after = retry_after(headers, delay="", message=message, now=time.time())
    error.retriable = error.retriable or status in _RETRIABLE
    known = _known(endpoint, status)
    if known is not None:
        _name(error, known, codec)
    wish = headers.get("x-should-retry", "").lower()
    if wish in ("true", "false"):
        error.retriable = wish == "true"
    return error


def _known(endpoint: Endpoint, status: int) -> ErrorType | None:
    """What the manifest says of this status; one status is told before its class."""
    covering = [each for each in endpoint.error_types if each.covers(status)]
    return min(covering, key=lambda each: each.status != str(status), default=None)


def _name(error: StatusError, known: ErrorType, codec: Codec) -> None:
    error.error_type = known.name
    if known.retryable is not None:
        error.retriable = known.retryable
    if known.type is not None and error.data is not None:
        error.data, _ = codec.decode(error.data, known.type)


def _one_line(text: str) -> str:
    """The beginning of it, with nothing that could steer a terminal."""
    return printable(" ".join(text[: 2 * _LONGEST].split()))[:_LONGEST]


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body.decode("utf-8-sig", "replace")) if body else None
    except NotJSON:
        return None


def _sentence(data: Any) -> str:
    """What is wrong, in the server's words."""
    while isinstance(data, dict):
        said = [data[key] for key in _SENTENCES if data.get(key)]
        inner = data.get("error")
        data = inner if isinstance(inner, dict) else (said[0] if said else "")
    return data if isinstance(data, str) else ""
