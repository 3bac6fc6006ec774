"""The functions that most programs need, over one coordinator for the whole process.

Runs on:   whoever calls.

Imports:   coordinator and its neighbours in this package; chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cortex_actors.coordinator.coordinator import Callback, Coordinator
from cortex_actors.coordinator.handle import StreamHandle
from cortex_actors.coordinator.sse_reader import ParseChunk
from cortex_actors.coordinator.status import StreamStatus
from cortex_actors.coordinator.targets import Messages


@cache
def _coordinator() -> Coordinator:
    """Made when it is first needed: its connections cost something."""
    return Coordinator()


def stream_chat(provider: str, messages: Messages, **options: Any) -> StreamHandle:
    """Asks a provider of the catalog, such as "groq", and streams what it answers.

    `model`, `key`, `base_url`, `callback` and the options of `StreamOptions`; see `Coordinator.start_stream`.
    """
    return _coordinator().start_stream(provider=provider, messages=messages, **options)


def start_stream(
    url: str | None = None,
    request: object = None,
    headers: Mapping[str, str] | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> StreamHandle:
    """Starts any stream; see `Coordinator.start_stream`."""
    return _coordinator().start_stream(url, request, headers, callback, **options)


def simple_stream(
    *,
    url: str,
    request: object,
    headers: Mapping[str, str],
    callback: Callback,
    parse_chunk: ParseChunk,
    options: Mapping[str, Any] | None = None,
) -> StreamHandle:
    """Streams from a URL to a callback, with all that this takes and nothing else; see `start_stream`."""
    said = dict(options or {})
    return _coordinator().start_stream(url, request, headers, callback, parse_chunk=parse_chunk, **said)


def cancel_stream(stream_id: str) -> bool:
    """Ends a stream by its id; False for one that is over, or that nobody knows."""
    return _coordinator().cancel_stream(stream_id)


def stream_status(stream_id: str) -> StreamStatus | None:
    """How a stream stands, or how it ended; None for one that nobody knows, or no more."""
    return _coordinator().stream_status(stream_id)
