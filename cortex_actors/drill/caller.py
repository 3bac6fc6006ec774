"""One caller of the gateway under drill: asks once, reads or leaves, and tells what it saw as an `Outcome`.

Runs on:   the thread that asks; a timer of its own ends what does not end by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Timer
from typing import Any

from cortex_actors.drill.reading import Framing, Reading
from cortex_actors.errors import AttemptCancelled, UpstreamError
from cortex_actors.streaming.errors import StreamFormatError
from cortex_actors.transport import Exchange, Transport, UpstreamRequest, UpstreamResponse

#: To connect to the gateway, in seconds.
CONNECT = 5.0

#: What is said of a gateway that hung up, or is not there.
NO_ANSWER = "no answer at all"

#: To wait for bytes of a page, in seconds.
_PAGE = 20.0

#: So many bytes of each answer are kept as they came, to look for what must never be shown.
_KEPT = 64 * 1024


class Ending(StrEnum):
    """How a request was over, for its caller."""

    #: The answer said that it is whole.
    WHOLE = "whole"
    #: One error, as a status or as the framing tells it.
    ERROR = "error"
    #: The connection ended before the answer did.
    CUT = "cut"
    #: We left.
    LEFT = "left"
    #: It never was.
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its body, how it is to be answered, and when its caller loses patience or leaves."""

    body: Mapping[str, Any]
    framing: Framing
    #: Seconds.
    patience: float = 20.0
    #: Leave after so many seconds, or as soon as so many words are there.
    leave_after: float | None = None
    leave_at_word: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request. Moments are epoch seconds; arrivals are seconds since it was asked."""

    framing: Framing
    ending: Ending
    reading: Reading
    status: int | None
    content_type: str
    #: Headers and the beginning of the body, as they came.
    shown: bytes
    asked_at: float
    #: When it was over, or left.
    over_at: float
    arrivals: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.over_at - self.asked_at

    @property
    def code(self) -> str:
        """The code of the error it ended with."""
        return str((self.reading.error or {}).get("code") or "")


class Caller:
    """Asks one gateway; any thread may."""

    def __init__(self, url: str, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self.url = url.rstrip("/")
        self._transport = transport
        self._clock = clock

    def ask(self, asked: Asked) -> Outcome:
        """One request, to its end."""
        return _Conversation(self._exchange(asked), asked, self._clock).run()

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a page of the gateway; status 0 when there is none to be had."""
        try:
            return fetch(self._transport, "GET", self.url + path)
        except UpstreamError:
            return 0, b""

    def _exchange(self, asked: Asked) -> Exchange:
        request = UpstreamRequest(
            "POST",
            self.url + asked.framing.path,
            {"Content-Type": "application/json", "Accept": asked.framing.accept},
            json.dumps(asked.body).encode(),
        )
        patience = asked.patience + 5.0  # the timer comes first
        return self._transport.exchange(request, connect_timeout=CONNECT, read_timeout=patience)


class _Conversation:
    """One request under way."""

    def __init__(self, exchange: Exchange, asked: Asked, clock: Callable[[], float]) -> None:
        self._exchange = exchange
        self._asked = asked
        self._clock = clock
        self._reading = Reading()
        self._reader = asked.framing.reader(self._reading)
        self._status: int | None = None
        self._content_type = ""
        self._shown = b""
        self._arrivals: list[float] = []
        self._left_at: float | None = None
        self._began = clock()

    def run(self) -> Outcome:
        """Asks and reads."""
        timers = [Timer(self._asked.patience, self._exchange.cancel)]
        if self._asked.leave_after is not None:
            timers.append(Timer(self._asked.leave_after, self._leave))
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            ending = self._converse()
        except AttemptCancelled:
            ending = Ending.HANG if self._left_at is None else Ending.LEFT
        except UpstreamError:
            ending = self._cut()
        finally:
            for timer in timers:
                timer.cancel()
        return Outcome(
            self._asked.framing,
            ending,
            self._reading,
            self._status,
            self._content_type,
            self._shown,
            self._began,
            self._left_at or self._clock(),
            tuple(self._arrivals),
        )

    def _converse(self) -> Ending:
        response = self._exchange.open()
        try:
            self._status = response.status
            self._content_type = response.headers.get("content-type", "")
            self._shown = "\r\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode()
            self._reading.provider = response.headers.get("x-cortex-provider", "")
            self._reading.model = response.headers.get("x-cortex-model", "")
            attempts = response.headers.get("x-cortex-attempts", "")
            if response.status != 200:
                return self._refused(response)
            self._reading.attempts = int(attempts) if attempts.isdigit() else None
            return self._read(response)
        finally:
            response.close()

    def _refused(self, response: UpstreamResponse) -> Ending:
        body = response.read_error_body()
        self._keep(body)
        try:
            self._reading.fail(json.loads(body))
        except (ValueError, AttributeError):
            self._reading.lies.append(f"a {self._status} that is no JSON error")
        return Ending.ERROR

    def _read(self, response: UpstreamResponse) -> Ending:
        while data := response.read():
            self._arrivals.append(self._clock() - self._began)
            self._keep(data)
            try:
                self._reader.feed(data)
            except StreamFormatError as error:
                self._reading.lies.append(str(error))
            if self._asked.leave_at_word and self._words() >= self._asked.leave_at_word:
                self._leave()
                return Ending.LEFT
        self._reader.close()
        return Ending.ERROR if self._reading.error is not None else Ending.WHOLE

    def _cut(self) -> Ending:
        if self._status is None:
            self._reading.lies.append(NO_ANSWER)
        elif self._asked.framing.tells_errors:
            self._reading.lies.append("the connection was cut where an error could have been told")
        return Ending.CUT

    def _words(self) -> int:
        return len(self._reading.text.split())

    def _keep(self, data: bytes) -> None:
        if len(self._shown) < _KEPT:
            self._shown += data[:_KEPT]

    def _leave(self) -> None:
        self._left_at = self._clock()
        self._exchange.cancel()


def fetch(transport: Transport, method: str, url: str) -> tuple[int, bytes]:
    """Status and body of a small page."""
    request = UpstreamRequest(method, url, {"Accept": "application/json"})
    response = transport.exchange(request, connect_timeout=CONNECT, read_timeout=_PAGE).open()
    try:
        body = bytearray()
        while data := response.read():
            body += data
        return response.status, bytes(body)
    finally:
        response.close()
