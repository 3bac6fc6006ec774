"""The journals of all instances, in Redis: what is asked, and nothing of when.

Runs on:   the mirror's thread, the threads of followers, and those of requests that look for a stream.
Raises:    JournalUnavailable, whatever went wrong; nothing is tried twice here.

Redis 6.2 or newer. The only user of the library redis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from cortex_actors.errors import JournalUnavailable
from cortex_actors.journal import scripts
from cortex_actors.journal.parcels import (
    PATIENCE,
    Entry,
    Outcome,
    Parcel,
    Place,
    Sight,
    Takeover,
    Trace,
    Verdict,
)

#: Entries that are read at once.
_PAGE = 1000

#: How long it is known that a stream was there, in times to live.
_REMEMBERED = 12

#: How much longer than its time to live a stream is kept whose instance says nothing, in seconds.
_UNATTENDED = 60.0

#: How old a takeover may be when Redis comes to it, in microseconds: one that it slept over is void.
_LONGEST_DELAY = 2_000_000


class RedisStreams:
    """Redis, as far as journals need it. `instance` is the name under which this process holds leases."""

    def __init__(self, place: Place, instance: str) -> None:
        self._place = place
        self._instance = instance
        self._lease = _milliseconds(place.lease)
        self._redis: Any = redis.Redis.from_url(
            place.url,
            password=place.password,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._known = {script: _digest(script) for script in scripts.ALL}

    # -- the owner of a stream

    def append(self, parcels: Sequence[Parcel]) -> list[Verdict]:
        """Writes what is not there yet, in order, and renews each lease."""
        with _translated():
            pipeline = self._redis.pipeline(transaction=False)
            for parcel in parcels:
                if parcel.opens:
                    self._add_opening(pipeline, parcel)
                self._add_append(pipeline, parcel)
            answers = iter(pipeline.execute(raise_on_error=False))
            verdicts = []
            for parcel in parcels:
                opened = next(answers) if parcel.opens else None
                verdicts.append(_verdict(next(answers), opened))
            if any(verdict.outcome == "again" for verdict in verdicts):
                self._load()
            return verdicts

    def release(self, stream: str, token: int) -> None:
        """Gives a stream up, so that another instance may go on with it at once."""
        self._call(scripts.RELEASE, stream, token)

    def ping(self) -> None:
        """Whether Redis answers at all."""
        with _translated():
            self._redis.ping()

    # -- everybody else

    def look(self, stream: str) -> Sight | Trace | None:
        """What is known of a stream."""
        answer = self._call(scripts.LOOK, stream)
        if not answer or answer[0] is None:
            return None
        if len(answer) == 1:
            return Trace(_text(answer[0]))
        token, owner, ended, leased, released, seconds, micros = answer
        at = int(seconds) * 1_000_000 + int(micros)
        return Sight(_text(owner), int(token), bool(ended), bool(leased), bool(released), at)

    def take_over(self, stream: str, seen: Sight) -> Takeover | None:
        """Becomes the one that runs a stream, unless somebody else is."""
        keep, latest = self._keep_running(), seen.at + _LONGEST_DELAY
        answer = self._call(scripts.TAKE_OVER, stream, seen.token, self._instance, self._lease, keep, latest)
        return Takeover(int(answer[0]), bytes(answer[1]), bool(answer[2])) if answer else None

    def ask_to_cancel(self, stream: str) -> bool:
        """Leaves word for the instance that runs a stream; False when none does."""
        return bool(self._call(scripts.CANCEL, stream))

    def read(self, stream: str, after: tuple[int, int] = (0, 0), wait: float = 0.0) -> list[Entry]:
        """The entries after this (epoch, number), a page at most; waits for the first one, if so wished."""
        start, events = f"{after[0]}-{after[1]}", self._keys(stream)[1]
        with _translated():
            if wait <= 0:
                found = self._redis.execute_command("XRANGE", events, f"({start}", "+", "COUNT", _PAGE)
                return _entries(found)
            block = max(1, min(_milliseconds(wait), _milliseconds(PATIENCE) // 2))
            found = self._redis.execute_command(
                "XREAD", "COUNT", _PAGE, "BLOCK", block, "STREAMS", events, start
            )
            return _entries(found[0][1]) if found else []

    def close(self) -> None:
        """Closes every connection."""
        self._redis.close()

    # -- inside

    def _add_opening(self, pipeline: Any, parcel: Parcel) -> None:
        self._add(
            pipeline, scripts.OPEN, parcel.stream,
            parcel.token, self._instance, self._lease, self._keep_running(), parcel.owner, parcel.question,
        )  # fmt: skip

    def _add_append(self, pipeline: Any, parcel: Parcel) -> None:
        keep = _milliseconds(parcel.keep) if parcel.final else self._keep_running()
        gone = _milliseconds(parcel.keep + self._place.ttl * _REMEMBERED)
        epoch, oldest = parcel.oldest
        self._add(
            pipeline, scripts.APPEND, parcel.stream,
            parcel.token, self._instance, self._lease, keep, gone, f"{epoch}-{oldest}", oldest,
            parcel.epoch, parcel.number, int(parcel.final), *parcel.lines,
        )  # fmt: skip

    def _add(self, pipeline: Any, script: str, stream: str, *arguments: bytes | str | int) -> None:
        pipeline.execute_command("EVALSHA", self._known[script], 4, *self._keys(stream), *arguments)

    def _call(self, script: str, stream: str, *arguments: bytes | str | int) -> Any:
        with _translated():
            return self._redis.execute_command("EVAL", script, 4, *self._keys(stream), *arguments)

    def _load(self) -> None:
        for script in scripts.ALL:
            self._redis.execute_command("SCRIPT", "LOAD", script)

    def _keys(self, stream: str) -> tuple[str, str, str, str]:
        root = f"{self._place.prefix}:{{{stream}}}"
        return f"{root}:head", f"{root}:events", f"{root}:lease", f"{root}:gone"

    def _keep_running(self) -> int:
        return _milliseconds(self._place.ttl + _UNATTENDED)


def _verdict(answer: Any, opened: Any) -> Verdict:
    if isinstance(answer, NoScriptError) or isinstance(opened, NoScriptError):
        return Verdict("again")
    for each in (answer, opened):
        if isinstance(each, Exception):
            raise each
    outcome, last, cancel = answer
    return Verdict(cast(Outcome, _text(outcome)), int(last), bool(cancel))


def _entries(found: Sequence[Any]) -> list[Entry]:
    entries = []
    for name, fields in found:
        epoch, _, number = bytes(name).partition(b"-")
        entries.append(Entry(int(epoch), int(number), bytes(fields[b"r"])))
    return entries


def _digest(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


def _text(value: bytes) -> str:
    return value.decode()


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise JournalUnavailable(f"Redis: {type(error).__name__}.") from error
