"""The dispatcher's limits: first token, idle and total, each alone, each by its own name.

A limit that must pass is short; one that must not is longer than any test. No test says how soon.
"""

from __future__ import annotations

import pytest

from cortex_actors.chat import RequestLimits, Usage
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import UpstreamTimeout
from cortex_actors.settings import Limits, ModelSettings, RetrySettings, Route
from tests.dispatch.conftest import Start
from tests.dispatch.plant import LIMIT, MODEL, ask, events, gone, provider, read, read_until
from tests.upstream import (
    Chunk,
    Hang,
    Head,
    ScriptedUpstream,
    Step,
    Wait,
    black_hole,
    json_answer,
    openai_stream,
    sse_stream,
)

#: Seconds: passes in every test that is about it.
SHORT = 0.3

PATIENT = Limits(connect=LIMIT, first_token=LIMIT, idle=LIMIT, total=2 * LIMIT)
FIRST_TOKEN = Limits(connect=LIMIT, first_token=SHORT, idle=LIMIT, total=2 * LIMIT)
IDLE = Limits(connect=LIMIT, first_token=LIMIT, idle=SHORT, total=2 * LIMIT)
TOTAL = Limits(connect=LIMIT, first_token=LIMIT, idle=LIMIT, total=SHORT)

HEAD = Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
WORD = openai_stream(["Ho"], finish=None, done=False).events[0]


def _for_a_minute(event: bytes) -> list[Step]:
    return [step for _ in range(3000) for step in (Chunk(event), Wait(0.02))]


#: Ways to say nothing once the headers are there.
PAUSES: dict[str, list[Step]] = {
    "silence": [Hang()],
    "pings": _for_a_minute(b": ping\n\n"),
    "empty deltas": _for_a_minute(b'data: {"choices": [{"index": 0, "delta": {"content": ""}}]}\n\n'),
    "usage": _for_a_minute(b'data: {"choices": [], "usage": {"prompt_tokens": 9}}\n\n'),
}

#: Ways to say nothing at all.
SILENCES: dict[str, list[Step]] = {
    "no headers": [Hang()],
    **{name: [HEAD, *pause] for name, pause in PAUSES.items()},
}


# -- to the first token


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
def test_a_provider_that_says_nothing_is_left_for_another_at_the_first_token_limit(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream, silence: list[Step]
) -> None:  # 44, 57
    upstream.default = silence
    spare.default = openai_stream(["Ho", "la"])
    plant = start(
        provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2), limits=FIRST_TOKEN
    )
    dispatcher = plant.open()
    assert read(dispatcher) == "Hola"
    assert [record.outcome for record in dispatcher.attempts] == ["first_token_timeout", "complete"]
    assert len(upstream.requests) == 1
    assert upstream.request().closed.wait(LIMIT)
    for worker in plant.workers("one"):
        gone(worker)
    assert plant.view("one").failures == 1


