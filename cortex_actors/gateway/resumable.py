"""Resumable streams: opened, found again, cancelled, and given up to another instance when this one ends.

    open       a new stream: a pump fills its journal, the caller is its first reader
    resume     a reader that goes on after an event, wherever the stream runs
    cancel     its caller wants no more of it
    leave      this instance ends: others go on with what they can go on with

Runs on:   the requests' threads; each stream on that of its pump.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import (
    CortexError,
    EventsGone,
    GatewayBusy,
    GatewayDraining,
    InstanceLost,
    InternalError,
    NotFound,
    StreamCancelled,
)
from cortex_actors.gateway.follower import GoOn
from cortex_actors.gateway.pump import Pump
from cortex_actors.gateway.resumption import Asking, Opened, OpenStream, StayingCaller, lines_of
from cortex_actors.gateway.sharing import Sharing
from cortex_actors.journal.event_id import EventId
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.owner import same_owner
from cortex_actors.journal.reader import Reader
from cortex_actors.journal.shelf import Shelf
from cortex_actors.settings import Settings

_log = logging.getLogger(__name__)


class Resumables:
    """All resumable streams of one gateway."""

    def __init__(self, settings: Settings, open_stream: OpenStream) -> None:
        said = settings.journal
        self._limit = said.stream_bytes
        self._window = min(settings.server.window_bytes, said.stream_bytes // 2)
        self._open_stream = open_stream
        self._shelf = Shelf(said.total_bytes, said.ttl)
        self._most_readers = said.max_readers
        self._places = threading.Semaphore(said.max_readers)
        self._pumps: dict[str, Pump] = {}
        self._leaving = False
        #: None where each instance resumes its own streams.
        self._sharing: Sharing | None = None
        #: How often streams were resumed, by where they were found.
        self.resumed = {"here": 0, "elsewhere": 0, "taken_over": 0}
        if said.backend == "redis":
            self._sharing = Sharing(settings, self._shelf, self._go_on)

    # -- views

    @property
    def streams(self) -> int:
        """How many journals there are."""
        return self._shelf.count

    @property
    def size(self) -> int:
        """What they hold, in bytes."""
        return self._shelf.size

    @property
    def lost(self) -> bool:
        """Whether other instances should be able to resume the streams of this one, and are not."""
        return self._sharing is not None and not self._sharing.mirror.well

    # -- what callers ask for

    def open(self, request: ChatRequest, asking: Asking, *, question: bytes, detach: bool) -> Opened | None:
        """A new stream that can be resumed; None, and nobody was asked, when there is no room for one.

        With `detach` it runs on when it has no reader any more. Raises GatewayBusy when there are too many
        readers, which is soon over, and what `open_stream` raises.
        """
        if not self._most_readers or not self._shelf.has_room():
            return None
        self._take_place()
        caller = StayingCaller(asking.caller)
        try:
            stream = self._open_stream(request, caller)
        except BaseException:
            self._places.release()
            raise
        caller.leave_alone()
        kept = question if self._sharing and len(question) <= self._limit else b""
        gate = self._sharing.gate if self._sharing else None
        journal = Journal(stream.id, asking.owner, kept, self._limit, gate=gate)
        reader = journal.attach(EventId(stream.id, 0))
        reader.on_leave = self._places.release
        self._shelf.put(journal)
        pump = self._pump(journal, stream, asking.script.pieces(stream), asking)
        if not detach:
            journal.on_deserted = pump.cancel
        self._keep(pump)
        pump.start()
        return Opened(stream, reader)

    def resume(self, after: EventId, asking: Asking) -> Reader:
        """A reader that goes on after an event; number 0 is the start.

        Raises NotFound for what never was or is another's, EventsGone, EventAhead, JournalUnavailable,
        GatewayBusy.
        """
        self._take_place()
        try:
            reader = self._attach(after, asking)
        except BaseException:
            self._places.release()
            raise
        reader.on_leave = self._places.release
        return reader

    def cancel(self, stream: str, owner: str) -> None:
        """Ends a stream if it still runs; another instance may need a moment. Raises as `resume` does."""
        journal = self._found(stream, owner)
        sharing = self._sharing
        if sharing is not None and (journal is None or sharing.elsewhere.has(stream)):
            sharing.elsewhere.cancel(stream, owner)
        elif (pump := self._pumps.get(stream)) is not None:
            pump.cancel()

    # -- the end of this instance

    def leave(self) -> None:
        """Others may go on with what they can go on with; nobody here waits for a reader any more."""
        self._leaving = True
        for pump in list(self._pumps.values()):
            pump.end(move=self._sharing is not None and self._sharing.mirror.well)
        if self._sharing is not None:
            self._sharing.elsewhere.stop()

    def close(self) -> None:
        """Writes to Redis what is still to be written, and stops."""
        if self._sharing is not None:
            self._sharing.close()
        self._shelf.close()

    # -- streams that run here

    def _take_place(self) -> None:
        """Takes the place of a reader, which its leaving frees."""
        if not self._places.acquire(blocking=False):
            raise GatewayBusy("As many callers read as may read at once.")

    def _pump(self, journal: Journal, stream: Stream, pieces: Iterator[bytes], asking: Asking) -> Pump:
        return Pump(
            journal,
            stream,
            pieces,
            asking.script,
            window=self._window,
            grew=self._grew,
            move=self._give_up,
            done=self._done,
        )

    def _keep(self, pump: Pump, token: int = 1) -> None:
        self._pumps[pump.journal.stream] = pump
        if self._sharing is not None:
            self._sharing.mirror.keep(
                pump.journal, token=token, opened=token > 1, on_lost=pump.lose, on_cancel=pump.cancel
            )

    def _grew(self, journal: Journal) -> None:
        self._shelf.grew(journal)
        if self._sharing is not None:
            self._sharing.mirror.touch(journal)

    def _give_up(self, journal: Journal) -> bool:
        """Lets another instance go on with a stream, if Redis is there to tell."""
        given = self._sharing is not None and self._sharing.give_up(journal)
        if given:
            journal.cut()
        return given

    def _done(self, journal: Journal) -> None:
        self._pumps.pop(journal.stream, None)
        if journal.state == "cut":
            self._shelf.drop(journal, remember=False)

    # -- finding streams

    def _attach(self, after: EventId, asking: Asking) -> Reader:
        journal = self._found(after.stream, asking.owner)
        if journal is not None:
            reader = journal.attach(after)
            self.resumed["here"] += 1
            return reader
        if self._leaving:
            raise GatewayDraining()
        assert self._sharing is not None
        reader = self._sharing.elsewhere.attach(after, asking)
        self.resumed["elsewhere"] += 1
        return reader

    def _found(self, stream: str, owner: str) -> Journal | None:
        """The journal of a stream in this process; None when it may be elsewhere."""
        journal = self._shelf.find(stream)
        if journal is not None and journal.state != "cut":
            if not same_owner(journal.owner, owner):
                raise NotFound("There is no such stream.")
            return journal
        if self._sharing is not None:
            return None
        if self._shelf.remembers(stream, owner):
            raise EventsGone("The stream is over, and its time to live has ended.")
        raise NotFound("There is no such stream.")

    # -- taking over

    def _go_on(self, asking: Asking, found: GoOn) -> None:
        """Runs a stream from where another instance left it; returns when it is over."""
        sharing = self._sharing
        assert sharing is not None
        journal, token = found.journal, found.taken.token
        sharing.elsewhere.adopt(journal)
        journal.take_over(sharing.gate, token, found.taken.question)
        self.resumed["taken_over"] += 1
        sharing.mirror.keep(journal, token=token, opened=True, on_lost=journal.cut, on_cancel=lambda: None)
        try:
            stream = self._reopened(found, asking)
        except (GatewayBusy, GatewayDraining):
            self._give_up(journal)  # another instance may have room
            journal.cut()
            self._done(journal)
            return
        except Exception as error:
            if not isinstance(error, CortexError):
                _log.exception("stream %s could not be taken over", journal.stream)
            told = error if isinstance(error, CortexError) else InternalError()
            journal.append(lines_of(asking.script.failure(told)))
            self._grew(journal)
            return
        pump = self._pump(journal, stream, asking.script.further_pieces(stream), asking)
        self._keep(pump, token)
        pump.run()

    def _reopened(self, found: GoOn, asking: Asking) -> Stream:
        """The rest of an answer, by recovery. Raises the error to tell."""
        if found.taken.cancelled:
            raise StreamCancelled("Its caller ended the stream.")
        journal, script = found.journal, asking.script
        text = script.text(journal.lines()) if journal.first == 1 else None
        if text is None or not journal.question:
            raise InstanceLost("The instance that ran the stream is gone, and nobody can go on with it.")
        caller = StayingCaller(asking.caller).leave_alone()
        return self._open_stream(script.request(journal.question), caller, delivered=text)
