"""The shape all decoders share."""

from __future__ import annotations

import pytest

from cortex_actors.streaming.decoder import StreamDecoder
from cortex_actors.streaming.errors import LineTooLarge


class Counter(StreamDecoder[int]):
    """Gives each byte's value and fails at a zero."""

    def _feed(self, data: bytes, values: list[int]) -> None:
        for byte in data:
            if not byte:
                raise LineTooLarge(0)
            values.append(byte)


def test_the_values_before_a_mistake_come_first_and_the_error_with_the_next_call() -> None:
    decoder = Counter()
    assert decoder.decode(b"\1\2\0\3") == [1, 2]
    with pytest.raises(LineTooLarge):
        decoder.decode(b"\4")


def test_a_mistake_with_nothing_before_it_is_raised_at_once() -> None:
    with pytest.raises(LineTooLarge):
        Counter().decode(b"\0\1")


def test_a_failed_decoder_says_so_for_ever() -> None:
    decoder = Counter()
    decoder.decode(b"\1\0")
    for data in (b"\1", b"", b"\2"):
        with pytest.raises(LineTooLarge):
            decoder.decode(data)
    with pytest.raises(LineTooLarge):
        decoder.flush()


def test_by_default_the_end_of_the_body_adds_nothing() -> None:
    decoder = Counter()
    decoder.decode(b"\1")
    assert decoder.flush() == []
