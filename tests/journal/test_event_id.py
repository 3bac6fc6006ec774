"""Event ids: what was made here is read again, and nothing else is."""

from __future__ import annotations

import pytest

from cortex_actors.journal.event_id import EventId, is_stream_id, parse_event_id

STREAM = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "place", [EventId(STREAM, 0), EventId(STREAM, 41), EventId(STREAM, 999_999_999), EventId(STREAM, 7, 3)]
)
def test_an_id_comes_back_as_it_was_sent(place: EventId) -> None:
    assert parse_event_id(str(place)) == place


def test_an_id_of_the_first_instance_is_the_stream_and_a_number() -> None:
    assert str(EventId(STREAM, 41)) == f"{STREAM}:41"


@pytest.mark.parametrize(
    "text",
    [
        "", "$", "0-0", "41", STREAM, f"{STREAM}:", f"{STREAM}:-1", f"{STREAM}:+1", f"{STREAM}:01",
        f"{STREAM}:1.0", f"{STREAM}:1.1", f"{STREAM}:1.02", f"{STREAM}:1e3", f"{STREAM}:٣",
        f"{STREAM}:1234567890", f"{STREAM}:1\n", f" {STREAM}:1", f"{STREAM.upper()}:1", f"{STREAM}0:1",
        f"{STREAM}:1\r\nX: y", f"{STREAM}:1\x00", "x" * 100_000,
    ],
)  # fmt: skip
def test_what_was_not_made_here_is_no_id(text: str) -> None:
    assert parse_event_id(text) is None


@pytest.mark.parametrize("text", ["", "..", "x" * 32, STREAM[:-1], f"{STREAM}/", f"{STREAM}\n"])
def test_what_is_no_stream_id(text: str) -> None:
    assert not is_stream_id(text)


def test_what_is_one() -> None:
    assert is_stream_id(STREAM)
