"""An attempt as its dispatcher remembers it."""

from __future__ import annotations

import pytest

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.channel import Window
from cortex_actors.dispatch.limits import StreamLimits
from cortex_actors.dispatch.messages import Route
from cortex_actors.errors import AttemptCancelled, GatewayDraining, UpstreamFailure
from cortex_actors.transport import UpstreamRequest
from tests.dispatch.factories import admission, provider


@pytest.fixture
def attempt() -> Attempt:
    """The first attempt of a request, begun at second 100."""
    one = provider("one")
    request = UpstreamRequest("POST", "http://127.0.0.1:9")
    exchange = one.transport.exchange(request, connect_timeout=1.0, read_timeout=1.0)
    limits = StreamLimits(1.0, 2.0, 3.0, 4.0)
    return Attempt(1, Route("one", "m"), one, admission(), exchange, Window(1000), limits, 100.0, model="m")


@pytest.mark.parametrize(
    "event",
    [Chunk("Ho"), Chunk(reasoning="Hm"), Chunk(tool_calls=(ToolCallDelta(0, "a", "f"),))],
    ids=["text", "reasoning", "tool call"],
)
def test_content_re_arms_the_limits(attempt: Attempt, event: AnswerEvent) -> None:
    assert attempt.note((AnswerInfo("m-1"), event), 101.0)
    assert (attempt.first_content, attempt.last_progress) == (101.0, 101.0)
    assert attempt.note((event,), 102.0)
    assert (attempt.first_content, attempt.last_progress) == (101.0, 102.0)


@pytest.mark.parametrize("event", [Chunk(), Usage(1, 1), AnswerInfo("m-1")], ids=["empty", "usage", "info"])
def test_what_is_no_content_does_not(attempt: Attempt, event: AnswerEvent) -> None:
    assert not attempt.note((event,), 101.0)
    assert (attempt.first_content, attempt.last_progress) == (None, 0.0)


def test_it_remembers_what_the_provider_says_of_its_answer(attempt: Attempt) -> None:
    attempt.note((AnswerInfo("m-2026"), Usage(1, 1), Usage(1, 5), Finish(FinishReason.LENGTH)), 101.0)
    assert (attempt.model, attempt.usage, attempt.finish) == ("m-2026", Usage(1, 5), FinishReason.LENGTH)


def test_it_is_whole_when_something_was_said_and_why_it_stopped(attempt: Attempt) -> None:
    attempt.note((Chunk("Ho"),), 101.0)
    before = attempt.whole
    attempt.note((Finish(FinishReason.STOP),), 102.0)
    assert (before, attempt.whole, attempt.last_progress) == (False, True, 102.0)


@pytest.mark.parametrize(
    ("reason", "whole"), [(FinishReason.STOP, False), (FinishReason.CONTENT_FILTER, True)]
)
def test_without_a_word_only_a_refusal_is_whole(attempt: Attempt, reason: FinishReason, whole: bool) -> None:
    attempt.note((Finish(reason),), 101.0)
    assert attempt.whole is whole


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (None, "complete", None),
        (UpstreamFailure(upstream_status=503), "upstream_failure", 503),
        (AttemptCancelled(), "cancelled", None),
        (GatewayDraining(), "gateway_draining", None),
    ],
)
def test_its_record_tells_who_was_asked_and_what_came_of_it(
    attempt: Attempt, error: UpstreamFailure | None, outcome: str, status: int | None
) -> None:
    record = attempt.record(error, 101.5)
    assert (record.number, record.provider, record.model) == (1, "one", "m")
    assert (record.outcome, record.status, record.milliseconds) == (outcome, status, 1500)


def test_its_outcome_tells_how_long_it_took(attempt: Attempt) -> None:
    assert attempt.outcome(None, 103.0).ttft is None
    attempt.note((Chunk("Ho"),), 101.0)
    outcome = attempt.outcome(None, 103.0)
    assert (outcome.admission, outcome.error, outcome.ttft, outcome.duration) == (
        attempt.admission,
        None,
        1.0,
        3.0,
    )


def test_cancelling_fences_it_and_may_be_repeated(attempt: Attempt) -> None:
    attempt.cancel()
    attempt.cancel()
    assert attempt.window.fenced
    with pytest.raises(AttemptCancelled):
        attempt.exchange.open()
