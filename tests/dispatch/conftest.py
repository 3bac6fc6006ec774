"""Upstreams and plants; and every test leaves no actor and no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pykka import ActorRegistry

from cortex_actors.otp.counters import COUNTERS
from tests.dispatch.broken import ON
from tests.dispatch.plant import LIMIT, Plant, provider
from tests.upstream import ScriptedUpstream

Start = Callable[..., Plant]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before, abandoned = set(threading.enumerate()), COUNTERS.abandoned_total
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT)
        assert not thread.is_alive(), f"{thread.name} still runs"
    assert ActorRegistry.get_all() == []
    assert COUNTERS.abandoned_total == abandoned, "an actor had to be left behind"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def spare() -> Iterator[ScriptedUpstream]:
    """A second one, for a second provider."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def start(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Start]:
    """Starts plants, which are stopped before the upstreams are."""
    with ExitStack() as stack:
        yield lambda *providers, **sections: stack.enter_context(Plant(*providers, **sections))


@pytest.fixture
def two(start: Start, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Plant:
    """A provider and its fallback, which goes on with what breaks off."""
    return start(
        provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2), recovery=ON
    )


@pytest.fixture
def alone(start: Start, upstream: ScriptedUpstream) -> Plant:
    """A provider without a fallback, which is asked to go on itself."""
    return start(provider("one", upstream.url), recovery=ON)
