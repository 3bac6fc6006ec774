"""Between a fast provider and a slow reader: what waits is bounded, nobody else waits, nothing is late."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import pytest

from cortex_actors.chat import AnswerEvent, Chunk, Usage
from cortex_actors.dispatch.channel import EVENT_OVERHEAD, Channel, Window
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import TruncatedStream
from cortex_actors.settings import Limits, RetrySettings, ServerSettings
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, Plant, events, eventually, provider, read, read_until, text_of
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream, sse_stream

#: Bytes that may wait for one reader.
WINDOW = 64 * 1024

#: What one read from a socket may add, in bytes of text and of overhead, before a worker looks at its window.
ONE_READ = 4 * 64 * 1024

#: More than all the buffers of two loopback sockets hold.
LONG_ANSWER = ["x" * 1000] * 20_000


@pytest.fixture
def plant(start: Start, upstream: ScriptedUpstream) -> Plant:
    return start(provider("one", upstream.url), server=ServerSettings(caller_check=0.02, window_bytes=WINDOW))


def _window(dispatcher: Dispatcher) -> Window:
    assert dispatcher.attempt is not None
    return dispatcher.attempt.window


def test_what_waits_for_a_slow_reader_is_bounded_and_the_provider_goes_on_when_he_does(
    plant: Plant, upstream: ScriptedUpstream
) -> None:  # 49
    upstream.default = openai_stream(LONG_ANSWER)
    dispatcher = plant.open()
    window = _window(dispatcher)
    eventually(lambda: window.full)
    assert window.fill <= WINDOW + ONE_READ
    assert not upstream.request().answered.is_set()
    for _ in range(20):
        assert dispatcher.next_batch()
        assert window.fill <= WINDOW + ONE_READ
    assert not upstream.request().answered.is_set()
    read(dispatcher)
    assert plant.end_names == [EndName.COMPLETE]
    assert window.fill == 0


def test_a_slow_reader_misses_nothing(plant: Plant, upstream: ScriptedUpstream) -> None:
    words = [f"{number} " for number in range(20_000)]
    upstream.default = openai_stream(words)
    dispatcher = plant.open()
    window = _window(dispatcher)
    text = ""
    while (batch := dispatcher.next_batch()) is not None:
        text += text_of(batch)
        eventually(lambda: window.full or upstream.request().answered.is_set())
    assert text == "".join(words)


def test_a_window_of_many_small_pieces_loses_none(start: Start, upstream: ScriptedUpstream) -> None:
    pieces = 4000  # four times what a mailbox holds by default
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    plant = start(
        provider("one", upstream.url), server=ServerSettings(window_bytes=pieces * EVENT_OVERHEAD * 2)
    )
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    channel = Channel(dispatcher.ref, 1, _window(dispatcher))
    assert all(channel.deliver([Chunk(f"{number} ")]) for number in range(pieces))
    text = "".join(f"{number} " for number in range(pieces))
    assert read_until(dispatcher, text[-8:]) == text
    dispatcher.close()


def test_one_write_is_never_larger_than_a_window(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    channel = Channel(dispatcher.ref, 1, Window(10 * WINDOW))  # credit for more than the reader gave
    for _ in range(100):
        channel.deliver([Chunk("x" * 4096)])
    while (batch := dispatcher.next_batch()) is not None and batch:
        assert len(text_of(batch)) <= WINDOW
        if dispatcher.mailbox.depth == 0:
            break
    dispatcher.close()


@pytest.mark.parametrize("window", [1, 300, WINDOW])
def test_a_small_window_slows_an_answer_and_does_not_stop_it(
    start: Start, upstream: ScriptedUpstream, window: int
) -> None:
    limited = {"X-RateLimit-Remaining-Requests": "59"}  # told before anything else
    upstream.default = replace(openai_stream(["Ho", "la", "!"] * 100, usage=(9, 300)), headers=limited)
    plant = start(provider("one", upstream.url), server=ServerSettings(window_bytes=window))
    assert read(plant.open()) == "Hola!" * 100
    assert plant.end_names == [EndName.COMPLETE]


def test_what_comes_before_the_first_content_does_not_pile_up(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    counts = [{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": n}} for n in range(5000)]
    answer = [event.decode().removeprefix("data: ").strip() for event in openai_stream(["Ho", "la"]).events]
    upstream.default = sse_stream(*counts, *answer)
    dispatcher = plant.open()
    found = events(dispatcher)
    assert text_of(found) == "Hola"
    assert Usage(9, 4999) in found
    assert len(found) < 1000


def test_one_stuck_reader_slows_nobody_else(plant: Plant, upstream: ScriptedUpstream) -> None:  # 50
    upstream.enqueue(openai_stream(LONG_ANSWER))
    upstream.default = openai_stream(["Ho", "la"])
    stuck = plant.open()
    eventually(lambda: _window(stuck).full)
    with ThreadPoolExecutor(10) as threads:
        answers = [threads.submit(lambda: read(plant.open())) for _ in range(50)]
        assert [answer.result(LIMIT) for answer in answers] == ["Hola"] * 50
    assert stuck.end is None
    stuck.close()
    assert upstream.request().closed.wait(LIMIT)


def test_a_caller_that_leaves_frees_a_provider_that_waits_for_room(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(LONG_ANSWER)
    dispatcher = plant.open()
    eventually(lambda: _window(dispatcher).full)
    dispatcher.close()
    eventually(lambda: plant.workers("one") == [])
    assert upstream.request().closed.wait(LIMIT)


# -- fences


@pytest.fixture
def retried(start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Plant:
    """A plant whose first provider is given up for the second."""
    upstream.default = [Hang()]
    spare.default = openai_stream(["Ho", "la"]).pause(1, Gate(threading.Event()))
    limits = Limits(connect=LIMIT, first_token=0.2, idle=LIMIT, total=2 * LIMIT)
    one = provider("one", upstream.url, priority=1, limits=limits)
    return start(one, provider("two", spare.url, priority=2))


def test_what_a_fenced_attempt_still_says_is_dropped(
    retried: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:  # 51
    windows: list[Window] = []

    class Noted(Window):
        def __init__(self, limit: int) -> None:
            super().__init__(limit)
            windows.append(self)

    monkeypatch.setattr("cortex_actors.dispatch.attempts.Window", Noted)
    dispatcher = retried.open()
    assert [window.fenced for window in windows] == [True, False]
    late = Channel(dispatcher.ref, 1, windows[0])
    assert not late.deliver([Chunk("late")])
    late.fail(TruncatedStream())
    assert read_until(dispatcher, "Ho") == "Ho"
    assert dispatcher.mailbox.depth == 0
    dispatcher.close()


def test_what_was_under_way_when_its_attempt_was_fenced_is_dropped(retried: Plant) -> None:  # 51
    dispatcher = retried.open()
    overtaken = Channel(dispatcher.ref, 1, Window(WINDOW))  # its fence has not been seen yet
    overtaken.deliver([Chunk("late")])
    overtaken.fail(TruncatedStream())
    overtaken.finish()
    assert read_until(dispatcher, "Ho") == "Ho"
    running = Channel(dispatcher.ref, 2, _window(dispatcher))
    running.deliver([Chunk("la")])
    overtaken.deliver([Chunk("later")])
    running.deliver([Chunk("!")])
    assert read_until(dispatcher, "!") == "la!"
    assert dispatcher.end is None
    dispatcher.close()


def test_what_a_fenced_attempt_still_says_does_not_shorten_a_pause(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(json_answer(503), openai_stream(["Ho", "la"]))
    plant = start(provider("one", upstream.url), retry=RetrySettings(backoff=2.0, backoff_max=2.0))
    dispatcher = plant.dispatcher(random=Random(2))  # draws a pause of 1.9 s
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(dispatcher.open)
        eventually(lambda: len(dispatcher.attempts) == 1)
        late: list[AnswerEvent] = [Chunk("late")]
        Channel(dispatcher.ref, 1, Window(WINDOW)).deliver(late)
        opening.result(LIMIT)
    assert read(dispatcher) == "Hola"
    first, second = upstream.requests
    assert second.arrived - first.arrived >= 1.0