def test_the_first_token_limit_ends_a_request_when_nobody_else_is_left(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = [Hang()]
    plant = start(provider("one", upstream.url), limits=FIRST_TOKEN)
    with pytest.raises(UpstreamTimeout) as raised:
        plant.open()
    assert (raised.value.limit, raised.value.seconds, raised.value.http_status) == ("first_token", SHORT, 504)
    assert plant.end_names == [EndName.FIRST_TOKEN_TIMEOUT]
    assert len(upstream.requests) == 1


def test_a_long_silence_before_the_first_token_is_no_idle_time(
    start: Start, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(["Ho", "la"]).pause(0, Wait(2 * SHORT))
    plant = start(provider("one", upstream.url), limits=IDLE)
    assert read(plant.open()) == "Hola"


def test_a_provider_that_cannot_be_reached_is_left_at_the_connect_limit(
    start: Start, spare: ScriptedUpstream
) -> None:
    spare.default = openai_stream(["Ho", "la"])
    limits = Limits(connect=SHORT, first_token=LIMIT, idle=LIMIT, total=2 * LIMIT)
    with black_hole() as url:
        plant = start(provider("one", url, priority=1), provider("two", spare.url, priority=2), limits=limits)
        dispatcher = plant.open()
        assert read(dispatcher) == "Hola"
    assert [record.outcome for record in dispatcher.attempts] == ["connect_timeout", "complete"]


# -- between two contents


@pytest.mark.parametrize("pause", PAUSES.values(), ids=PAUSES)
def test_a_provider_that_falls_silent_ends_the_stream_at_the_idle_limit(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream, pause: list[Step]
) -> None:  # 45, 57
    upstream.default = [HEAD, Chunk(WORD), *pause]
    plant = start(
        provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2), limits=IDLE
    )
    dispatcher = plant.open()
    assert read(dispatcher) == "Ho"
    end = dispatcher.end
    assert end is not None
    assert isinstance(end.error, UpstreamTimeout)
    assert (end.name, end.error.limit, end.error.seconds) == (EndName.IDLE_TIMEOUT, "idle", SHORT)
    assert end.finish is None
    assert upstream.request().closed.wait(LIMIT)
    assert spare.requests == []
    assert plant.view("one").failures == 1


def test_the_idle_limit_counts_from_the_last_content(start: Start, upstream: ScriptedUpstream) -> None:
    words = [f"{number} " for number in range(20)]
    upstream.default = openai_stream(words).paced(SHORT / 10)
    plant = start(provider("one", upstream.url), limits=IDLE)
    assert read(plant.open()) == "".join(words)


def test_what_was_said_before_the_silence_is_in_the_end(start: Start, upstream: ScriptedUpstream) -> None:
    usage = sse_stream({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}).events[0]
    upstream.default = [HEAD, Chunk(WORD), Chunk(usage), Hang()]
    plant = start(provider("one", upstream.url), limits=IDLE)
    assert Usage(9, 1) in events(plant.open())
    assert plant.ends[0].usage == Usage(9, 1)


# -- over all attempts


def test_the_total_limit_ends_a_stream_that_is_under_way(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho"] * 1000).paced(0.02)
    plant = start(provider("one", upstream.url), limits=TOTAL)
    assert read(plant.open()).startswith("Ho")
    end = plant.ends[0]
    assert isinstance(end.error, UpstreamTimeout)
    assert (end.name, end.error.limit, end.error.seconds) == (EndName.TOTAL_TIMEOUT, "total", SHORT)
    assert upstream.request().closed.wait(LIMIT)
    assert plant.view("one").failures == 0


def test_the_total_limit_counts_all_attempts_together(
    start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream
) -> None:
    upstream.default = spare.default = [Hang()]
    limits = Limits(connect=LIMIT, first_token=SHORT, idle=SHORT, total=1.5 * SHORT)
    plant = start(
        provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2), limits=limits
    )
    with pytest.raises(UpstreamTimeout) as raised:
        plant.open()
    assert raised.value.limit == "total"
    assert [record.outcome for record in plant.ends[0].attempts] == ["first_token_timeout", "total_timeout"]
    assert plant.end_names == [EndName.TOTAL_TIMEOUT]
    assert plant.view("two").failures == 0


def test_the_total_limit_ends_a_retry_pause(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = json_answer(429, headers={"Retry-After": "15"})
    plant = start(provider("one", upstream.url), limits=TOTAL, retry=RetrySettings(max_retry_after=LIMIT))
    with pytest.raises(UpstreamTimeout) as raised:
        plant.open()
    assert raised.value.limit == "total"
    assert [record.outcome for record in plant.ends[0].attempts] == ["upstream_rate_limited"]
    assert len(upstream.requests) == 1


# -- who has a say


def test_a_caller_may_tighten_a_limit(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = [Hang()]
    plant = start(provider("one", upstream.url), limits=PATIENT)
    with pytest.raises(UpstreamTimeout) as raised:
        plant.open(ask(limits=RequestLimits(first_token=SHORT)))
    assert raised.value.seconds == SHORT


def test_a_public_model_may_tighten_a_limit(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = [HEAD, Chunk(WORD), Hang()]
    hasty = ModelSettings(name="hasty", routes=(Route("one", MODEL),), limits=RequestLimits(idle=SHORT))
    plant = start(provider("one", upstream.url), limits=PATIENT, models=(hasty,))
    assert read(plant.open(ask(model="hasty"))) == "Ho"
    error = plant.ends[0].error
    assert isinstance(error, UpstreamTimeout)
    assert (error.limit, error.seconds) == ("idle", SHORT)


@pytest.mark.parametrize(
    ("limits", "name"),
    [(FIRST_TOKEN, "first_token"), (TOTAL, "total")],
    ids=["first_token", "total"],
)
def test_a_provider_has_its_own_limits(
    start: Start, upstream: ScriptedUpstream, limits: Limits, name: str
) -> None:
    upstream.default = [Hang()]
    plant = start(provider("one", upstream.url, limits=limits), limits=PATIENT)
    with pytest.raises(UpstreamTimeout) as raised:
        plant.open()
    assert raised.value.limit == name


def test_a_patient_provider_may_take_longer_than_the_others(start: Start, upstream: ScriptedUpstream) -> None:
    upstream.default = openai_stream(["Ho", "la"]).pause(1, Wait(2 * SHORT))
    plant = start(provider("one", upstream.url, limits=PATIENT), limits=TOTAL)
    dispatcher = plant.open()
    read_until(dispatcher, "Ho")
    assert read(dispatcher) == "la"
