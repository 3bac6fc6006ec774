"""Streams of every fate, hundreds of them: all as they should be, and nothing left of them."""

from __future__ import annotations

from pathlib import Path

from tests.bench.soak import soak

STREAMS = 600


def test_after_streams_of_every_fate_threads_sockets_and_actors_are_what_they_were(
    mode: str, tmp_path: Path
) -> None:
    found = soak(mode, STREAMS, tmp_path)

    assert not found.wrong
    assert found.fates.total() == STREAMS
    assert min(found.fates.values()) >= STREAMS // 12
    assert found.after.threads <= found.before.threads + found.loose_threads
    assert found.after.sockets <= found.before.sockets
    assert found.after.descriptors <= found.before.descriptors
    assert found.after.actors == found.before.actors
