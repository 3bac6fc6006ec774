"""What a caller is told when a provider takes no attempt."""

from __future__ import annotations

from typing import Literal

import pytest

from cortex_actors.dispatch.messages import NotAdmitted
from cortex_actors.dispatch.refusals import refusal
from cortex_actors.errors import NoWorkersAvailable, UpstreamRateLimited

Reason = Literal["breaker_open", "rate_limited", "no_key", "draining"]


@pytest.mark.parametrize("reason", ["breaker_open", "rate_limited", "no_key", "draining"])
def test_every_reason_is_a_503_that_names_the_provider_and_a_time(reason: Reason) -> None:
    error = refusal(NotAdmitted(reason, 7.0), "groq-primary")
    assert error.http_status == 503
    assert "groq-primary" in error.details
    assert error.headers == {"Retry-After": "7"}


def test_a_rate_limit_is_told_as_one() -> None:
    error = refusal(NotAdmitted("rate_limited", 7.0), "groq-primary")
    assert isinstance(error, UpstreamRateLimited)
    assert error.provider == "groq-primary"


@pytest.mark.parametrize("reason", ["breaker_open", "no_key", "draining"])
def test_without_a_time_the_caller_gets_one_all_the_same(reason: Reason) -> None:
    error = refusal(NotAdmitted(reason), "groq-primary")
    assert isinstance(error, NoWorkersAvailable)
    assert int(error.headers["Retry-After"]) > 0


def test_no_time_left_is_still_a_second() -> None:
    assert refusal(NotAdmitted("breaker_open", 0.0), "one").headers == {"Retry-After": "1"}
