"""How the tests of this package ask: one dialect, one conversation, short names."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cortex_actors.chat import Chunk
from cortex_actors.coordinator import Coordinator, StreamHandle
from cortex_actors.errors import CortexError
from tests.coordinator.conftest import LIMIT
from tests.upstream import ScriptedUpstream

MESSAGES = [{"role": "user", "content": "Hola"}]
KEY = "sk-0123456789abcdef"


def chat(coordinator: Coordinator, upstream: ScriptedUpstream, **options: Any) -> StreamHandle:
    """A stream of a server that speaks OpenAI's dialect."""
    asked = {"provider": "openai_compatible", "model": "m", "messages": MESSAGES, "base_url": upstream.url}
    return coordinator.start_stream(**{**asked, **options})  # type: ignore[arg-type]


def raw(
    coordinator: Coordinator, upstream: ScriptedUpstream, parse_chunk: Any, **options: Any
) -> StreamHandle:
    """A stream of a URL, read by a function."""
    return coordinator.start_stream(f"{upstream.url}/v1/chat", {}, {}, parse_chunk=parse_chunk, **options)


def as_text(data: str) -> Chunk:
    """The simplest `parse_chunk`."""
    return Chunk(data)


def up_to_failure(stream: StreamHandle) -> tuple[list[str], CortexError]:
    """What a stream says before it fails, and what it fails with."""
    got: list[str] = []
    try:
        for chunk in stream:
            got += [chunk.text] if chunk.text else []
    except CortexError as error:
        return got, error
    raise AssertionError(f"it did not fail: {got}")


def eventually(look: Callable[[], bool]) -> None:
    """Looks again and again, for what no event tells."""
    deadline = time.monotonic() + LIMIT
    while not look():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)
