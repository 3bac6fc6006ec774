"""The stream worker: one attempt over real HTTP, and exactly one last word about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cortex_actors.chat import AnswerEvent, AnswerInfo, Finish, FinishReason, Usage
from cortex_actors.dispatch.channel import Channel, Window
from cortex_actors.dispatch.messages import AttemptFailed, AttemptFinished, ChunksArrived
from cortex_actors.dispatch.stream_worker import Go, StreamWorker
from cortex_actors.errors import (
    InternalError,
    KeyRejected,
    MalformedStream,
    ModelMissing,
    TruncatedStream,
    UpstreamConnectError,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.otp.actor import ActorRef, HostedActor, cast, kill, spawn
from cortex_actors.otp.incarnation import incarnation_of
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.streaming.sse import SSEDecoder
from cortex_actors.transport import HTTPTransport
from tests.dispatch.plant import LIMIT, MODEL, ask, gone, text_of
from tests.upstream import (
    Answer,
    Gate,
    Hang,
    Reset,
    ScriptedUpstream,
    json_answer,
    openai_stream,
    refused_url,
    sse_stream,
)


class Listener(HostedActor):
    """The mailbox that an attempt reports to."""

    def hears(self) -> object:
        """The next message."""
        message = self.receive(LIMIT)
        assert message is not None
        return message


class Bench:
    """Stream workers, each with its window, that all report to one listener."""

    def __init__(self, transport: HTTPTransport, url: str) -> None:
        actor = Listener.start()._actor_weakref()
        assert isinstance(actor, Listener)
        self.listener = actor
        self.url = url
        self._transport = transport

    def begin(
        self,
        adapter: OpenAICompatibleAdapter | None = None,
        window: Window | None = None,
        *,
        read: float = LIMIT,
    ) -> ActorRef[Any]:
        """A worker that was told to go."""
        adapter = adapter or OpenAICompatibleAdapter(name="one", base_url=self.url)
        request = adapter.build_request(ask(), model=MODEL, key=None)
        exchange = self._transport.exchange(request, connect_timeout=LIMIT, read_timeout=read)
        channel = Channel(self.listener.ref, 1, window or Window(2**20))
        worker = spawn(StreamWorker, adapter, exchange, channel, name="worker")
        cast(worker, Go())
        return worker

    def everything_of(self, worker: ActorRef[Any]) -> tuple[list[AnswerEvent], object]:
        """All events of an attempt, and its one last word."""
        gone(worker)
        told = []
        while (message := self.listener.receive(0.0)) is not None:
            told.append(message)
        *chunks, last = told
        events: list[AnswerEvent] = []
        for message in chunks:
            assert isinstance(message, ChunksArrived)
            events += message.events
        return events, last


@pytest.fixture
def bench(upstream: ScriptedUpstream) -> Iterator[Bench]:
    transport = HTTPTransport()
    bench = Bench(transport, upstream.url)
    yield bench
    bench.listener.finish()
    transport.close()


@pytest.fixture
def run(bench: Bench, upstream: ScriptedUpstream) -> Callable[[Answer], tuple[list[AnswerEvent], object]]:
    """One attempt at an upstream that answers like this, from its beginning to its end."""

    def run(answer: Answer) -> tuple[list[AnswerEvent], object]:
        upstream.default = answer
        return bench.everything_of(bench.begin())

    return run


Run = Callable[[Answer], tuple[list[AnswerEvent], object]]


def _failure(last: object) -> Exception:
    assert isinstance(last, AttemptFailed)
    return last.error


def test_it_tells_all_events_in_order_and_then_that_the_answer_is_over(run: Run) -> None:
    words = [f"{number} " for number in range(300)]
    events, last = run(openai_stream(words, usage=(9, 300)))
    assert last == AttemptFinished(1)
    assert isinstance(events[0], AnswerInfo)
    assert text_of(events) == "".join(words)
    assert events[-2:] == [Finish(FinishReason.STOP), Usage(9, 300)]


def test_what_arrives_together_is_told_together(run: Run, bench: Bench, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho", "la"]).framed("length").in_pieces(100_000)
    worker = bench.begin()
    gone(worker)
    assert bench.listener.mailbox.depth < 6


def test_an_answer_that_is_only_a_piece_at_a_time_is_told_as_it_comes(
    bench: Bench, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    worker = bench.begin()
    first = bench.listener.hears()
    assert isinstance(first, ChunksArrived)
    assert text_of(first.events) == "Ho"
    gate.set()
    events, last = bench.everything_of(worker)
    assert (text_of(events), last) == ("la", AttemptFinished(1))


# -- ends that are none


@pytest.mark.parametrize(
    "answer",
    [
        openai_stream(["Ho", "la"], finish=None, done=False),
        openai_stream(["Ho", "la"], finish=None),
        openai_stream(["Ho", "la"], finish=None, done=False).framed("close"),
        openai_stream(["Ho", "la"], finish=None).then(Reset()),
    ],
    ids=["clean end", "[DONE] without a reason", "closed", "reset"],
)
def test_a_stream_without_its_end_marker_is_truncated(run: Run, answer: Answer) -> None:
    events, last = run(answer)
    assert text_of(events) == "Hola"
    assert isinstance(_failure(last), TruncatedStream)


def test_a_body_that_is_cut_is_truncated(run: Run) -> None:
    events, last = run(openai_stream(["Ho", "la"]).cut(250))
    assert "Hola".startswith(text_of(events))
    assert isinstance(_failure(last), TruncatedStream)


@pytest.mark.parametrize("how", [None, Reset()], ids=["end", "reset"])
def test_a_body_that_is_cut_after_the_reason_to_stop_is_whole(run: Run, how: Any) -> None:
    whole = openai_stream(["Ho", "la"], usage=(9, 2))
    events, last = run(whole.cut(len(whole.body) - 20, how))
    assert text_of(events) == "Hola"
    assert last == AttemptFinished(1)


def test_an_error_inside_the_stream_comes_after_the_events_before_it(run: Run) -> None:
    good = openai_stream(["Ho", "la"], finish=None, done=False)
    bad = sse_stream({"error": {"message": "overheated", "code": "server_error"}})
    texts = [event.decode().removeprefix("data: ").strip() for event in good.events + bad.events]
    events, last = run(sse_stream(*texts).framed("length").in_pieces(100_000))
    assert text_of(events) == "Hola"
    assert isinstance(_failure(last), UpstreamFailure)
    assert "overheated" in str(_failure(last))


def test_one_event_of_bad_json_does_not_end_the_answer(run: Run) -> None:
    good = openai_stream(["Ho", "la"])
    texts = [event.decode().removeprefix("data: ").strip() for event in good.events]
    events, last = run(sse_stream(texts[0], '{"choices": [', *texts[1:]))
    assert (text_of(events), last) == ("Hola", AttemptFinished(1))


def test_an_event_without_end_is_cut_at_a_stated_size(bench: Bench, upstream: ScriptedUpstream) -> None:
    class Small(OpenAICompatibleAdapter):
        def new_decoder(self, content_type: str) -> SSEDecoder:
            return SSEDecoder(max_event_bytes=1000)

    upstream.default = sse_stream("x" * 100_000).then(Hang())
    _, last = bench.everything_of(bench.begin(Small(name="one", base_url=bench.url)))
    error = _failure(last)
    assert isinstance(error, MalformedStream)
    assert error.provider == "one"
    assert "1000 bytes" in str(error)
    assert upstream.request().closed.wait(LIMIT)


# -- refusals


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamRejected),
        (401, KeyRejected),
        (404, ModelMissing),
        (422, UpstreamRejected),
        (429, UpstreamRateLimited),
        (500, UpstreamFailure),
        (503, UpstreamFailure),
        (302, UpstreamFailure),
    ],
)
def test_another_status_than_2xx_is_a_refusal_with_its_class(
    run: Run, status: int, kind: type[UpstreamError]
) -> None:
    events, last = run(json_answer(status))
    error = _failure(last)
    assert events == []
    assert isinstance(error, kind)
    assert (error.upstream_status, error.provider) == (status, "one")


def test_a_refusal_carries_the_time_to_wait(run: Run) -> None:
    error = _failure(run(json_answer(429, headers={"Retry-After": "7"}))[1])
    assert isinstance(error, UpstreamRateLimited)
    assert error.retry_after == 7


def test_a_provider_that_cannot_be_reached_is_named(bench: Bench) -> None:
    nobody = OpenAICompatibleAdapter(name="one", base_url=refused_url())
    error = _failure(bench.everything_of(bench.begin(nobody))[1])
    assert isinstance(error, UpstreamConnectError)
    assert error.provider == "one"


def test_a_connection_survives_a_refusal_and_an_answer(run: Run, upstream: ScriptedUpstream) -> None:
    run(json_answer(503))
    run(openai_stream(["Ho"]))
    run(openai_stream(["la"]))
    assert upstream.accepted == 1


def test_the_transports_own_limit_is_a_failure_too(bench: Bench, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    error = _failure(bench.everything_of(bench.begin(read=0.2))[1])
    assert isinstance(error, UpstreamTimeout)


# -- bugs, kills and fences


@pytest.mark.parametrize("where", ["new_decoder", "parse_event", "end_of_body"])
def test_a_bug_in_an_adapter_is_told_once_as_ours(
    bench: Bench, upstream: ScriptedUpstream, where: str
) -> None:
    def bug(*args: object) -> object:
        raise KeyError("a bug")

    broken = OpenAICompatibleAdapter(name="one", base_url=bench.url)
    setattr(broken, where, bug)
    upstream.default = openai_stream(["Ho", "la"], finish=None, done=False)
    worker = bench.begin(broken)
    _, last = bench.everything_of(worker)
    assert isinstance(_failure(last), InternalError)
    reason = incarnation_of(worker).reason
    assert reason is not None
    assert reason.kind is ExitKind.CRASHED


def test_its_kill_hook_frees_a_blocked_read(bench: Bench, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Hang())
    worker = bench.begin()
    bench.listener.hears()
    kill(worker, "a test")
    _, last = bench.everything_of(worker)
    assert isinstance(_failure(last), InternalError)
    assert upstream.request().closed.wait(LIMIT)
    reason = incarnation_of(worker).reason
    assert reason is not None
    assert reason.kind is ExitKind.KILLED


def test_its_kill_hook_frees_a_wait_for_the_headers(bench: Bench, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    worker = bench.begin()
    upstream.request()
    kill(worker, "a test")
    assert isinstance(_failure(bench.everything_of(worker)[1]), InternalError)


def test_a_fenced_attempt_stops_reading_and_says_no_more(bench: Bench, upstream: ScriptedUpstream) -> None:
    gate, window = threading.Event(), Window(2**20)
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate)).pause(2, Hang())
    worker = bench.begin(window=window)
    bench.listener.hears()
    window.fence()
    gate.set()
    gone(worker)
    assert bench.listener.receive(0.0) is None
    assert upstream.request().closed.wait(LIMIT)


def test_an_attempt_that_waits_for_room_ends_with_its_fence(bench: Bench, upstream: ScriptedUpstream) -> None:
    window = Window(1)
    upstream.default = openai_stream(["x" * 1000] * 10_000)
    worker = bench.begin(window=window)
    bench.listener.hears()
    window.fence()
    gone(worker)
    assert not upstream.request().answered.is_set()


def test_an_attempt_whose_dispatcher_is_dead_ends(bench: Bench, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate)).pause(2, Hang())
    worker = bench.begin()
    bench.listener.hears()
    bench.listener.finish()
    gate.set()
    gone(worker)


def test_a_stray_message_is_ignored(bench: Bench, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho"]).pause(0, Gate(gate))
    worker = bench.begin()
    cast(worker, "a message for somebody else")
    gate.set()
    assert bench.everything_of(worker)[1] == AttemptFinished(1)
