"""Resumable streams in one process: opened, found, bounded, cancelled, and always with an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.messages import Caller
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import EventsGone, GatewayBusy, NotFound, SettingsError, UpstreamFailure
from cortex_actors.gateway.resumable import Resumables
from cortex_actors.gateway.resumption import Opened
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.reader import Reader
from cortex_actors.settings import JournalSettings, ServerSettings, Settings
from tests.gateway.resumption import (
    HELLO,
    LONG,
    PlayedStream,
    PresentCaller,
    Step,
    asking,
    wait_until,
    waiting_for,
)

MUCH = 10**9
REQUEST = ChatRequest(())


class Upstream:
    """Opens the streams that a test has prepared."""

    def __init__(self) -> None:
        self.steps: Sequence[Step] = HELLO
        self.opened: list[PlayedStream] = []
        self.callers: list[Caller] = []
        self.error: Exception | None = None

    def __call__(self, request: ChatRequest, caller: Caller, *, delivered: str | None = None) -> Stream:
        self.callers.append(caller)
        if self.error is not None:
            raise self.error
        stream = PlayedStream(f"{len(self.opened) + 1:032x}", self.steps)
        self.opened.append(stream)
        return stream.stream


Make = Callable[..., Resumables]


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def make(upstream: Upstream) -> Iterator[Make]:
    made: list[Resumables] = []

    def make(window: int = 262_144, **journal: Any) -> Resumables:
        settings = Settings(server=ServerSettings(window_bytes=window), journal=JournalSettings(**journal))
        made.append(Resumables(settings, upstream))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def opened(resumables: Resumables, *, owner: str = "me", detach: bool = True) -> Opened:
    found = resumables.open(REQUEST, asking(owner), question=b"{}", detach=detach)
    assert found is not None
    return found


def lines(reader: Reader) -> list[bytes]:
    """Everything to the end."""
    found: list[bytes] = []
    while not reader.has_all and not reader.was_cut:
        found += [record.line for record in reader.next(MUCH, LONG)]
    reader.leave()
    return found


def start_of(found: Opened) -> EventId:
    return EventId(found.stream.id, 0)


def test_what_a_stream_says_is_read_and_read_again(make: Make) -> None:
    resumables = make()
    found = opened(resumables)

    assert lines(found.reader) == [b"start {}", b"delta Ho", b"delta la", b"end {}"]
    again = resumables.resume(EventId(found.stream.id, 2), asking())
    assert lines(again) == [b"delta la", b"end {}"]
    assert resumables.resumed == {"here": 1, "elsewhere": 0, "taken_over": 0}


def test_nobody_else_finds_it(make: Make) -> None:
    resumables = make()
    found = opened(resumables)

    with pytest.raises(NotFound):
        resumables.resume(start_of(found), asking("you"))
    with pytest.raises(NotFound):
        resumables.cancel(found.stream.id, "you")
    with pytest.raises(NotFound):
        resumables.resume(EventId("f" * 32, 0), asking())


def test_a_stream_runs_on_without_readers(make: Make, upstream: Upstream, gate: threading.Event) -> None:
    upstream.steps = (HELLO[0], waiting_for(gate, b"delta la\n"), b"end {}\n")
    resumables = make()
    found = opened(resumables)

    found.reader.leave()
    gate.set()

    wait_until(lambda: upstream.opened[0].closed.is_set())  # as every stream is that is over
    assert lines(resumables.resume(start_of(found), asking()))[-1] == b"end {}"


def test_a_stream_that_is_to_be_cancelled_ends_with_its_last_reader(
    make: Make, upstream: Upstream, gate: threading.Event
) -> None:
    upstream.steps = (HELLO[0], waiting_for(gate, b"delta la\n"), b"end {}\n")
    resumables = make()
    found = opened(resumables, detach=False)
    second = resumables.resume(start_of(found), asking())

    found.reader.leave()
    assert not upstream.opened[0].closed.is_set()
    second.leave()

    assert upstream.opened[0].closed.wait(LONG)
    gate.set()
    assert lines(resumables.resume(start_of(found), asking()))[-1] == b"error stream_cancelled"


def test_a_stream_that_is_cancelled_says_so_to_its_readers(
    make: Make, upstream: Upstream, gate: threading.Event
) -> None:
    upstream.steps = (HELLO[0], waiting_for(gate, b"delta la\n"))
    resumables = make()
    found = opened(resumables)

    resumables.cancel(found.stream.id, "me")
    gate.set()

    assert lines(found.reader)[-1] == b"error stream_cancelled"
    resumables.cancel(found.stream.id, "me")  # it is over, which is what was wanted


@pytest.mark.parametrize("problem", [BrokenPipeError(), ZeroDivisionError()])
def test_a_stream_that_ends_without_a_word_is_given_one(
    make: Make, upstream: Upstream, problem: Exception
) -> None:
    def fail() -> bytes:
        raise problem

    upstream.steps = (HELLO[0], fail)
    found = opened(make())

    assert lines(found.reader)[-1] == b"error internal_error"


def test_until_it_has_begun_its_caller_is_looked_for_and_then_no_more(make: Make, upstream: Upstream) -> None:
    caller = PresentCaller()
    make().open(REQUEST, asking(caller=caller), question=b"{}", detach=True)

    (seen,) = upstream.callers
    caller.left = True
    assert not seen.gone()

    upstream.error = UpstreamFailure()
    with pytest.raises(UpstreamFailure):
        make().open(REQUEST, asking(caller=caller), question=b"{}", detach=True)
    assert upstream.callers[-1].gone()


def test_the_writer_waits_for_a_slow_reader(make: Make, upstream: Upstream) -> None:
    said: list[int] = []

    def word(number: int) -> Callable[[], bytes]:
        def say() -> bytes:
            said.append(number)
            return b"delta " + b"x" * 994 + b"\n"

        return say

    upstream.steps = (*(word(number) for number in range(100)), b"end {}\n")
    found = opened(make(window=10_000))

    wait_until(lambda: len(said) >= 9)
    assert len(found.reader.next(MUCH, LONG)) <= 10
    assert len(said) <= 12
    lines(found.reader)
    assert len(said) == 100


def test_a_piece_larger_than_the_window_passes_in_parts(make: Make, upstream: Upstream) -> None:
    upstream.steps = (b"".join(b"delta %d\n" % n for n in range(2000)) + b"end {}\n",)

    assert len(lines(opened(make(window=5000)).reader)) == 2001


def test_without_room_nobody_is_asked(make: Make, upstream: Upstream) -> None:
    assert make(total_bytes=0).open(REQUEST, asking(), question=b"{}", detach=True) is None
    assert upstream.callers == []


def test_where_nobody_may_read_no_stream_is_resumable(make: Make, upstream: Upstream) -> None:
    assert make(max_readers=0).open(REQUEST, asking(), question=b"{}", detach=True) is None
    assert upstream.callers == []


def test_without_a_place_for_its_reader_nobody_is_asked(make: Make, upstream: Upstream) -> None:
    resumables = make(max_readers=1)
    found = opened(resumables)

    with pytest.raises(GatewayBusy):
        opened(resumables)
    assert len(upstream.callers) == 1
    with pytest.raises(GatewayBusy):
        resumables.resume(start_of(found), asking())
    found.reader.leave()
    found.reader.leave()
    resumables.resume(start_of(found), asking()).leave()
    opened(resumables).reader.leave()


@pytest.mark.parametrize("fault", ["unknown", "upstream"])
def test_a_request_that_fails_takes_no_place(make: Make, upstream: Upstream, fault: str) -> None:
    resumables = make(max_readers=1)
    for _ in range(3):
        if fault == "unknown":
            with pytest.raises(NotFound):
                resumables.resume(EventId("f" * 32, 0), asking())
        else:
            upstream.error = UpstreamFailure()
            with pytest.raises(UpstreamFailure):
                resumables.open(REQUEST, asking(), question=b"{}", detach=True)

    upstream.error = None
    opened(resumables)


def test_after_its_time_a_stream_is_gone_for_its_owner_and_unknown_to_others(make: Make) -> None:
    resumables = make(ttl=0.05)
    found = opened(resumables)
    lines(found.reader)
    wait_until(lambda: resumables.streams == 0)

    with pytest.raises(EventsGone):
        resumables.resume(start_of(found), asking())
    with pytest.raises(NotFound):
        resumables.resume(start_of(found), asking("you"))
    assert resumables.size == 0


def test_when_the_instance_ends_nobody_waits_for_a_reader(make: Make, upstream: Upstream) -> None:
    upstream.steps = (*(b"delta " + b"x" * 994 + b"\n" for _ in range(100)), b"error gateway_draining\n")
    resumables = make(window=5000)
    found = opened(resumables)

    resumables.leave()

    wait_until(lambda: upstream.opened[0].closed.is_set())
    assert lines(found.reader)[-1] == b"error gateway_draining"


def test_a_journal_in_redis_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis", None)
    for name in [name for name in sys.modules if "redis_streams" in name or name.endswith("elsewhere")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SettingsError, match=r"cortex-actors\[redis\]"):
        Resumables(Settings(journal=JournalSettings(backend="redis")), Upstream())
