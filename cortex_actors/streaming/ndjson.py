"""NDJSON: one JSON value on each line, as Ollama sends it.

Imports:  decoder, json_value and lines of this package.
"""

from __future__ import annotations

from typing import Any

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.json_value import parse_or_mark
from cortex_actors.streaming.lines import DEFAULT_MAX_LINE, LineBuffer


class NDJSONDecoder(StreamDecoder[Any]):
    """Values, one a line; blank lines are passed over, the last line may lack its LF.

    Only LF ends a line, by design: a CR is white space to JSON, so CRLF needs nothing more. A line that is
    not JSON gives an `Undecodable`.

    >>> decoder = NDJSONDecoder()
    >>> decoder.decode(b'{"text": "a"}\\n{"te'), decoder.decode(b'xt": "b"}\\r\\n\\noops\\n42')
    ([{'text': 'a'}], [{'text': 'b'}, Undecodable(text='oops')])
    >>> decoder.flush()
    [42]
    """

    def __init__(self, max_line: int = DEFAULT_MAX_LINE) -> None:
        super().__init__()
        self._max_line = max_line
        self._buffer = LineBuffer()

    def _feed(self, data: bytes, values: list[Any]) -> None:
        for line in self._buffer.split(data, self._max_line):
            values += _value(line)

    def _finish(self) -> list[Any]:
        return _value(self._buffer.take())


def _value(line: bytes) -> list[Any]:
    """The value on `line`, or nothing if it is blank."""
    text = line.decode("utf-8", "replace").strip(" \t\r")
    return [parse_or_mark(text)] if text else []
