"""Values for the tests of this package: views, routes and admissions with sensible fields."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from cortex_actors.dispatch.messages import Admission, ProviderView
from cortex_actors.resilience.breaker_board import BreakerBoard, Permit
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KEYLESS, Key, KeyRing


def view(name: str, **changes: Any) -> ProviderView:
    """A provider that is well and idle."""
    plain = ProviderView(
        name=name,
        type="openai_compatible",
        status="available",
        priority=50,
        models=(),
        capabilities=("chat_completion", "streaming"),
        in_flight=0,
        max_streams=100,
        local=False,
        draining=False,
        requests=0,
        failures=0,
        mean_ttft=None,
        last_error=None,
        breakers=BreakerBoard(name, BreakerLimits(), Random(1)).snapshot(0.0),
        keys=KeyRing([], Random(1)).snapshot(),
    )
    return replace(plain, **changes)


def admission(*, other_key: bool = False, key: Key = KEYLESS) -> Admission:
    """Leave to make an attempt, from breakers that are closed."""
    permit = BreakerBoard("p", BreakerLimits(), Random(1)).admit("m", 0.0)
    assert isinstance(permit, Permit)
    return Admission(permit, key, other_key)
