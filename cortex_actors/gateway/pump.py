"""The pump: carries a stream into its journal, whoever reads it, and sees to it that the journal has an end.

Runs on:   one thread a resumable stream, as the stream's dispatcher does; `cancel`, `end`, `lose` on any.
Sends:     nothing but what closing the stream sends.

    pieces (records, as the front end writes them)  ->  journal  ->  its readers, at their own pace

It stays within a window of the foremost reader, so that a slow one slows its provider down, as without a
journal; with no reader it goes on, and the journal forgets its oldest events beyond its bound.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError, GatewayDraining, InternalError, StreamCancelled
from cortex_actors.gateway.resumption import Script, lines_of
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.records import is_final, weight

_log = logging.getLogger(__name__)

#: How long it waits for room before it looks whether it should still wait, in seconds.
_LOOK = 0.25

#: How a record tells of a failure.
_FAILURE = b"error "


class Pump:
    """One stream on its way into its journal."""

    def __init__(
        self,
        journal: Journal,
        stream: Stream,
        pieces: Iterator[bytes],
        script: Script,
        *,
        window: int,
        grew: Callable[[Journal], None],
        move: Callable[[Journal], bool],
        done: Callable[[Journal], None],
    ) -> None:
        self.journal = journal
        self._stream = stream
        self._pieces = pieces
        self._script = script
        self._window = window
        self._grew = grew
        self._move = move
        self._done = done
        self._hurry = False
        self._cancelled = False
        self._moving = False

    def start(self) -> None:
        """Runs it on a thread of its own."""
        name = f"pump-{self.journal.stream[:8]}"
        threading.Thread(target=self.run, name=name, daemon=True).start()

    def run(self) -> None:
        """Carries everything over; returns when the stream is over, however it ended."""
        try:
            self._carry()
        except BrokenPipeError:
            pass  # the stream ended, and there was nobody to be told why
        except Exception:
            _log.exception("stream %s: its journal could not be written", self.journal.stream)
        finally:
            self._stream.close()
            self._close_journal()
            self._done(self.journal)

    def cancel(self) -> None:
        """Its caller wants no more: ends the stream, and tells its readers."""
        self._cancelled = self._hurry = True
        self._stream.close()

    def end(self, *, move: bool) -> None:
        """The instance ends: waits for readers no more. What can go on elsewhere may `move` there."""
        if move and self.journal.question and self._script.text(self.journal.lines()) is not None:
            self._moving = True
        self._hurry = True

    def lose(self) -> None:
        """Another instance runs the stream already."""
        self._moving = self._hurry = True
        self.journal.cut()
        self._stream.close()

    def _carry(self) -> None:
        for piece in self._pieces:
            lines = lines_of(piece)
            if lines and self._moving and lines[-1].startswith(_FAILURE):
                lines.pop()
            for group in _groups(lines, self._window // 2):
                self._write(group)
            if self.journal.state != "running":
                return

    def _write(self, lines: Sequence[bytes]) -> None:
        size = sum(map(weight, lines))
        while not (self._hurry or self.journal.wait_for_room(size, self._window, _LOOK)):
            pass
        self.journal.append(lines)
        self._grew(self.journal)

    def _close_journal(self) -> None:
        if self.journal.state != "running":
            return
        if self._moving and self._move(self.journal):
            return
        self.journal.append(lines_of(self._script.failure(self._last_error())))
        self._grew(self.journal)

    def _last_error(self) -> CortexError:
        if self._cancelled:
            return StreamCancelled("Its caller ended the stream.")
        if self._moving:
            return GatewayDraining("The gateway shut down before the answer was over.")
        return InternalError()


def _groups(lines: Sequence[bytes], most: int) -> Iterator[Sequence[bytes]]:
    """The lines in groups of at most so many bytes; a longer line is a group of its own."""
    group: list[bytes] = []
    size = 0
    for line in lines:
        if group and size + weight(line) > most:
            yield group
            group, size = [], 0
        group.append(line)
        size += weight(line)
        if is_final(line):
            break
    if group:
        yield group
