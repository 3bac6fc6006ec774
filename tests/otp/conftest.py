"""Every test begins without actors and leaves none behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pykka import ActorRegistry

from cortex_actors.otp.reasons import SHUTDOWN
from cortex_actors.otp.stopping import stop_together
from tests.otp.actors import Journal


@pytest.fixture(autouse=True)
def _no_actor_is_left() -> Iterator[None]:
    yield
    stop_together(list(reversed(ActorRegistry.get_all())), 2.0, SHUTDOWN)
    assert ActorRegistry.get_all() == []


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def gate(_no_actor_is_left: None) -> Iterator[threading.Event]:
    """What stuck actors wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stuck actor is abandoned soon."""
    monkeypatch.setattr("cortex_actors.otp.stopping.KILL_GRACE", 0.05)
