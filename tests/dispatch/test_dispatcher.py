"""The dispatcher's course: from the first route to the one end, over real HTTP.

Numbers in comments are those of the behaviours that a streaming layer on actors must have. Failover, limits,
and the flow between a fast provider and a slow reader have files of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cortex_actors.chat import Chunk, FinishReason, Usage
from cortex_actors.dispatch.channel import Channel
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import Cancel, EndName
from cortex_actors.errors import (
    AttemptCancelled,
    GatewayDraining,
    InternalError,
    NoWorkersAvailable,
    TruncatedStream,
    UnknownModel,
    UpstreamRejected,
)
from cortex_actors.otp.actor import cast, kill
from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.settings import RetrySettings, ServerSettings
from tests.dispatch.conftest import Start
from tests.dispatch.plant import (
    LIMIT,
    MODEL,
    Client,
    Plant,
    ask,
    events,
    eventually,
    gone,
    provider,
    read,
    read_until,
)
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream

WORDS = [f"w{number} " for number in range(500)]


class Clock:
    """The real time, and what was skipped."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped


@pytest.fixture
def plant(start: Start, upstream: ScriptedUpstream) -> Plant:
    """One provider that streams two words."""
    upstream.default = openai_stream(["Ho", "la"], usage=(9, 2))
    return start(provider("one", upstream.url))


@pytest.fixture
def silence(upstream: ScriptedUpstream) -> threading.Event:
    """What the upstream waits for after its first word."""
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Gate(gate))
    return gate


# -- a whole answer


def test_an_answer_arrives_whole_and_in_order(plant: Plant, upstream: ScriptedUpstream) -> None:  # 41
    upstream.default = openai_stream(WORDS, usage=(9, 500))
    dispatcher = plant.open()
    assert read(dispatcher) == "".join(WORDS)
    end = dispatcher.end
    assert end is not None
    assert (end.name, end.error, end.finish) == (EndName.COMPLETE, None, FinishReason.STOP)
    assert end.usage == Usage(9, 500)
    assert (end.provider, end.model) == ("one", MODEL)
    assert end.ttft is not None
    assert 0 < end.ttft <= end.duration


