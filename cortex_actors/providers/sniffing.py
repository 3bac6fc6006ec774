"""Reads an answer by what it is, not by what its Content-Type says: servers get that header wrong.

    first byte { or [     JSON: one value a line, or one value as the whole body, however it is laid out
    anything else         an event stream

A server that ignores `stream` sends one JSON body; so does one that answers 200 with an error. Content-Type
decides one thing only: a body that says it is NDJSON is read line by line from the start.

Imports:     adapter (the decoder's shape); streaming.
Imported by: openai_compatible, native, ollama.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from cortex_actors.providers.adapter import Decoder
from cortex_actors.streaming.errors import TooLarge
from cortex_actors.streaming.ndjson import NDJSONDecoder
from cortex_actors.streaming.sse import SSEDecoder

#: What a body that is one JSON value may weigh, in bytes.
MAX_BODY = 16 * 1024 * 1024

#: Blank bytes and a byte order mark, which may stand before anything.
_BLANK = b" \t\r\n\xef\xbb\xbf"

_NDJSON_TYPES = ("ndjson", "jsonl", "json-lines", "json-seq", "stream+json")


class SniffingDecoder:
    """Chooses a decoder when the first byte that is not blank arrives."""

    def __init__(self, content_type: str = "") -> None:
        says_lines = any(word in content_type.lower() for word in _NDJSON_TYPES)
        self._chosen: Decoder | None = NDJSONDecoder() if says_lines else None

    def decode(self, data: bytes) -> Sequence[Any]:
        """The payloads that `data` completes."""
        if self._chosen is None:
            data = data.lstrip(_BLANK)
            if not data:
                return ()
            self._chosen = JSONBodyDecoder() if data.startswith((b"{", b"[")) else SSEDecoder()
        return self._chosen.decode(data)

    def flush(self) -> Sequence[Any]:
        """What the end of the body completes."""
        return self._chosen.flush() if self._chosen else ()


class JSONBodyDecoder:
    """JSON of unknown layout: NDJSON if the first line is a whole value, else one value over many lines.

    Which of the two is known at the end of the first line; until then, and for the second, it is kept whole.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._body = bytearray()
        self._lines = NDJSONDecoder()
        self._layout: Literal["unknown", "lines", "whole"] = "unknown"

    def decode(self, data: bytes) -> Sequence[Any]:
        """The values that `data` completes, where the body is NDJSON."""
        if self._layout == "lines":
            return self._lines.decode(data)
        self._body += data
        if len(self._body) > self._max_body:
            raise TooLarge(self._max_body)
        if self._layout == "whole" or b"\n" not in data:
            return ()
        first_line = self._body.partition(b"\n")[0]
        self._layout = "lines" if _is_json(first_line) else "whole"
        return self._lines.decode(bytes(self._body)) if self._layout == "lines" else ()

    def flush(self) -> Sequence[Any]:
        """The value that the whole body is; if it is none, what its lines are."""
        if self._layout == "lines":
            return self._lines.flush()
        if _is_json(self._body):
            value = json.loads(self._body)
            return value if isinstance(value, list) else (value,)
        return (*self._lines.decode(bytes(self._body)), *self._lines.flush())


def _is_json(text: bytes | bytearray) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
