"""What a refusal says of itself: the code in its JSON, under `/api` or as OpenAI has it."""

from __future__ import annotations

import json

#: Codes are counted by name, so one that is none must not make a name of its own.
_LONGEST = 40


def refusal_code(body: bytes) -> str:
    """The code in the body of an error; "" where there is none.

    >>> refusal_code(b'{"error": "Busy", "code": "gateway_busy"}')
    'gateway_busy'
    >>> refusal_code(b'{"error": {"message": "No", "type": "invalid_request_error", "code": null}}')
    'invalid_request_error'
    >>> refusal_code(b"<html>")
    ''
    """
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    told = found.get("error") if isinstance(found, dict) else None
    if isinstance(told, dict):
        return str(told.get("code") or told.get("type") or "")[:_LONGEST]
    return str(found.get("code") or "")[:_LONGEST] if isinstance(found, dict) else ""
