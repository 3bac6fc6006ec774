"""Values for the tests of this package: providers, books, views and admissions with sensible fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from cortex_actors.dispatch.messages import Admission, ProviderBooks, ProviderView
from cortex_actors.dispatch.provider import Provider
from cortex_actors.otp.dynamic_supervisor import Roster
from cortex_actors.providers.catalog import create
from cortex_actors.resilience.breaker_board import AttemptOutcome, BreakerBoard, Permit
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.resilience.key_ring import KEYLESS, Key, KeyRing
from cortex_actors.settings import ProviderSettings, Secret
from cortex_actors.transport import HTTPTransport

#: Opens at the first failure, for ten seconds sharp.
STRICT = BreakerLimits(minimum_calls=1, open_for=10.0, open_max=10.0, jitter=0.0)


def provider(name: str = "one", *, keys: Iterable[str] = (), **changes: Any) -> Provider:
    """A configured provider with a road that nobody takes."""
    plain: dict[str, Any] = {"base_url": "http://127.0.0.1:9", "model": "m", "models": ("m",)}
    secrets = tuple(Secret(key) for key in keys)
    settings = ProviderSettings(name=name, keys=secrets, **(plain | changes))
    adapter = create(name, settings.type, settings.base_url, options=settings.options)
    return Provider(name, settings, adapter, HTTPTransport(), Roster(f"{name}/streams", settings.max_streams))


def books(name: str = "one", **changes: Any) -> ProviderBooks:
    """The books of a provider that is well."""
    return replace(
        ProviderBooks(
            breakers=BreakerBoard(name, BreakerLimits(), Random(1)).snapshot(0.0),
            keys=KeyRing([], Random(1)).snapshot(),
        ),
        **changes,
    )


def tripped(name: str = "one", model: str = "m", *, at: float = 0.0) -> BreakerBoard:
    """The breakers of a provider whose model has just failed."""
    board = BreakerBoard(name, STRICT, Random(1))
    permit = board.admit(model, at)
    assert isinstance(permit, Permit)
    board.record(permit, AttemptOutcome("server", reached=True), at)
    return board


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
