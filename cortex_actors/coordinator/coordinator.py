"""The coordinator: starts streams, and knows every one that it started by its id.

Runs on:   whoever calls. A stream reads its provider on a thread of its own; with a callback it has a second
           one, which calls that.

Imports:   the modules of this package; chat, errors, streaming, transport.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cortex_actors.chat import ChatRequest, Chunk
from cortex_actors.coordinator.handle import StreamHandle
from cortex_actors.coordinator.options import StreamOptions
from cortex_actors.coordinator.recovery import Recovery, body_of, chat_in, recovery_of
from cortex_actors.coordinator.source import Source
from cortex_actors.coordinator.sse_reader import ParseChunk
from cortex_actors.coordinator.status import StreamStatus
from cortex_actors.coordinator.stream import RunningStream
from cortex_actors.coordinator.targets import Messages, Target, chat_of, of_provider, of_url
from cortex_actors.errors import InvalidRequest
from cortex_actors.streaming.meter import Meter
from cortex_actors.streaming.pipeline import Passage, Pipeline
from cortex_actors.transport import HTTPTransport

_log = logging.getLogger(__name__)

#: How many streams that are over are remembered.
_REMEMBERED = 1000

Callback = Callable[[Chunk], object]


class Coordinator:
    """Streams, and one pool of connections for all of them."""

    def __init__(self) -> None:
        self._network = HTTPTransport()
        #: Reentrant: a handle may be collected, and its stream cancelled, at any moment.
        self._lock = threading.RLock()
        self._running: dict[str, RunningStream] = {}
        self._ended: OrderedDict[str, StreamStatus] = OrderedDict()

    def start_stream(
        self,
        url: str | None = None,
        request: object = None,
        headers: Mapping[str, str] | None = None,
        callback: Callback | None = None,
        *,
        parse_chunk: ParseChunk | None = None,
        provider: str | None = None,
        messages: Messages | None = None,
        model: str | None = None,
        key: str | None = None,
        base_url: str | None = None,
        provider_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> StreamHandle:
        """Starts a stream, and returns at once: its chunks go to the callback, or to who iterates the handle.

        With `url`: posts `request` as JSON there, and `parse_chunk` reads the event stream that answers.
        With `messages`, or a ChatRequest as `request`: asks a `provider` of the catalog. The other options
        are those of `StreamOptions`. Raises InvalidRequest, SettingsError or TypeError for what cannot begin;
        what goes wrong after that is told by the stream.
        """
        said = StreamOptions(**options)
        if url is not None:
            if parse_chunk is None:
                raise InvalidRequest("parse_chunk is missing.", field="parse_chunk")
            ask = partial(of_url, url, headers, parse_chunk, self._network, provider=provider or "custom")
            recovery = None
            if said.stream_recovery:
                chat = chat_in(request)
                recovery = recovery_of(said.recovery, chat, lambda rest: ask(body_of(rest)))
            target = ask(request)
        else:
            name, chat = self._chat(provider, request, messages)
            put = partial(
                of_provider,
                name,
                self._network,
                model=model,
                key=key,
                base_url=base_url,
                headers=headers,
                provider_options=provider_options,
            )
            target = put(chat)
            recovery = recovery_of(said.recovery, chat, put) if said.stream_recovery else None
        return StreamHandle(self._run(target, said, recovery), callback)

    def cancel_stream(self, stream_id: str) -> bool:
        """Ends a stream; False for one that is over, or that nobody knows."""
        stream = self._running.get(stream_id)
        return stream is not None and stream.cancel()

    def stream_status(self, stream_id: str) -> StreamStatus | None:
        """How a stream stands, or how it ended; None for one that nobody knows, or no more."""
        stream = self._running.get(stream_id)
        return stream.status if stream is not None else self._ended.get(stream_id)

    def close(self) -> None:
        """Cancels every stream, and closes every connection."""
        for stream in tuple(self._running.values()):
            stream.cancel()
        self._network.close()

    def _chat(
        self, provider: str | None, request: object, messages: Messages | None
    ) -> tuple[str, ChatRequest]:
        if provider is None:
            raise InvalidRequest("url or provider is missing.", field="provider")
        if isinstance(request, ChatRequest):
            return provider, request
        if messages is None:
            raise InvalidRequest("messages is missing.", field="messages")
        return provider, chat_of(messages)

    def _run(self, target: Target, said: StreamOptions, recovery: Recovery | None) -> RunningStream:
        stream_id = said.stream_id or f"stream_{secrets.token_hex(8)}"
        with self._lock:
            if stream_id in self._running:
                raise InvalidRequest(f"a stream {stream_id} is running already.", field="stream_id")
            source = Source(target, said.effective_limits, said.window_bytes, stream_id, recovery)
            intake = source.intake
            meter = Meter(
                stream_id,
                target.provider,
                bytes_received=lambda: intake.bytes_received,
                unreadable=lambda: intake.unreadable,
            )
            pipeline = Pipeline(said.pipeline_stages(), Passage(meter))
            stream = RunningStream(stream_id, target.provider, source, pipeline, said.on_error, self._note)
            self._running[stream_id] = stream
        about = {"stream_id": stream_id, "provider": target.provider}
        _log.debug("the stream %s begins", stream_id, extra=about)
        return stream

    def _note(self, status: StreamStatus) -> None:
        """Keeps how a stream ended in the place of the stream."""
        with self._lock:
            self._running.pop(status.id, None)
            self._ended[status.id] = status
            self._ended.move_to_end(status.id)
            while len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
