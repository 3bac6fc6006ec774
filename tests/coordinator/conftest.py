"""An upstream, a coordinator, and every test leaves no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cortex_actors.coordinator import Coordinator
from tests.upstream import ScriptedUpstream

#: Seconds after which a test gives up; nothing that passes takes a tenth of it.
LIMIT = 20.0


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT)
        assert not thread.is_alive(), f"{thread.name} still runs"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def coordinator(upstream: ScriptedUpstream) -> Iterator[Coordinator]:
    """Closed before the upstream is, so that every stream has been let go by then."""
    coordinator = Coordinator()
    yield coordinator
    coordinator.close()
