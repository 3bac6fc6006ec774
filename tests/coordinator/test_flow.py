"""Flow control: who takes slowly slows the provider down, and holds a bounded part of the answer (E-14)."""

from __future__ import annotations

import itertools
import threading
import time

from cortex_actors.chat import Chunk
from cortex_actors.coordinator import Coordinator
from cortex_actors.coordinator.channel import EVENT_OVERHEAD, Channel, Ended
from tests.coordinator.asked import chat, eventually
from tests.coordinator.conftest import LIMIT
from tests.upstream import RecordedRequest, ScriptedUpstream, openai_stream

PIECE = "x" * 20_000
PIECES = 2_000


def _at_rest(request: RecordedRequest) -> int:
    """What the provider could send, once it can send no more for now."""
    sent = -1
    while sent != request.sent:
        sent = request.sent
        time.sleep(0.2)
    return sent


def test_a_slow_reader_slows_the_provider_and_loses_nothing(
    coordinator: Coordinator, upstream: ScriptedUpstream
) -> None:
    whole = openai_stream([PIECE] * PIECES)
    upstream.default = whole
    stream = chat(coordinator, upstream, window_bytes=100_000)
    assert next(stream).text == PIECE
    request = upstream.request(0)
    sent = _at_rest(request)
    assert sent < len(whole.body) / 4, "the provider had to wait"
    assert not request.answered.is_set()
    rest = [chunk.text for chunk in stream if chunk.text]
    assert rest == [PIECE] * (PIECES - 1)
    assert request.answered.wait(LIMIT)


def test_a_slow_callback_slows_the_provider_too(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    whole = openai_stream([PIECE] * PIECES)
    upstream.default = whole
    go_on, got = threading.Event(), itertools.count()

    def slow(chunk: Chunk) -> None:
        go_on.wait(LIMIT)
        next(got)

    stream = chat(coordinator, upstream, window_bytes=100_000, callback=slow)
    assert _at_rest(upstream.request(0)) < len(whole.body) / 4
    go_on.set()
    assert stream.wait(LIMIT).state == "completed"
    assert next(got) >= PIECES


def test_stages_hold_no_more_than_their_bounds(coordinator: Coordinator, upstream: ScriptedUpstream) -> None:
    whole = openai_stream([PIECE] * PIECES)
    upstream.default = whole
    stream = chat(coordinator, upstream, window_bytes=100_000, buffer_chunks=1_000_000)
    assert len(next(stream).text) < 5 * len(PIECE), "a buffer is bounded in characters too"
    assert _at_rest(upstream.request(0)) < len(whole.body) / 4
    stream.cancel()


def test_a_channel_holds_a_window_and_the_last_piece_over_it() -> None:
    channel = Channel(10_000, time.monotonic() + LIMIT)
    size = EVENT_OVERHEAD + 744
    producer = threading.Thread(target=lambda: [channel.put([Chunk("x" * 744)]) for _ in range(100)])
    producer.start()
    eventually(lambda: channel.peak >= 10_000)
    taken: list[Chunk] = []
    while len(taken) < 100:
        taken += [event for event in channel.take(LIMIT) if isinstance(event, Chunk)]  # type: ignore[union-attr]
    producer.join(LIMIT)
    assert channel.peak <= 10_000 + size


def test_a_channel_that_is_closed_keeps_nothing_and_frees_its_producer() -> None:
    channel = Channel(1, time.monotonic() + LIMIT)
    said: list[bool] = []
    producer = threading.Thread(target=lambda: said.append(channel.put([Chunk("x")])))
    producer.start()
    eventually(lambda: channel.peak > 0)
    channel.close()
    producer.join(LIMIT)
    assert said == [False]
    assert not channel.put([Chunk("y")])
    assert channel.take(0.0) == Ended()


def test_the_end_stands_behind_the_last_event() -> None:
    channel = Channel(10_000, time.monotonic() + LIMIT)
    channel.put([Chunk("x")])
    channel.finish(Ended(None, 200))
    assert channel.take(0.0) == (Chunk("x"),)
    assert channel.take(0.0) == Ended(None, 200)
    assert channel.take(0.0) == Ended(None, 200)


def test_nothing_is_nothing() -> None:
    assert Channel(10_000, time.monotonic() + LIMIT).take(0.0) == ()
