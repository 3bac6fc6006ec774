"""The four limits: the strictest word counts."""

from __future__ import annotations

from cortex_actors.chat import RequestLimits
from cortex_actors.dispatch.limits import StreamLimits, stream_limits
from cortex_actors.settings import Limits

CONFIGURED = Limits(connect=1.0, first_token=10.0, idle=20.0, total=100.0)


def test_without_a_word_from_anyone_the_configured_limits_hold() -> None:
    assert stream_limits(CONFIGURED, RequestLimits()) == StreamLimits(1.0, 10.0, 20.0, 100.0)


def test_a_caller_may_tighten_each_limit() -> None:
    said = RequestLimits(first_token=1.0, idle=2.0, total=3.0)
    assert stream_limits(CONFIGURED, said) == StreamLimits(1.0, 1.0, 2.0, 3.0)


def test_a_caller_may_not_loosen_any() -> None:
    said = RequestLimits(first_token=1e9, idle=1e9, total=1e9)
    assert stream_limits(CONFIGURED, said) == StreamLimits(1.0, 10.0, 20.0, 100.0)


def test_the_strictest_of_several_counts() -> None:
    limits = stream_limits(CONFIGURED, RequestLimits(idle=5.0), RequestLimits(idle=7.0, total=9.0))
    assert (limits.idle, limits.total) == (5.0, 9.0)
