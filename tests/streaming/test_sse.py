"""The event-stream decoder beyond the vectors: any cut, limits, comments, and what a reconnect needs."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.streaming.errors import EventTooLarge
from cortex_actors.streaming.sse import ServerSentEvent, SSEDecoder
from tests.streaming.cutting import Outcome, at_fractions, cuts, every, outcome

#: What streams are made of, the awkward parts included, and bytes that mean nothing.
PARTS = [
    *(b"data", b"event", b"id", b"retry", b"other", b":", b": ", b" ", b"7", b"42", b"text", b"\0"),
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"data: x\n\n", b'data: {"a": 1}\n\n', b"event: e\n"),
    *(b"id: 1\n", b"id: 2\n", b"retry: 3\n", b"data: y\n", b": comment\n"),
    *("é€😀".encode(), b"\xef\xbb\xbf", b"\xe2\x82", b"\xff", "\u2028\x85".encode()),
]
parts = st.sampled_from(PARTS) | st.binary(max_size=3)
streams = st.lists(parts, max_size=40).map(b"".join)
#: Streams that are cut where servers cut them: between lines and events rather than inside.
pieces_of_streams = st.lists(st.lists(parts, max_size=6).map(b"".join), max_size=8)


@dataclass
class Told:
    """All that a decoder, or the standard, says about a stream."""

    events: list[ServerSentEvent] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    retry: int | None = None
    failed: bool = False


def told_by_decoder(pieces: list[bytes], max_event_bytes: int = 1000) -> Told:
    comments: list[str] = []
    decoder = SSEDecoder(max_event_bytes=max_event_bytes, on_comment=comments.append)
    result = outcome(decoder, pieces)
    return Told(result.values, comments, decoder.last_event_id, decoder.retry, result.failure is not None)


def told_by_the_standard(stream: bytes) -> Told:
    """HTML 9.2.6 word by word, for a stream that is there as a whole."""
    told = Told()
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unterminated = re.split("\r\n|\r|\n", text)
    data, event, last_id, retry = "", "", "", None
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            told.last_event_id = last_id
            if data:
                told.events.append(ServerSentEvent(event or "message", data[:-1], last_id, retry))
            data, event, retry = "", "", None
        elif line.startswith(":"):
            told.comments.append(line[1:])
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            told.retry = retry = int(value)
    return told


@settings(deadline=None, max_examples=500)
@given(stream=streams, fractions=cuts)
def test_any_cut_of_any_stream_gives_what_the_standard_says(stream: bytes, fractions: list[float]) -> None:
    expected = told_by_the_standard(stream)
    assert told_by_decoder([stream]) == expected
    assert told_by_decoder(at_fractions(fractions, stream)) == expected
    assert told_by_decoder(list(every(1, stream))) == expected


@settings(deadline=None, max_examples=1000)
@given(pieces=pieces_of_streams, limit=st.integers(0, 40))
def test_pieces_that_end_with_an_event_give_what_the_standard_says(pieces: list[bytes], limit: int) -> None:
    pieces.insert(0, b"\n")
    stream = b"".join(pieces)
    assert told_by_decoder(pieces) == told_by_the_standard(stream)
    assert told_by_decoder(pieces, limit) == told_by_decoder([stream], limit)


@settings(deadline=None, max_examples=500)
@given(stream=streams, fractions=cuts, limit=st.integers(0, 40))
def test_a_limit_is_broken_at_the_same_event_at_any_cut(
    stream: bytes, fractions: list[float], limit: int
) -> None:
    expected = told_by_decoder([stream], limit)
    assert told_by_decoder(at_fractions(fractions, stream), limit) == expected
    assert told_by_decoder(list(every(1, stream)), limit) == expected


def test_a_new_decoder_knows_no_id_and_no_retry() -> None:
    decoder = SSEDecoder()
    assert (decoder.last_event_id, decoder.retry, decoder.flush()) == ("", None, [])


def test_a_bom_that_does_not_begin_the_stream_belongs_to_the_name_of_its_field() -> None:
    decoder = SSEDecoder()
    assert decoder.decode(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == [ServerSentEvent(data="a")]
    assert decoder.decode(b"\xef\xbb\xbfdata: c\n\n") == []


def test_a_piece_of_several_events_gives_them_all() -> None:
    decoder = SSEDecoder()
    decoder.decode(b"\n")
    for _ in range(2):
        events = decoder.decode(b"data: a\n\ndata: b\n\nevent: e\ndata: c\ndata: d\n\n")
        assert events == [
            ServerSentEvent(data="a"),
            ServerSentEvent(data="b"),
            ServerSentEvent(event="e", data="c\nd"),
        ]


def test_the_id_of_an_earlier_connection_stays_until_the_stream_changes_it() -> None:
    decoder = SSEDecoder(last_event_id="41")
    [first, second] = decoder.decode(b"data: a\n\nid: 42\ndata: b\n\n")
    assert (first.id, second.id, decoder.last_event_id) == ("41", "42", "42")


def test_an_id_counts_only_once_its_event_is_whole() -> None:
    decoder = SSEDecoder()
    decoder.decode(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert decoder.last_event_id == "1"
    decoder.decode(b"\n")
    assert decoder.last_event_id == "2"


def test_an_event_carries_only_the_retry_it_set_itself() -> None:
    decoder = SSEDecoder()
    events = decoder.decode(b"retry: 10\n\ndata: a\n\nretry: 20\ndata: b\n\n")
    assert [event.retry for event in events] == [None, 20]
    assert decoder.retry == 20


def test_a_retry_of_thousands_of_digits_is_ignored() -> None:
    decoder = SSEDecoder()
    [event] = decoder.decode(b"retry: " + b"9" * 10_000 + b"\ndata: a\n\n")
    assert (event.data, decoder.retry) == ("a", None)


@pytest.mark.parametrize("beginning", [b"x", b"data: z", b"id", b"\xef\xbb"])
def test_what_looks_like_a_whole_event_is_none_behind_the_beginning_of_a_line(beginning: bytes) -> None:
    for before in (b"", b"data: a\n\n", b"data: a\r\n\r\n", b"data: a\r\r"):
        decoder, pieces = SSEDecoder(), [beginning, b"data: x\n\n"]
        decoder.decode(before)
        told = told_by_the_standard(b"".join([before, *pieces])).events
        assert [event for piece in pieces for event in decoder.decode(piece)] == told[bool(before) :]


def test_an_empty_piece_changes_nothing() -> None:
    decoder = SSEDecoder()
    pieces = [b"", b"data: a\r", b"", b"\n\r", b"", b"\n", b"", b"data: b\n\n"]
    assert [event.data for piece in pieces for event in decoder.decode(piece)] == ["a", "b"]


def test_an_event_is_dispatched_at_its_blank_line_and_not_a_byte_later() -> None:
    for stream in (b"data: a\n\n", b"data: a\r\r", b"data: a\r\n\r"):
        decoder = SSEDecoder()
        for byte in every(1, stream[:-1]):
            assert decoder.decode(byte) == []
        assert decoder.decode(stream[-1:]) == [ServerSentEvent(data="a")]


def test_a_comment_is_told_at_the_end_of_its_line_even_inside_an_event() -> None:
    comments: list[str] = []
    decoder = SSEDecoder(on_comment=comments.append)
    decoder.decode(b"data: a\n\n: ping\n")
    assert comments == [" ping"]
    decoder.decode(b"data: b\n:\r")
    assert comments == [" ping", ""]
    assert decoder.decode(b"\n\n") == [ServerSentEvent(data="b")]


def test_comments_without_a_hook_are_passed_over() -> None:
    assert SSEDecoder().decode(b": OPENROUTER PROCESSING\n\ndata: a\n\n") == [ServerSentEvent(data="a")]


def test_comments_never_fill_the_limit_however_many_come_without_a_blank_line() -> None:
    decoder = SSEDecoder(max_event_bytes=20)
    for _ in range(100):
        decoder.decode(b": still here\n")
    assert decoder.decode(b"data: a\n\n") == [ServerSentEvent(data="a")]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100 + b"\n\n",
        b"data: " + b"x" * 100,
        b"data: xxxxxxxx\n" * 10 + b"\n",
        b": " + b"x" * 100 + b"\n",
    ],
    ids=["one-line", "no-line-end", "many-lines", "comment"],
)
def test_an_event_over_the_limit_is_an_error_that_names_the_limit(stream: bytes, size: int) -> None:
    result = outcome(SSEDecoder(max_event_bytes=64), every(size, stream))
    assert result.values == []
    assert isinstance(result.failure, EventTooLarge)
    assert result.failure.limit == 64
    assert "event" in str(result.failure)
    assert "64 bytes" in str(result.failure)


def test_a_piece_larger_than_the_limit_is_fine_when_its_events_are_small() -> None:
    decoder = SSEDecoder(max_event_bytes=10)
    assert len(decoder.decode(b"data: a\n\n" * 100)) == 100


def test_whole_events_before_one_over_the_limit_are_handed_out_before_the_error() -> None:
    decoder = SSEDecoder(max_event_bytes=16)
    good = b"data: good\n\n"
    assert decoder.decode(good + b"data: " + b"x" * 100 + b"\n\n" + good) == [ServerSentEvent(data="good")]
    for _ in range(2):
        with pytest.raises(EventTooLarge):
            decoder.decode(good)
    for nothing in (decoder.flush, lambda: decoder.decode(b"")):
        with pytest.raises(EventTooLarge):
            nothing()


def test_the_limit_holds_for_an_event_that_comes_whole_after_others() -> None:
    decoder = SSEDecoder(max_event_bytes=16)
    good = b"data: good\n\n"
    assert decoder.decode(good) == decoder.decode(good) == [ServerSentEvent(data="good")]
    for piece in (b"data: " + b"x" * 100 + b"\n\n", good):
        with pytest.raises(EventTooLarge):
            decoder.decode(piece)


def test_an_unfinished_event_weighs_no_more_in_memory_because_it_came_in_tiny_pieces() -> None:
    decoder = SSEDecoder()
    stream = b"data: " + b"x" * 1_000_000
    pieces = list(every(2, stream))
    tracemalloc.start()
    try:
        for piece in pieces:
            decoder.decode(bytes(bytearray(piece)))  # an object of its own, as from a socket
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10 * len(stream)
    assert decoder.decode(b"\n\n") == [ServerSentEvent(data="x" * 1_000_000)]


@pytest.mark.parametrize("limit", [1_000_000, 300_001])
def test_a_limit_holds_to_the_byte_for_an_event_of_many_pieces(limit: int) -> None:
    decoder = SSEDecoder(max_event_bytes=limit)
    for piece in every(100, b"data: " + b"x" * (limit - len(b"data: \n"))):
        assert decoder.decode(piece) == []
    [event] = decoder.decode(b"\n\n")
    assert len(event.data) == limit - len(b"data: \n")
    for piece in every(100, b"data: " + b"x" * (limit - len(b"data: "))):
        decoder.decode(piece)
    with pytest.raises(EventTooLarge):
        decoder.decode(b"x")


def test_a_long_event_under_the_limit_is_never_shortened() -> None:
    data = "x" * 100_000
    stream = f"data: {data}\ndata: {data}\n\n".encode()
    expected = Outcome([ServerSentEvent(data=f"{data}\n{data}")])
    assert outcome(SSEDecoder(max_event_bytes=len(stream)), every(4096, stream)) == expected
