"""The mirror: copies the journals that this instance writes to Redis, behind their streams, in order.

    keep(journal)       from now on it is copied, and its lease renewed
    touch(journal)      it has grown
    release(journal)    it is given up: another instance may go on with the stream at once

Runs on:   one thread of its own, started with the first journal; no stream ever waits for it.

The journals themselves are what waits to be written, so that nothing here needs a bound. When Redis does not
answer, the gate is opened, and everything is compared again once it does: what it lost is written anew from
memory, and what memory has dropped meanwhile becomes a beginning that is gone, never a hole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from cortex_actors.errors import JournalUnavailable
from cortex_actors.journal.gate import Gate
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.parcels import Parcel, Verdict

_log = logging.getLogger(__name__)

#: Journals that are written in one go, and bytes of each.
_TOGETHER = 64
_PARCEL_BYTES = 256 * 1024

#: Leases are renewed so many times before they would end.
_RENEWALS = 3


class Writer(Protocol):
    """As much of `RedisStreams` as is needed here."""

    def append(self, parcels: list[Parcel], /) -> list[Verdict]: ...

    def release(self, stream: str, token: int, /) -> None: ...

    def ping(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Kept:
    """A journal that is copied."""

    journal: Journal
    token: int
    #: Redis knows the stream.
    opened: bool
    renew_at: float
    #: Told when another instance has taken the stream over, and when somebody wants it cancelled.
    on_lost: Callable[[], None]
    on_cancel: Callable[[], None]

    @property
    def settled(self) -> bool:
        """Whether Redis has it all, and nothing will be added."""
        journal = self.journal
        return journal.state == "cut" or (journal.state == "ended" and journal.confirmed >= journal.last)


class Mirror:
    """The way from journals in memory to those in Redis. Times in seconds."""

    def __init__(
        self,
        writer: Writer,
        gate: Gate,
        *,
        lease: float,
        ttl: float,
        retry_every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._gate = gate
        self._lease = lease
        self._ttl = ttl
        self._retry_every = retry_every
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._touched: set[str] = set()
        self._thread: threading.Thread | None = None
        self._closing = False
        #: When leases are to be looked through next.
        self._renew_at = 0.0
        self._news = threading.Condition(threading.Lock())
        #: Whether Redis answered when it was asked last.
        self.well = True

    def keep(
        self,
        journal: Journal,
        *,
        token: int = 1,
        opened: bool = False,
        on_lost: Callable[[], None],
        on_cancel: Callable[[], None],
    ) -> None:
        """Copies this journal from now on."""
        now = self._clock()
        journal.lease_until = now + self._lease
        kept = _Kept(journal, token, opened, now, on_lost, on_cancel)
        with self._news:
            self._kept[journal.stream] = kept
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="journal-mirror", daemon=True)
                self._thread.start()
        self.touch(journal)

    def touch(self, journal: Journal) -> None:
        """This journal has something to be written."""
        with self._news:
            if journal.stream in self._kept:
                self._touched.add(journal.stream)
                self._news.notify_all()

    def forget(self, journal: Journal) -> None:
        """Copies this journal no more; Redis keeps what it has."""
        with self._news:
            kept = self._kept.get(journal.stream)
            if kept is not None and kept.journal is journal:
                del self._kept[journal.stream]
                self._touched.discard(journal.stream)
                self._news.notify_all()

    def release(self, journal: Journal, patience: float) -> bool:
        """Lets another instance go on with a stream; False when Redis does not hear of it in time."""
        kept = self._kept.get(journal.stream)
        if kept is None or not self._wait_until_written([kept], patience):
            return False
        self.forget(journal)  # first, so that its lease is not renewed behind our back
        try:
            self._writer.release(journal.stream, kept.token)
        except JournalUnavailable:
            with self._news:
                self._kept[journal.stream] = kept
            return False
        return True

    def flush(self, patience: float) -> bool:
        """Waits until Redis has everything; False when it does not in time."""
        return self._wait_until_written(list(self._kept.values()), patience)

    def close(self) -> None:
        """Writes nothing more."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(2 * self._retry_every + 2)

    # -- the thread

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(self._is_called, max(0.0, self._renew_at - self._clock()))
                if self._closing:
                    return
            try:
                self._round()
            except JournalUnavailable as error:
                self._failed(error)
            except Exception:  # a bug of ours must not end what every stream counts on
                _log.exception("the journal could not be copied")
                self._failed(None)

    def _round(self) -> None:
        """Writes what a few journals have to be written, and hears what became of it."""
        chosen = self._choose()
        started = self._clock()
        if chosen:
            verdicts = self._writer.append([self._parcel(kept) for kept in chosen])
        else:
            verdicts = []
            if not self.well:
                self._writer.ping()
        if not self.well:
            _log.info("the journal is copied again")
        if not self.well or any(verdict.outcome == "again" for verdict in verdicts):
            self.well = True
            self._compare_all()
        for kept, verdict in zip(chosen, verdicts, strict=True):
            self._heed(kept, verdict, started)
        with self._news:
            self._news.notify_all()
            if not self._touched:
                self._gate.caught_up()

    def _choose(self) -> list[_Kept]:
        now = self._clock()
        with self._news:
            if self._renew_at <= now:
                self._touch_due(now)
            names = list(islice(self._touched, _TOGETHER))
            self._touched.difference_update(names)
            return [self._kept[name] for name in names]

    def _touch_due(self, now: float) -> None:
        """Marks the streams whose lease must be renewed; a few early ones too, so that it is done rarely."""
        running = [(kept.renew_at, name) for name, kept in self._kept.items() if not kept.settled]
        soon = now + self._lease / _RENEWALS / 4
        self._touched.update(name for renew_at, name in running if renew_at <= soon)
        later = [renew_at for renew_at, name in running if renew_at > soon]
        self._renew_at = min([*later, now + self._lease / _RENEWALS])

    def _parcel(self, kept: _Kept) -> Parcel:
        journal = kept.journal
        kept.renew_at = self._clock() + self._lease / _RENEWALS
        number, records = journal.unconfirmed(_PARCEL_BYTES)
        final = journal.state == "ended" and number + len(records) > journal.last
        keep = self._ttl
        if final:
            keep = max(0.001, journal.ended_at + self._ttl - self._clock())
        return Parcel(
            stream=journal.stream,
            opens=not kept.opened,
            owner=journal.owner,
            question=journal.question,
            token=kept.token,
            oldest=journal.oldest(),
            number=number,
            epoch=records[0].epoch if records else kept.token,
            lines=tuple(record.line for record in records),
            final=final,
            keep=keep,
        )

    def _heed(self, kept: _Kept, verdict: Verdict, asked_at: float) -> None:
        journal = kept.journal
        if verdict.outcome == "lost":
            _log.warning("stream %s is run by another instance now", journal.stream)
            self.forget(journal)
            kept.on_lost()
            return
        kept.opened = verdict.outcome != "unknown"
        if verdict.outcome in ("written", "behind"):
            journal.confirm(verdict.last, asked_at + self._lease)
        if verdict.outcome != "written" or journal.confirmed < journal.last:
            self.touch(journal)
        if verdict.cancel and journal.state == "running":
            kept.on_cancel()

    def _failed(self, error: JournalUnavailable | None) -> None:
        if self.well:
            _log.warning("the journal is not copied for now: %s", error or "a bug of ours")
        self.well = False
        self._gate.give_up()
        with self._news:
            # Whatever was on its way is on its way again.
            self._touched.update(name for name, kept in self._kept.items() if not kept.settled)
            self._news.wait_for(lambda: self._closing, self._retry_every)

    def _compare_all(self) -> None:
        """Redis may have lost what it had, also of streams that are over."""
        with self._news:
            self._touched.update(self._kept)

    # -- waiting

    def _is_called(self) -> bool:
        return bool(self._touched) or self._closing or not self.well

    def _wait_until_written(self, kept: list[_Kept], patience: float) -> bool:
        def written() -> bool:
            return all(each.journal.confirmed >= each.journal.last and each.opened for each in kept)

        with self._news:
            return self._news.wait_for(lambda: written() or self._closing, patience) and written()
