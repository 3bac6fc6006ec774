"""A JSON array item by item, while it is still being written: how Gemini streams without SSE.

The scanner follows only strings and brackets, far enough to see where an item ends; what is inside is for
the JSON parser. It looks at every byte once. All marks it looks for are ASCII, which UTF-8 never uses inside
a longer character, so that it may work on bytes cut anywhere.

Imports:  decoder, errors and json_value of this package.
"""

from __future__ import annotations

import re
from typing import Any

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import ItemTooLarge, Undecodable
from cortex_actors.streaming.json_value import parse_or_mark

#: What one item may weigh unless said otherwise, in bytes.
DEFAULT_MAX_ITEM = 16 * 1024 * 1024

_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_MARK = re.compile(rb'["{}\[\],]')
#: The rest of a string, and what it stops at: its quote, a backslash at the end of the data, or the end.
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+(["\\]?)', re.DOTALL)


class JSONArrayDecoder(StreamDecoder[Any]):
    """The items of an array, each as soon as it is whole; a number or a literal when its comma has come.

    A body that is no array but one value, such as an error object, gives that value. An item that is not
    JSON gives an `Undecodable`; a missing or doubled comma is forgiven. An item cut by the end of the body is
    dropped, and `complete` says so.

    >>> decoder = JSONArrayDecoder()
    >>> decoder.decode(b'[{"text": "a"},\\n {"te'), decoder.decode(b'xt": "]"}\\n')
    ([{'text': 'a'}], [{'text': ']'}])
    >>> decoder.complete, decoder.decode(b"]"), decoder.complete
    (False, [], True)
    """

    def __init__(self, max_item: int = DEFAULT_MAX_ITEM) -> None:
        super().__init__()
        self._max_item = max_item
        self._in_array = False
        self._value_closed = False
        self._item = bytearray()
        self._in_item = False
        #: The item began with a bracket, and ends with the one that closes it.
        self._bracketed = False
        self._depth = 0
        self._in_string = False
        #: A backslash was the last byte of the piece before.
        self._escaped = False

    @property
    def complete(self) -> bool:
        """True when the array, or the value in its place, was closed and nothing has begun since."""
        return self._value_closed and not self._in_array and not self._in_item

    def _feed(self, data: bytes, values: list[Any]) -> None:
        position = 0
        while position < len(data):
            if not self._in_item:
                position = self._find_item(data, position)
                continue
            end = self._find_end(data, position)
            self._item += data[position:end]
            if len(self._item) > self._max_item:
                raise ItemTooLarge(self._max_item)
            if end is None:
                return
            values.append(self._take_item())
            position = end

    def _find_item(self, data: bytes, position: int) -> int:
        """Reads one mark between items; returns the position after it, or that of an item's first byte."""
        match = _NOT_SPACE.search(data, position)
        if match is None:
            return len(data)
        mark = match[0]
        if mark == b"[" and not self._in_array:
            self._in_array = True
        elif mark == b"]" and self._in_array:
            self._in_array = False
            self._value_closed = True
        elif mark != b"," or not self._in_array:
            self._in_item = True
            self._bracketed = mark in (b"{", b"[")
            return match.start()
        return match.end()

    def _find_end(self, data: bytes, position: int) -> int | None:
        """The position after the item that is being read, or None when its end is not in `data`."""
        while True:
            if self._in_string:
                position = self._skip_string(data, position)
            match = _MARK.search(data, position)
            if match is None:
                return None
            mark, position = match[0], match.end()
            if mark == b'"':
                self._in_string = True
            elif mark in (b"{", b"["):
                self._depth += 1
            elif self._depth and mark != b",":
                self._depth -= 1
                if not self._depth and self._bracketed:
                    return position
            elif not self._depth and self._in_array and mark != b"}":
                return match.start()

    def _skip_string(self, data: bytes, position: int) -> int:
        """The position after the string that is being read, or the end of `data` when it goes on."""
        if self._escaped and position < len(data):
            position += 1
            self._escaped = False
        match = _STRING_REST.match(data, position)
        assert match is not None, "the pattern matches the empty string"
        position = match.end()
        self._in_string = match[1] != b'"'
        self._escaped = match[1] == b"\\"
        return position

    def _take_item(self) -> Any:
        text = self._item.decode("utf-8", "replace")
        self._item.clear()
        self._in_item = False
        self._value_closed = self._value_closed or not self._in_array
        return parse_or_mark(text)

    def _finish(self) -> list[Any]:
        """A bare number, literal or other text has no end of its own but that of the body."""
        if not self._in_item or self._in_array or self._bracketed:
            return []
        value = self._take_item()
        self._value_closed = not isinstance(value, Undecodable)
        return [value]