def test_an_answer_is_whole_however_its_bytes_are_cut(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Año", " 新年", " 🎉"], usage=(9, 3)).in_pieces(1).crlf().commented()
    assert read(plant.open()) == "Año 新年 🎉"
    assert plant.end_names == [EndName.COMPLETE]


def test_one_request_of_a_caller_is_one_request_upstream(
    plant: Plant, upstream: ScriptedUpstream
) -> None:  # 54
    for _ in range(10):
        assert read(plant.open()) == "Hola"
    assert len(upstream.requests) == 10
    assert plant.end_names == [EndName.COMPLETE] * 10


def test_the_first_content_is_in_hand_before_the_answer_is_over(
    plant: Plant, silence: threading.Event
) -> None:
    dispatcher = plant.open()
    assert read_until(dispatcher, "Ho") == "Ho"
    assert dispatcher.end is None
    silence.set()
    assert read(dispatcher) == "la"


def test_usage_that_comes_after_the_reason_to_stop_is_passed_on(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho"], usage=(9, 2)).pause(2, Gate(gate))
    dispatcher = plant.open()
    while dispatcher.attempt is None or dispatcher.attempt.finish is None:
        assert dispatcher.next_batch() is not None
    gate.set()
    assert Usage(9, 2) in events(dispatcher)
    assert plant.ends[0].usage == Usage(9, 2)


def test_usage_is_waited_for_even_when_the_reason_to_stop_was_slow_to_come(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    clock, finish, usage = Clock(), threading.Event(), threading.Event()
    upstream.default = openai_stream(["Ho"], usage=(9, 2)).pause(1, Gate(finish)).pause(2, Gate(usage))
    dispatcher = plant.open(clock=clock)
    read_until(dispatcher, "Ho")
    clock.skipped = LIMIT / 2  # less than the idle limit, more than the tail
    finish.set()
    while dispatcher.attempt is None or dispatcher.attempt.finish is None:
        assert dispatcher.next_batch() is not None
    usage.set()
    assert Usage(9, 2) in events(dispatcher)


def test_a_reason_to_stop_without_an_end_of_the_body_is_whole_after_a_moment(
    plant: Plant, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cortex_actors.dispatch.dispatcher.TAIL", 0.1)
    upstream.default = openai_stream(["Ho", "la"], done=False).then(Hang())
    assert read(plant.open()) == "Hola"
    assert plant.end_names == [EndName.COMPLETE]
    assert plant.view("one").failures == 0
    assert upstream.request().closed.wait(LIMIT)


def test_a_refusal_of_the_model_without_a_word_is_passed_on(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream([], finish="content_filter", usage=(9, 0))
    dispatcher = plant.open()
    assert read(dispatcher) == ""
    assert plant.end_names == [EndName.COMPLETE]
    assert plant.ends[0].finish is FinishReason.CONTENT_FILTER
    assert len(upstream.requests) == 1


def test_the_providers_books_hold_the_answer(plant: Plant) -> None:
    read(plant.open())
    view = plant.view("one")
    assert (view.requests, view.failures, view.status) == (1, 0, "available")
    assert view.mean_ttft is not None


def test_a_long_answer_is_in_the_books_of_its_provider_before_its_end(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    clock, gate = Clock(), threading.Event()
    upstream.default = openai_stream(["Ho", "la", "!"]).pause(1, Gate(gate)).pause(2, Hang())
    dispatcher = plant.open(clock=clock)
    read_until(dispatcher, "Ho")
    assert plant.view("one").breakers.models[MODEL].counts.calls == 0
    clock.skipped = 2.0
    gate.set()
    read_until(dispatcher, "la")
    assert plant.view("one").breakers.models[MODEL].counts.calls == 1


# -- an answer that ends too early


def test_a_stream_without_its_end_marker_is_an_error(plant: Plant, upstream: ScriptedUpstream) -> None:  # 56
    upstream.default = openai_stream(["Ho", "la"], finish=None, done=False)
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    end = dispatcher.end
    assert end is not None
    assert end.name is EndName.TRUNCATED
    assert isinstance(end.error, TruncatedStream)
    assert end.finish is None
    assert plant.view("one").failures == 1


def test_what_goes_wrong_after_the_reason_to_stop_takes_nothing_from_the_answer(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho", "la"]).pause(3, Hang())
    dispatcher = plant.open()
    while dispatcher.attempt is None or dispatcher.attempt.finish is None:
        assert dispatcher.next_batch() is not None
    kill(dispatcher.ref, "a test")
    read(dispatcher)
    assert plant.end_names == [EndName.COMPLETE]


# -- a caller that leaves


def test_closing_frees_a_blocked_read_upstream(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:  # 47
    dispatcher = plant.open()
    workers = plant.workers("one")
    dispatcher.close()
    assert upstream.request().closed.wait(LIMIT)
    assert len(workers) == 1
    gone(workers[0])
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_closing_from_another_thread_ends_a_wait(plant: Plant, silence: threading.Event) -> None:
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(dispatcher.next_batch)
        eventually(lambda: dispatcher._at_work.locked())
        dispatcher.close()
        assert waiting.result(LIMIT) is None
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_closing_from_another_thread_ends_an_attempt_that_is_being_made(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = [Hang()]
    dispatcher = plant.dispatcher()
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(dispatcher.open)
        request = upstream.request()
        dispatcher.close()
        with pytest.raises(AttemptCancelled):
            opening.result(LIMIT)
    assert request.closed.wait(LIMIT)
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_what_a_caller_leaves_unread_is_no_lost_letter(plant: Plant, silence: threading.Event) -> None:
    dispatcher = plant.open()
    assert dispatcher.attempt is not None
    assert Channel(dispatcher.ref, 1, dispatcher.attempt.window).deliver([Chunk("unread")])
    lost = COUNTERS.dead_letters
    dispatcher.close()
    eventually(lambda: plant.workers("one") == [])
    assert COUNTERS.dead_letters == lost


def test_closing_twice_or_after_the_end_changes_nothing(plant: Plant) -> None:
    dispatcher = plant.open()
    read(dispatcher)
    dispatcher.close()
    dispatcher.close()
    assert dispatcher.next_batch() is None
    assert plant.end_names == [EndName.COMPLETE]


def test_a_caller_that_leaves_during_silence_is_noticed(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:  # 48
    client = Client()
    dispatcher = plant.open(caller=client)
    read_until(dispatcher, "Ho")
    client.left.set()
    assert dispatcher.next_batch() is None
    assert upstream.request().closed.wait(LIMIT)
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_a_caller_that_leaves_before_the_first_content_is_noticed(
    plant: Plant, upstream: ScriptedUpstream
) -> None:  # 48
    client = Client()
    upstream.default = [Hang()]
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(plant.open, caller=client)
        request = upstream.request()
        client.left.set()
        with pytest.raises(AttemptCancelled):
            opening.result(LIMIT)
    assert request.closed.wait(LIMIT)
    assert plant.end_names == [EndName.CLIENT_GONE]
    assert plant.view("one").failures == 0


def test_a_caller_that_leaves_during_a_retry_pause_is_noticed(
    start: Start, upstream: ScriptedUpstream
) -> None:  # 48
    upstream.default = json_answer(429, headers={"Retry-After": "15"})
    plant = start(provider("one", upstream.url), retry=RetrySettings(max_retry_after=LIMIT))
    client = Client()
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(plant.open, caller=client)
        eventually(lambda: plant.view("one").failures == 1)  # the attempt is over, so the pause has begun
        client.left.set()
        with pytest.raises(AttemptCancelled):
            opening.result(LIMIT / 2)
    assert len(upstream.requests) == 1
    assert plant.end_names == [EndName.CLIENT_GONE]


def test_a_caller_that_takes_nothing_for_too_long_is_called_slow(
    start: Start, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    clock = Clock()
    plant = start(provider("one", upstream.url), server=ServerSettings(write_timeout=5.0))
    dispatcher = plant.open(clock=clock)
    read_until(dispatcher, "Ho")
    clock.skipped = 5.0
    dispatcher.close()
    assert plant.end_names == [EndName.SLOW_CLIENT]


# -- what comes from outside


def test_signs_of_life_are_given_while_the_provider_is_silent(
    start: Start, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    plant = start(provider("one", upstream.url), server=ServerSettings(heartbeat=0.05, caller_check=0.02))
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    assert [dispatcher.next_batch() for _ in range(3)] == [(), (), ()]
    silence.set()
    assert read(dispatcher) == "la"


def test_a_cancelled_stream_ends_under_the_name_it_was_given(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    error = GatewayDraining("as a test wants it")
    cast(dispatcher.ref, Cancel(EndName.SHUTDOWN, error))
    assert dispatcher.next_batch() is None
    assert dispatcher.end is not None
    assert (dispatcher.end.name, dispatcher.end.error) == (EndName.SHUTDOWN, error)
    assert upstream.request().closed.wait(LIMIT)


def test_a_cancel_overtakes_chunks_that_wait(plant: Plant, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(WORDS).then(Hang())
    dispatcher = plant.open()
    dispatcher.next_batch()
    cast(dispatcher.ref, Cancel(EndName.SHUTDOWN, GatewayDraining()))
    assert dispatcher.next_batch() is None
    assert plant.end_names == [EndName.SHUTDOWN]


def test_a_killed_dispatcher_ends_its_stream_with_one_honest_error(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(dispatcher.next_batch)
        kill(dispatcher.ref, "a test")
        assert waiting.result(LIMIT) is None
    assert dispatcher.end is not None
    assert isinstance(dispatcher.end.error, InternalError)
    assert plant.end_names == [EndName.UPSTREAM_ERROR]
    assert upstream.request().closed.wait(LIMIT)
    assert plant.view("one").failures == 0


def test_a_stopped_tree_ends_its_streams_as_a_shutdown(plant: Plant, silence: threading.Event) -> None:
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    with ThreadPoolExecutor(1) as threads:
        stopping = threads.submit(plant.dispatchers.stop)
        assert dispatcher.next_batch() is None
        stopping.result(LIMIT)
    assert plant.end_names == [EndName.SHUTDOWN]


def test_other_actors_may_fall_while_a_stream_runs(plant: Plant, silence: threading.Event) -> None:  # 52
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    names = ("router", "providers/one/worker", "providers/one/streams", "dispatchers")
    for name in names:
        fallen = plant.names.whereis(name)
        assert fallen is not None
        kill(fallen, "a test")
        gone(fallen)
        eventually(lambda: all(plant.names.whereis(each) is not None for each in names))
    silence.set()
    assert read(dispatcher) == "la"
    assert plant.end_names == [EndName.COMPLETE]
    assert read(plant.open()) == "Hola"


def test_a_stray_message_does_not_disturb_a_stream(plant: Plant, silence: threading.Event) -> None:
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    cast(dispatcher.ref, "a message for somebody else")
    silence.set()
    assert read(dispatcher) == "la"


# -- every way out


def _complete(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    dispatcher = plant.open()
    read(dispatcher)
    return dispatcher


def _truncated(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    upstream.default = openai_stream(["Ho"], finish=None, done=False)
    return _complete(plant, upstream)


def _refused(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    upstream.default = json_answer(400)
    dispatcher = plant.dispatcher()
    with pytest.raises(UpstreamRejected):
        dispatcher.open()
    return dispatcher


def _unknown(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    dispatcher = plant.dispatcher(ask(model="nobody-has-this"))
    with pytest.raises(UnknownModel):
        dispatcher.open()
    return dispatcher


def _closed(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    upstream.default = openai_stream(["Ho"]).then(Hang())
    dispatcher = plant.open()
    dispatcher.close()
    return dispatcher


def _never_opened(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    dispatcher = plant.dispatcher()
    dispatcher.close()
    return dispatcher


def _killed(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    dispatcher = plant.dispatcher()
    kill(dispatcher.ref, "a test")
    with pytest.raises(InternalError):
        dispatcher.open()
    return dispatcher


def _cancelled(plant: Plant, upstream: ScriptedUpstream) -> Dispatcher:
    upstream.default = openai_stream(["Ho", "la"]).pause(2, Hang())
    dispatcher = plant.open()
    cast(dispatcher.ref, Cancel(EndName.SHUTDOWN, GatewayDraining()))
    read(dispatcher)
    return dispatcher


WAYS_OUT: dict[Callable[[Plant, ScriptedUpstream], Dispatcher], EndName] = {
    _complete: EndName.COMPLETE,
    _truncated: EndName.TRUNCATED,
    _refused: EndName.UPSTREAM_ERROR,
    _unknown: EndName.SHED,
    _closed: EndName.CLIENT_GONE,
    _never_opened: EndName.CLIENT_GONE,
    _killed: EndName.UPSTREAM_ERROR,
    _cancelled: EndName.SHUTDOWN,
}


@pytest.mark.parametrize(("way", "name"), WAYS_OUT.items(), ids=[way.__name__.strip("_") for way in WAYS_OUT])
def test_every_way_out_is_told_once_and_leaves_nothing_behind(
    plant: Plant,
    upstream: ScriptedUpstream,
    way: Callable[[Plant, ScriptedUpstream], Dispatcher],
    name: EndName,
) -> None:  # 53
    dispatcher = way(plant, upstream)
    assert dispatcher.next_batch() is None
    dispatcher.close()
    assert plant.end_names == [name]
    assert plant.dispatchers.count == 0
    eventually(lambda: plant.workers("one") == [])


def test_a_bug_before_the_first_content_is_a_crash_of_this_request_alone(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_request(*args: object, **kwargs: object) -> object:
        raise KeyError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr(OpenAICompatibleAdapter, "build_request", build_request)
        dispatcher = plant.dispatcher()
        with pytest.raises(InternalError):
            dispatcher.open()
    assert plant.end_names == [EndName.UPSTREAM_ERROR]
    assert dispatcher.exit_reason is not None
    assert dispatcher.exit_reason.kind is ExitKind.CRASHED
    assert plant.dispatchers.count == 0
    assert read(plant.open()) == "Hola"


def test_a_bug_after_it_is_one_error_and_frees_the_provider(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    class Broken(Client):
        def gone(self) -> bool:
            if self.left.is_set():
                raise KeyError("a bug")
            return False

    client = Broken()
    dispatcher = plant.open(caller=client)
    read_until(dispatcher, "Ho")
    client.left.set()
    assert dispatcher.next_batch() is None
    assert dispatcher.end is not None
    assert isinstance(dispatcher.end.error, InternalError)
    assert upstream.request().closed.wait(LIMIT)
    assert plant.dispatchers.count == 0


def test_an_end_of_the_requests_thread_itself_frees_everything_and_goes_on(
    plant: Plant, upstream: ScriptedUpstream, silence: threading.Event
) -> None:
    class Ending(Client):
        def gone(self) -> bool:
            if self.left.is_set():
                raise SystemExit
            return False

    client = Ending()
    dispatcher = plant.open(caller=client)
    read_until(dispatcher, "Ho")
    client.left.set()
    with pytest.raises(SystemExit):
        dispatcher.next_batch()
    assert upstream.request().closed.wait(LIMIT)
    assert plant.end_names == [EndName.UPSTREAM_ERROR]


def test_a_bug_in_the_books_of_requests_leaves_nothing_behind(plant: Plant) -> None:
    def bug(end: object) -> None:
        raise KeyError("a bug")

    dispatcher = plant.open()
    dispatcher._on_end = bug
    with pytest.raises(KeyError):
        read(dispatcher)
    assert plant.dispatchers.count == 0


def test_a_router_that_falls_over_a_request_fails_that_request_alone(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def candidates(*args: object) -> object:
        raise KeyError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr("cortex_actors.dispatch.models.ModelNames.candidates", candidates)
        with pytest.raises(InternalError):
            plant.open()
    assert plant.end_names == [EndName.UPSTREAM_ERROR]
    assert plant.dispatchers.count == 0
    assert read(plant.open()) == "Hola"


def test_without_any_provider_there_is_nobody_to_ask(start: Start) -> None:
    plant = start()
    with pytest.raises(NoWorkersAvailable):
        plant.open()
    assert plant.end_names == [EndName.SHED]


def test_nothing_is_left_after_fifty_requests(plant: Plant, upstream: ScriptedUpstream) -> None:  # 53
    upstream.on_model("cut", openai_stream(["Ho"], finish=None, done=False))
    threads = threading.active_count()
    for number in range(50):
        dispatcher = plant.open(ask(model="one/cut") if number % 3 == 0 else None)
        if number % 3 == 1:
            dispatcher.close()
        read(dispatcher)
    assert len(plant.ends) == 50
    assert plant.dispatchers.count == 0
    eventually(lambda: plant.view("one").in_flight == 0)
    eventually(lambda: threading.active_count() <= threads + upstream.open_sockets)
