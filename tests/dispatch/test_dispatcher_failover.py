"""The dispatcher's attempts: which failure is followed by what, as long as nothing was delivered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cortex_actors.chat import AnswerInfo, ChatRequest, Chunk, Finish, ImagePart, Message, TextPart
from cortex_actors.dispatch.messages import EndName
from cortex_actors.dispatch.provider_worker import ProviderWorker
from cortex_actors.dispatch.stream_worker import StreamWorker
from cortex_actors.errors import (
    CortexError,
    GatewayBusy,
    InternalError,
    InvalidRequest,
    NoWorkersAvailable,
    QuotaExhausted,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
)
from cortex_actors.otp.actor import kill
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.settings import ModelSettings, RetrySettings, Route
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, MODEL, Plant, ask, events, eventually, provider, read, read_until
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


def _error(code: str) -> dict[str, dict[str, str]]:
    return {"error": {"message": f"scripted {code}", "type": "scripted", "code": code}}


#: What goes wrong before the first content -> how often the same provider is asked, and the word for it.
FAILURES: dict[str, tuple[Answer, int, str]] = {
    "500": (json_answer(500), 2, "upstream_failure"),
    "503": (json_answer(503), 2, "upstream_failure"),
    "reset before the headers": ([Reset()], 2, "upstream_connect_error"),
    "reset after the headers": (openai_stream(["x"]).framed("close").cut(0, Reset()), 2, "truncated_stream"),
    "cut before the first content": (openai_stream(["Ho"]).cut(20), 2, "truncated_stream"),
    "no delta, clean end": (openai_stream([]), 2, "malformed_stream"),
    "no delta, no end marker": (openai_stream([], finish=None, done=False), 2, "truncated_stream"),
    "200 with a JSON error": (json_answer(200, _error("server_error")), 2, "upstream_failure"),
    "an error event first": (sse_stream(_error("server_error")), 2, "upstream_failure"),
    "429": (json_answer(429), 1, "upstream_rate_limited"),
    "429, long Retry-After": (json_answer(429, headers={"Retry-After": "99"}), 1, "upstream_rate_limited"),
    "429 without money": (json_answer(429, _error("insufficient_quota")), 1, "upstream_quota_exhausted"),
    "401": (json_answer(401), 1, "upstream_key_rejected"),
    "404": (json_answer(404), 1, "model_not_found"),
}


@pytest.fixture
def plant(start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Plant:
    """Two providers, of which the first is tried first."""
    spare.default = openai_stream(["Ho", "la"])
    return start(provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))


@pytest.mark.parametrize(("answer", "times", "outcome"), FAILURES.values(), ids=FAILURES)
def test_a_failure_before_the_first_content_is_followed_by_another_provider(
    plant: Plant,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    answer: Answer,
    times: int,
    outcome: str,
) -> None:  # 42
    upstream.default = answer
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    end = dispatcher.end
    assert end is not None
    assert (end.name, end.provider) == (EndName.COMPLETE, "two")
    told = [(record.number, record.provider, record.model, record.outcome) for record in end.attempts]
    failed = [(number, "one", MODEL, outcome) for number in range(1, times + 1)]
    assert told == [*failed, (times + 1, "two", MODEL, "complete")]
    assert len(upstream.requests) == times
    assert len(spare.requests) == 1


def test_a_provider_that_goes_on_without_content_is_followed_by_another(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    again = {"type": "message_start", "message": {"id": "msg_1", "model": "m"}}
    upstream.default = sse_stream(*[again] * 30_000).then(Hang())
    spare.default = openai_stream(["Ho", "la"])
    plant = start(
        provider("one", upstream.url, type="anthropic", priority=1), provider("two", spare.url, priority=2)
    )
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    assert {record.outcome for record in dispatcher.attempts} == {"malformed_stream", "complete"}


def test_an_attempt_that_failed_is_listed_with_the_status_it_got(
    plant: Plant, upstream: ScriptedUpstream
) -> None:  # 42
    upstream.default = json_answer(503)
    dispatcher = plant.open()
    assert [record.status for record in dispatcher.attempts] == [503, 503]
    assert dispatcher.attempt is not None
    assert dispatcher.attempt.number == 3


def test_a_server_error_that_passes_is_answered_by_the_same_provider(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.enqueue(json_answer(500), openai_stream(["bien"]))
    assert read(plant.open()) == "bien"
    assert spare.requests == []


def test_a_provider_that_is_not_there_is_followed_by_another(start: Start, spare: ScriptedUpstream) -> None:
    spare.default = openai_stream(["Ho", "la"])
    plant = start(provider("one", refused_url(), priority=1), provider("two", spare.url, priority=2))
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    assert [record.outcome for record in dispatcher.attempts] == [
        "upstream_connect_error",
        "upstream_connect_error",
        "complete",
    ]


def test_nothing_of_a_failed_attempt_is_in_the_answer(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = openai_stream([], model="silent-model", usage=(9, 0))
    dispatcher = plant.open()
    found = events(dispatcher)
    assert [type(event) for event in found] == [AnswerInfo, Chunk, Chunk, Finish]
    assert found[0] == AnswerInfo(MODEL, "chatcmpl-1")
    assert plant.ends[0].usage is None


def test_when_every_route_fails_the_caller_gets_the_failure_with_its_story(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:  # 43
    upstream.default = json_answer(503)
    spare.default = json_answer(500)
    with pytest.raises(UpstreamFailure) as raised:
        plant.open()
    assert raised.value.http_status == 502
    assert (raised.value.provider, raised.value.upstream_status) == ("two", 500)
    assert plant.ends[0].error is raised.value
    assert raised.value.attempts == plant.ends[0].attempts
    assert [(record.provider, record.status) for record in plant.ends[0].attempts] == [
        ("one", 503),
        ("one", 503),
        ("two", 500),
        ("two", 500),
    ]


def test_there_are_never_more_attempts_than_the_settings_allow(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = spare.default = json_answer(503)
    retry = RetrySettings(backoff=0.01, backoff_max=0.02, max_attempts=3)
    plant = start(provider("one", upstream.url), provider("two", spare.url), retry=retry)
    with pytest.raises(UpstreamFailure):
        plant.open()
    assert len(upstream.requests) + len(spare.requests) == 3


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_callers_own_fault_is_passed_on_after_one_attempt(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, status: int
) -> None:
    upstream.default = json_answer(status)
    with pytest.raises(UpstreamRejected) as raised:
        plant.open()
    assert raised.value.http_status == status
    assert len(upstream.requests) == 1
    assert spare.requests == []
    assert plant.view("one").failures == 0


def test_what_is_too_long_goes_to_the_larger_model(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = json_answer(400, _error("context_length_exceeded"))
    spare.default = openai_stream(["Ho", "la"])
    models = (
        ModelSettings(name="smart", routes=(Route("one", MODEL),), larger="roomy"),
        ModelSettings(name="roomy", routes=(Route("two", MODEL),)),
    )
    plant = start(provider("one", upstream.url), provider("two", spare.url), models=models)
    assert read(plant.open(ask(model="smart"))) == "Hola"
    assert (len(upstream.requests), len(spare.requests)) == (1, 1)


@pytest.mark.parametrize(
    "broken",
    [
        openai_stream(["Ho", "la"], finish=None, done=False),
        openai_stream(["Ho", "la"]).cut(200),
        openai_stream(["Ho", "la"]).cut(200, Reset()),
    ],
    ids=["no end marker", "cut", "reset"],
)
def test_a_failure_in_the_middle_of_an_answer_is_never_failed_over_in_silence(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream, broken: Answer
) -> None:  # 46
    upstream.default = broken
    dispatcher = plant.open()
    assert "Hola".startswith(read(dispatcher))
    assert plant.end_names == [EndName.TRUNCATED]
    assert plant.ends[0].error is not None
    assert len(upstream.requests) == 1
    assert spare.requests == []


def test_an_error_event_in_the_middle_ends_the_answer_with_that_error(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:  # 46
    good = openai_stream(["Ho"], finish=None, done=False)
    bad = sse_stream(_error("server_error"))
    upstream.default = sse_stream(*[event.decode()[6:].strip() for event in good.events + bad.events])
    dispatcher = plant.open()
    assert read(dispatcher) == "Ho"
    assert isinstance(plant.ends[0].error, UpstreamFailure)
    assert plant.end_names == [EndName.UPSTREAM_ERROR]
    assert spare.requests == []


# -- keys


def test_a_refused_key_is_followed_by_the_next_one_and_is_not_used_again(
    start: Start, upstream: ScriptedUpstream
) -> None:
    def answer(request: object) -> Answer:
        good = request.headers["authorization"] == "Bearer key-good"  # type: ignore[attr-defined]
        return openai_stream(["Ho", "la"]) if good else json_answer(401)

    upstream.default = answer  # type: ignore[assignment]
    plant = start(provider("one", upstream.url, keys=("key-bad", "key-good")))
    for _ in range(3):
        assert read(plant.open()) == "Hola"
    used = [request.headers["authorization"] for request in upstream.requests]
    assert used == ["Bearer key-bad", "Bearer key-good", "Bearer key-good", "Bearer key-good"]


def test_a_key_without_money_is_asked_exactly_once(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(429, _error("insufficient_quota"))
    plant = start(provider("one", upstream.url, keys=("key-poor",)))
    with pytest.raises(QuotaExhausted):
        plant.open()
    with pytest.raises(CortexError):
        plant.open()
    assert len(upstream.requests) == 1


def test_a_rate_limit_that_is_soon_over_is_waited_for(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(json_answer(429, headers={"Retry-After": "1"}), openai_stream(["Ho", "la"]))
    plant = start(provider("one", upstream.url, keys=("key",)))
    assert read(plant.open()) == "Hola"
    first, second = upstream.requests
    assert second.arrived - first.arrived >= 1.0


def test_a_rate_limit_that_lasts_is_told_with_the_time_to_come_again(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(429, headers={"Retry-After": "99"})
    plant = start(provider("one", upstream.url, keys=("key",)))
    for _ in range(2):
        with pytest.raises(UpstreamRateLimited) as raised:
            plant.open()
        assert 90 <= int(raised.value.headers["Retry-After"]) <= 100
    assert len(upstream.requests) == 1


# -- routes on which no attempt can be made


def test_a_provider_whose_breaker_is_open_is_not_asked(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = json_answer(503)
    spare.default = openai_stream(["Ho", "la"])
    plant = start(
        provider("one", upstream.url, priority=1),
        provider("two", spare.url, priority=2),
        breaker=BreakerLimits(minimum_calls=2, open_for=LIMIT, open_max=LIMIT),
    )
    read(plant.open())
    assert plant.view("one").breakers.models[MODEL].state is BreakerState.OPEN
    for _ in range(5):
        dispatcher = plant.open()
        read(dispatcher)
        assert [record.provider for record in dispatcher.attempts] == ["two"]
    assert len(upstream.requests) == 2


def test_the_first_content_of_a_probe_closes_the_breaker_before_the_answer_is_over(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(json_answer(503))
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    breaker = BreakerLimits(minimum_calls=1, open_for=0.05, open_max=0.05)
    plant = start(provider("one", upstream.url), breaker=breaker)
    dispatcher = plant.open()
    assert dispatcher.attempt is not None
    assert dispatcher.attempt.admission.permit.is_probe
    assert plant.view("one").breakers.models[MODEL].state is BreakerState.CLOSED


def test_when_every_breaker_is_open_the_caller_is_told_when_to_come_again(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = json_answer(503)
    plant = start(
        provider("one", upstream.url),
        breaker=BreakerLimits(minimum_calls=1, open_for=LIMIT, open_max=LIMIT),
    )
    with pytest.raises(UpstreamFailure):
        plant.open()
    with pytest.raises(NoWorkersAvailable) as raised:
        plant.open()
    assert 1 <= int(raised.value.headers["Retry-After"]) <= LIMIT * 1.1
    assert plant.end_names == [EndName.UPSTREAM_ERROR, EndName.SHED]
    assert len(upstream.requests) == 1


def test_a_provider_that_is_full_is_followed_by_another(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho"]).then(Hang())
    spare.default = openai_stream(["Ho", "la"])
    plant = start(
        provider("one", upstream.url, priority=1, max_streams=1), provider("two", spare.url, priority=2)
    )
    plant.open()
    second = plant.open()
    assert read(second) == "Hola"
    assert [record.provider for record in second.attempts] == ["two"]


def test_when_every_provider_is_full_the_gateway_is_busy(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"]).then(Hang())
    plant = start(provider("one", upstream.url, max_streams=1))
    plant.open()
    with pytest.raises(GatewayBusy):
        plant.open()
    assert len(upstream.requests) == 1
    assert plant.end_names == [EndName.SHED]


def test_a_provider_whose_actors_are_restarting_is_waited_for(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho", "la"])
    plant = start(provider("one", upstream.url))
    streams, supervisor = plant.providers["one"].streams, plant.names.whereis("providers/one/streams")
    assert supervisor is not None
    streams.stop()  # nobody may start one before the next supervisor adopts it
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(plant.open)
        eventually(lambda: streams.refused > 0)
        kill(supervisor)
        assert read(opening.result(LIMIT)) == "Hola"


def test_a_thread_that_cannot_be_started_is_a_busy_gateway(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(self: StreamWorker) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(StreamWorker, "init", no_thread)
    with pytest.raises(GatewayBusy):
        plant.open()
    assert plant.end_names == [EndName.SHED]
    assert plant.view("one").failures == 0


def test_a_request_that_a_dialect_cannot_carry_goes_to_another(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    spare.default = openai_stream(["a cat"])
    plant = start(
        provider("local", upstream.url, type="ollama", priority=1), provider("two", spare.url, priority=2)
    )
    dispatcher = plant.open(_with_image())
    assert read(dispatcher) == "a cat"
    assert [record.provider for record in dispatcher.attempts] == ["two"]
    assert upstream.requests == []


def test_a_request_that_no_dialect_can_carry_is_the_callers_to_change(
    start: Start, upstream: ScriptedUpstream
) -> None:
    plant = start(provider("local", upstream.url, type="ollama"))
    with pytest.raises(InvalidRequest) as raised:
        plant.open(_with_image())
    assert raised.value.http_status == 400
    assert raised.value.field is not None
    assert plant.end_names == [EndName.SHED]
    assert plant.view("local").failures == 0


def test_leave_that_is_not_used_is_given_back(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(503)
    breaker = BreakerLimits(minimum_calls=1, open_for=0.05, open_max=0.05, probe_lease=1000.0)
    plant = start(provider("local", upstream.url, type="ollama"), breaker=breaker)

    def admits() -> bool:
        return plant.view("local").breakers.admits(MODEL, time.monotonic())

    with pytest.raises(UpstreamFailure):
        plant.open()
    eventually(admits)
    with pytest.raises(InvalidRequest):
        plant.open(_with_image())  # it had leave to be the probe
    eventually(admits)


def _with_image() -> ChatRequest:
    parts = (TextPart("What is this?"), ImagePart("https://example.org/cat.png"))
    return ChatRequest((Message("user", parts),))


def test_a_provider_whose_worker_falls_over_a_request_is_followed_by_another(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ProviderWorker._admit

    def admit(worker: ProviderWorker, model: str, **how: Any) -> object:
        if worker.name == "providers/one/worker":
            raise KeyError("a bug")
        return original(worker, model, **how)

    monkeypatch.setattr(ProviderWorker, "_admit", admit)
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    assert [record.provider for record in dispatcher.attempts] == ["two"]


# -- our own failures


def test_a_bug_in_an_adapter_is_followed_by_another_provider_and_opens_no_breaker(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = OpenAICompatibleAdapter.parse_event

    def parse_event(adapter: OpenAICompatibleAdapter, payload: object, state: object) -> object:
        if adapter.name == "one":
            raise KeyError("a bug")
        return original(adapter, payload, state)  # type: ignore[arg-type]

    monkeypatch.setattr(OpenAICompatibleAdapter, "parse_event", parse_event)
    upstream.default = spare.default = openai_stream(["Ho", "la"])
    plant = start(provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    assert [record.outcome for record in dispatcher.attempts] == ["internal_error", "complete"]
    assert plant.view("one").failures == 0


def test_a_stream_worker_that_is_killed_before_the_first_content_is_followed_by_another_provider(
    plant: Plant, upstream: ScriptedUpstream
) -> None:
    upstream.default = [Hang()]
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(plant.open)
        upstream.request()
        kill(plant.workers("one")[0], "a test")
        assert read(opening.result(LIMIT)) == "Hola"
    assert upstream.request().closed.wait(LIMIT)


def test_a_stream_worker_that_is_killed_later_ends_its_stream_with_one_error(
    plant: Plant, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho"]).pause(1, Hang())
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    kill(plant.workers("one")[0], "a test")
    assert read(dispatcher) == ""
    assert dispatcher.end is not None
    assert isinstance(dispatcher.end.error, InternalError)
    assert plant.view("one").failures == 0
    assert spare.requests == []


# -- side by side


def test_a_provider_that_is_slow_to_begin_delays_nobody_else(
    plant: Plant, upstream: ScriptedUpstream
) -> None:  # 55
    gate = threading.Event()
    upstream.on_model("slow", openai_stream(["tarde"]).pause(0, Gate(gate)))
    upstream.on_model(MODEL, openai_stream(["ya"]))
    with ThreadPoolExecutor(8) as threads:
        slow = [threads.submit(plant.open, ask(model="one/slow")) for _ in range(8)]
        assert upstream.wait_for(lambda: len(upstream.requests) == 8)
        for _ in range(5):
            assert read(plant.open()) == "ya"
        gate.set()
        assert [read(opening.result(LIMIT)) for opening in slow] == ["tarde"] * 8
    eventually(lambda: plant.view("one").in_flight == 0)
