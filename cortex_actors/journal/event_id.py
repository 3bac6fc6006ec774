"""Event ids: where in which stream a client is.

    7f3c...:41        event 41 of the stream 7f3c...
    7f3c...:42.2      event 42, written by the second instance that ran the stream

The number of the instance, the epoch, is there so that events which the first one gave away just before it
died, and which nobody else knows, are not mistaken for those that the second one wrote in their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: 128 bits that nobody can guess.
_STREAM = r"[0-9a-f]{32}"
_EVENT = re.compile(rf"({_STREAM}):(0|[1-9][0-9]{{0,8}})(?:\.([2-9]|[1-9][0-9]{{1,5}}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventId:
    """The place after an event; number 0 is the place before the first."""

    stream: str
    number: int
    epoch: int = 1

    def __str__(self) -> str:
        return event_id(self.stream, self.number, self.epoch)


def event_id(stream: str, number: int, epoch: int) -> str:
    """The id of an event as clients see it."""
    return f"{stream}:{number}" if epoch == 1 else f"{stream}:{number}.{epoch}"


def parse_event_id(text: str) -> EventId | None:
    """What a client sent back, or None when it was not made here.

    >>> parse_event_id("0123456789abcdef0123456789abcdef:7")
    EventId(stream='0123456789abcdef0123456789abcdef', number=7, epoch=1)
    >>> parse_event_id("$") is None
    True
    """
    found = _EVENT.fullmatch(text)
    return EventId(found[1], int(found[2]), int(found[3] or 1)) if found else None


def is_stream_id(text: str) -> bool:
    """Whether this can be the id of a stream."""
    return re.fullmatch(_STREAM, text) is not None
