"""A Redis of the test's own, and ways to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cortex_actors.journal.parcels import Place
from cortex_actors.journal.redis_streams import RedisStreams
from tests.redis_server import RedisServer

Connect = Callable[..., RedisStreams]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def connect(server: RedisServer) -> Iterator[Connect]:
    """Ways to it, one an instance."""
    with ExitStack() as stack:

        def make(instance: str = "one", *, lease: float = 60.0, ttl: float = 60.0) -> RedisStreams:
            place = Place(server.url, None, "test", ttl, lease)
            streams = RedisStreams(place, instance)
            stack.callback(streams.close)
            return streams

        yield make
