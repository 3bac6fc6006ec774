"""What can be wrong with the bytes of a stream, whatever its format.

    StreamFormatError
    ├── TooLarge            carries `limit`, in bytes
    │   ├── EventTooLarge   one event of an event stream
    │   ├── LineTooLarge    one line
    │   └── ItemTooLarge    one item of a JSON array
    └── NotJSON             carries the bad text, cut to `EXCERPT` characters

A limit ends the stream: its decoder raises from then on. Bad JSON does not: a decoder puts an `Undecodable`
in its place and goes on. No message here repeats what a stream said.

Imports:  nothing of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

#: How much of a bad text is kept, in characters: enough to recognise it, too little to weigh.
EXCERPT = 1000


class StreamFormatError(Exception):
    """When the bytes of a stream are not what its format promises.

    >>> issubclass(EventTooLarge, StreamFormatError) and issubclass(NotJSON, StreamFormatError)
    True
    """


class TooLarge(StreamFormatError):
    """When one unit of a stream is larger than its reader is ready to hold; `limit` is in bytes.

    >>> TooLarge(1024)
    TooLarge('one part of the stream is larger than the limit of 1024 bytes')
    """

    unit: ClassVar[str] = "part"

    def __init__(self, limit: int) -> None:
        super().__init__(f"one {self.unit} of the stream is larger than the limit of {limit} bytes")
        self.limit = limit


class EventTooLarge(TooLarge):
    """When one server-sent event is over the limit.

    >>> EventTooLarge(1024).limit
    1024
    """

    unit = "event"


class LineTooLarge(TooLarge):
    """When one line is over the limit.

    >>> print(LineTooLarge(1024))
    one line of the stream is larger than the limit of 1024 bytes
    """

    unit = "line"


class ItemTooLarge(TooLarge):
    """When one item of a JSON array is over the limit.

    >>> print(ItemTooLarge(1024))
    one item of the stream is larger than the limit of 1024 bytes
    """

    unit = "item"


class NotJSON(StreamFormatError):
    """When a text is not JSON, or is nested too deeply to be read; `text` is its beginning.

    >>> error = NotJSON("{" * 5000)
    >>> print(error, len(error.text))
    a text of 5000 characters is not JSON 1000
    """

    def __init__(self, text: str) -> None:
        super().__init__(f"a text of {len(text)} characters is not JSON")
        self.text = text[:EXCERPT]


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Stands where a stream had bad JSON; the values around it are whole. `text` is its beginning.

    >>> from cortex_actors.streaming.ndjson import NDJSONDecoder
    >>> NDJSONDecoder().decode(b'{"a": 1}\\n{"a"\\n{"a": 3}\\n')
    [{'a': 1}, Undecodable(text='{"a"'), {'a': 3}]
    """

    text: str
