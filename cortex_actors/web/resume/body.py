"""The body of a response that reads a journal: the first one of a stream as much as the tenth.

Runs on:   the request's own thread, which waits in the journal and looks at its caller meanwhile.

It ends after the stream's last event. When the stream goes on elsewhere, or its events were dropped before
this caller took them, the connection is cut: coming back with the last id tells which of the two it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from cortex_actors.dispatch.messages import Caller
from cortex_actors.errors import EventsGone
from cortex_actors.journal.reader import Reader
from cortex_actors.settings import Settings
from cortex_actors.web.responses import StreamCut
from cortex_actors.web.resume.framing import EventFraming

#: How long the first event is waited for before the headers go out without it, in seconds.
_FIRST = 0.05


class ReaderBody:
    """What one caller is sent."""

    def __init__(
        self,
        reader: Reader,
        framing: EventFraming,
        caller: Caller,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._framing = framing
        self._caller = caller
        self._most = settings.server.window_bytes
        self._slice = settings.server.caller_check
        self._heartbeat = settings.server.heartbeat
        self._clock = clock
        self._opening = framing.opening(settings.journal.retry)
        self._begun = self._over = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """One write: all that is there, or a sign of life. The first one sends the headers."""
        if self._over:
            raise StopIteration
        if not self._begun:
            self._begun = True
            return self._opening + self._read(_FIRST)
        silent_until = self._clock() + self._heartbeat
        while not (events := self._read(self._slice)):
            self._check()
            if self._clock() >= silent_until:
                return self._framing.tick()
        return events

    def close(self) -> None:
        """Lets go of the journal; the stream itself runs on, or not, as it was asked to."""
        self._over = True
        self._reader.leave()

    def _read(self, timeout: float) -> bytes:
        try:
            records = self._reader.next(self._most, timeout)
        except EventsGone as error:
            self.close()
            raise StreamCut from error
        stream = self._reader.stream
        return b"".join(self._framing.event(stream, record) for record in records)

    def _check(self) -> None:
        """Raises what ends the body, if there is nothing to wait for any more."""
        if self._reader.has_all:
            self.close()
            raise StopIteration
        if self._reader.was_cut or self._caller.gone():
            self.close()
            raise StreamCut
