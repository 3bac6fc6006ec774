"""Ways to cut the bytes of a stream, and what a decoder makes of the pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import StreamFormatError

#: Where a stream is cut, as fractions of its length, so that any list fits any stream.
cuts = st.lists(st.floats(0, 1), max_size=12)


def every(size: int, stream: bytes) -> Iterator[bytes]:
    """Pieces of `size` bytes."""
    return (stream[start : start + size] for start in range(0, len(stream), size))


def at(offsets: Iterable[int], stream: bytes) -> list[bytes]:
    """The pieces between `offsets`; some may be empty."""
    edges = [0, *sorted(offsets), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def at_fractions(fractions: Iterable[float], stream: bytes) -> list[bytes]:
    """The pieces between these fractions of the length."""
    return at((int(fraction * len(stream)) for fraction in fractions), stream)


@dataclass(frozen=True)
class Outcome:
    """All that came out of a decoder, and the error that ended it, if one did."""

    values: list[Any]
    failure: StreamFormatError | None = None


def outcome(decoder: StreamDecoder[Any], pieces: Iterable[bytes]) -> Outcome:
    """Feeds `pieces` and flushes."""
    values: list[Any] = []
    try:
        for piece in pieces:
            values += decoder.decode(piece)
        values += decoder.flush()
    except StreamFormatError as failure:
        return Outcome(values, failure)
    return Outcome(values)


def decoded(decoder: StreamDecoder[Any], pieces: Iterable[bytes]) -> list[Any]:
    """All values of a stream that keeps to its format."""
    result = outcome(decoder, pieces)
    assert result.failure is None
    return result.values
