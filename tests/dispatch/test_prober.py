"""The prober: a free question now and then, and an answer that is a value whatever comes back."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.messages import ProbeResult, TermsChanged
from cortex_actors.dispatch.prober import Probe, Prober
from cortex_actors.dispatch.provider import Provider
from cortex_actors.metrics import Metrics
from cortex_actors.otp.actor import ActorRef, call, cast, kill, spawn
from cortex_actors.settings import HealthSettings
from tests.dispatch.factories import provider
from tests.dispatch.plant import LIMIT, gone
from tests.upstream import Chunk, Hang, Head, ScriptedUpstream, Wait, json_answer, refused_url

ONCE = HealthSettings(interval=3600.0, timeout=LIMIT)
MODELS = json_answer(200, {"object": "list", "data": [{"id": "a"}, {"id": "b"}]})


class Round:
    """A prober, and what it told."""

    def __init__(self, url: str, settings: HealthSettings, **changes: Any) -> None:
        self.told: queue.Queue[ProbeResult] = queue.Queue()
        self.metrics = Metrics()
        self.provider = provider("one", base_url=url, **changes)
        self.mandate = Mandate(Terms(self.provider, health=settings))
        self.prober: ActorRef[Prober] = spawn(Prober, self.mandate, self.metrics, self._tell, name="prober")

    def _tell(self, provider: Provider, result: ProbeResult) -> None:
        assert provider.upstream == result.upstream
        self.told.put(result)

    @property
    def result(self) -> ProbeResult:
        """The next result."""
        return self.told.get(timeout=LIMIT)

    def close(self) -> None:
        kill(self.prober)
        gone(self.prober)
        self.provider.transport.close()


Begin = Callable[..., Round]


@pytest.fixture
def begin(upstream: ScriptedUpstream) -> Iterator[Begin]:
    rounds: list[Round] = []

    def begin(url: str = "", settings: HealthSettings = ONCE, **changes: Any) -> Round:
        rounds.append(Round(url or upstream.url, settings, **changes))
        return rounds[-1]

    yield begin
    for each in rounds:
        each.close()


def test_it_asks_for_the_model_list_with_the_first_key(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.on_path("/v1/models", MODELS)
    assert begin(keys=("key-1", "key-2")).result == ProbeResult(models=("a", "b"))
    request = upstream.request()
    assert (request.method, request.path) == ("GET", "/v1/models")
    assert request.headers["authorization"] == "Bearer key-1"


def test_it_asks_again_and_again(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(MODELS, json_answer(503), MODELS)
    probing = begin(settings=HealthSettings(interval=0.01, timeout=LIMIT))
    assert [probing.result.failure_class for _ in range(3)] == [None, "server", None]


def test_with_an_interval_of_zero_it_never_asks(begin: Begin, upstream: ScriptedUpstream) -> None:
    probing = begin(settings=HealthSettings(interval=0.0))
    call(probing.prober, "whatever it has to do first", LIMIT)
    assert upstream.requests == []
    assert probing.told.empty()


@pytest.mark.parametrize(
    ("status", "failure_class"), [(401, "key"), (402, "money"), (429, "rate_limit"), (500, "server")]
)
def test_a_refusal_is_told_with_its_class(
    begin: Begin, upstream: ScriptedUpstream, status: int, failure_class: str
) -> None:
    upstream.default = json_answer(status)
    result = begin().result
    assert (result.failure_class, result.models) == (failure_class, ())
    assert result.error


def test_a_provider_that_is_not_there_is_told(begin: Begin) -> None:
    assert begin(refused_url()).result.failure_class == "server"


def test_a_list_that_cannot_be_read_is_no_failure(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(200, "not a list")
    assert begin().result == ProbeResult()


def test_silence_is_a_failure_at_the_limit(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    result = begin(settings=HealthSettings(interval=3600.0, timeout=0.2)).result
    assert result.failure_class == "silence"
    assert upstream.request().closed.wait(LIMIT)


def test_an_answer_that_trickles_past_the_limit_is_a_failure(
    begin: Begin, upstream: ScriptedUpstream
) -> None:
    drops = [step for _ in range(3000) for step in (Wait(0.02), Chunk(b" "))]
    upstream.default = [Head(200, {"Transfer-Encoding": "chunked"}), *drops]
    result = begin(settings=HealthSettings(interval=3600.0, timeout=0.2)).result
    assert result.failure_class == "silence"
    assert upstream.request().closed.wait(LIMIT)


def test_a_provider_without_a_free_question_is_not_asked(begin: Begin, upstream: ScriptedUpstream) -> None:
    assert begin(options={"models_path": ""}).result == ProbeResult()
    assert upstream.requests == []


def test_its_kill_hook_frees_a_blocked_probe(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    probing = begin()
    request = upstream.request()
    kill(probing.prober)
    gone(probing.prober)
    assert request.closed.wait(LIMIT)


def test_every_probe_is_counted_by_its_result(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(MODELS, json_answer(503))
    probing = begin(settings=HealthSettings(interval=0.01, timeout=LIMIT))
    assert [probing.result.failure_class for _ in range(2)] == [None, "server"]
    text = probing.metrics.render()[0].decode()
    assert 'cortex_workers_health_check_total{status="ok",worker="one"} 1.0' in text
    assert 'cortex_workers_health_check_total{status="failed",worker="one"}' in text


def test_somebody_may_ask_at_any_time(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = MODELS
    probing = begin(settings=HealthSettings(interval=3600.0, timeout=LIMIT))
    assert probing.result.models == ("a", "b")
    call(probing.prober, Probe(), LIMIT)
    assert probing.result.models == ("a", "b")
    assert len(upstream.requests) == 2


def test_other_terms_make_it_ask_at_once_whom_they_name(
    begin: Begin, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = spare.default = MODELS
    probing = begin()
    assert probing.result.models == ("a", "b")
    moved = provider("one", base_url=spare.url)

    probing.mandate.terms = replace(probing.mandate.terms, provider=moved)
    cast(probing.prober, TermsChanged())

    assert probing.result.upstream == moved.upstream
    assert (len(upstream.requests), len(spare.requests)) == (1, 1)
    moved.transport.close()


def test_it_asks_nobody_who_leaves(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = MODELS
    probing = begin(settings=HealthSettings(interval=0.01, timeout=LIMIT))
    assert probing.result.models == ("a", "b")

    probing.mandate.terms = replace(probing.mandate.terms, leaving=True)
    call(probing.prober, TermsChanged(), LIMIT)
    asked = len(upstream.requests)
    call(probing.prober, "whatever it has to do first", LIMIT)

    assert len(upstream.requests) == asked


def test_it_begins_to_ask_when_it_is_told_to(begin: Begin, upstream: ScriptedUpstream) -> None:
    upstream.default = MODELS
    probing = begin(settings=HealthSettings(interval=0.0))
    call(probing.prober, "whatever it has to do first", LIMIT)
    assert upstream.requests == []

    probing.mandate.terms = replace(probing.mandate.terms, health=ONCE)
    cast(probing.prober, TermsChanged())

    assert probing.result.models == ("a", "b")
