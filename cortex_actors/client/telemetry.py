"""Telemetry: what a call goes through, told to whoever listens.

    request.start   request.connected   request.retry   request.error   request.stop
    stream.start    stream.connected    stream.event    stream.reconnect   stream.error   stream.stop
    future.attempt  future.state        future.error    future.stop

An endpoint whose manifest says `"telemetry": "billing.chat"` tells `billing.chat.start` and so on. Every call
that starts ends with exactly one `stop`; an `error` comes before it when there was one. Measurements are
numbers (seconds, bytes, counts), metadata is everything else, and neither holds a credential.

Runs on:   whatever thread the call is on; a listener that raises is logged and not asked to explain.
Imports:   nothing of the project.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TelemetryEvent:
    """One thing that happened."""

    name: str
    measurements: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[TelemetryEvent], object]


def on(name: str, listener: Listener) -> Listener:
    """Listens to the events of one name only; `stream.*` is all that begin so.

    >>> Telemetry([on("stream.*", lambda event: print(event.name))]).emit("stream.start")
    stream.start
    """
    prefix = name[:-1] if name.endswith(".*") else None

    def filtered(event: TelemetryEvent) -> object:
        if event.name == name or (prefix is not None and event.name.startswith(prefix)):
            return listener(event)
        return None

    return filtered


class Telemetry:
    """Tells listeners; `metadata` is added to every event.

    >>> telemetry = Telemetry([lambda event: print(event.name, dict(event.measurements))])
    >>> telemetry.counter("cache.hits"), telemetry.gauge("queue.length", 3)
    cache.hits {'count': 1}
    queue.length {'value': 3}
    (None, None)
    """

    def __init__(
        self,
        listeners: Sequence[Listener] = (),
        metadata: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listeners = tuple(listeners)
        self._metadata = dict(metadata or {})
        self._clock = clock

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens; what nobody hears need not be put together."""
        return bool(self._listeners)

    def emit(self, name: str, measurements: Mapping[str, float] | None = None, **metadata: Any) -> None:
        """Tells of one event."""
        if not self._listeners:
            return
        event = TelemetryEvent(name, measurements or {}, {**self._metadata, **metadata})
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                _log.exception("a telemetry listener failed on %s", name)

    def counter(self, name: str, count: float = 1, **metadata: Any) -> None:
        """Tells that something happened so often."""
        self.emit(name, {"count": count}, **metadata)

    def gauge(self, name: str, value: float, **metadata: Any) -> None:
        """Tells how much of something there is."""
        self.emit(name, {"value": value}, **metadata)

    @contextmanager
    def measure(self, name: str, **metadata: Any) -> Iterator[None]:
        """Tells how many seconds a `with` block took, and whether it raised."""
        started, outcome = self._clock(), "error"
        try:
            yield
            outcome = "ok"
        finally:
            self.emit(name, {"duration": self._clock() - started}, outcome=outcome, **metadata)


SILENT = Telemetry()
