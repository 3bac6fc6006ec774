"""The shape all decoders share: bytes cut anywhere go in, whole values come out, in order.

A decoder does no I/O, belongs to one stream, and is used by one thread at a time. What it returns depends
on the bytes alone, never on where they were cut; that includes the point at which it fails.

Imports:  errors of this package.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from cortex_actors.streaming.errors import StreamFormatError

Value = TypeVar("Value")


class StreamDecoder(ABC, Generic[Value]):
    """Turns the bytes of one stream into values; a subclass says how in `_feed` and `_finish`.

    The values before a mistake are handed out first: the error is raised by the call that has nothing else
    to return, and by every call after it.

    >>> class Shout(StreamDecoder[str]):
    ...     def _feed(self, data, values):
    ...         values.append(data.decode().upper())
    >>> Shout().decode(b"hello")
    ['HELLO']
    """

    def __init__(self) -> None:
        self._failure: StreamFormatError | None = None

    def decode(self, data: bytes) -> list[Value]:
        """The values that `data` completes; raises StreamFormatError when the stream cannot go on."""
        if self._failure is not None:
            raise self._failure
        values: list[Value] = []
        try:
            self._feed(data, values)
        except StreamFormatError as failure:
            self._failure = failure
            if not values:
                raise
        return values

    def flush(self) -> list[Value]:
        """What the end of the body completes; call it once, after the last `decode`."""
        if self._failure is not None:
            raise self._failure
        return self._finish()

    @abstractmethod
    def _feed(self, data: bytes, values: list[Value]) -> None:
        """Appends what `data` completes to `values`, so that it survives a failure behind it."""

    def _finish(self) -> list[Value]:
        return []
