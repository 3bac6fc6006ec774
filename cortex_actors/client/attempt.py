"""One attempt: one exchange under the limits of its call, in the words of this library.

Runs on:   open, read and close on one thread at a time; cancel on any.
Imports:   deadlines, errors, headers, timeouts of this package; transport and its errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from weakref import WeakMethod

from cortex_actors.client import deadlines
from cortex_actors.client.errors import APIError, Cancelled, ConnectionFailed, StreamInterrupted, TimedOut
from cortex_actors.client.headers import Headers
from cortex_actors.client.request import Request
from cortex_actors.client.timeouts import Limits
from cortex_actors.errors import AttemptCancelled, UpstreamConnectError, UpstreamError, UpstreamTimeout
from cortex_actors.transport import Transport, UpstreamResponse


class Attempt:
    """An exchange under way; `due` is the moment at which the whole call must be over."""

    def __init__(
        self,
        transport: Transport,
        request: Request,
        limits: Limits,
        due: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._due = due
        self._clock = clock
        self._endpoint = request.endpoint
        # The socket keeps the longer of the two silences; the shorter one is the watch's business.
        self._silence = max(limits.first_byte, limits.idle)
        self._exchange = transport.exchange(
            request.upstream(), connect_timeout=limits.connect, read_timeout=self._silence
        )
        self._response: UpstreamResponse | None = None
        #: What the thread inside waits for, and since when; None when it does not wait.
        self._waiting: tuple[str, float] | None = None
        self._passed: TimedOut | None = None
        self._over = False
        self.status = 0
        self.headers = Headers(())

    def open(self) -> None:
        """Sends the request and waits for the head of the answer."""
        self._watch()
        try:
            self._waiting = ("first_byte", self._clock() + self._limits.connect)
            self._response = self._exchange.open()
        except UpstreamError as error:
            self._over = True
            raise self._translated(error, "first_byte") from error
        finally:
            self._waiting = None
        self.status = self._response.status
        self.headers = Headers(self._response.headers.items())

    def read(self) -> bytes:
        """What is there of the body, waiting for it; b"" at its end."""
        try:
            self._waiting = ("idle", self._clock())
            return self._opened.read()
        except UpstreamError as error:
            raise self._translated(error, "idle") from error
        finally:
            self._waiting = None

    def read_refusal(self) -> bytes:
        """What can be had of the body of a refusal."""
        try:
            return self._opened.read_error_body()
        except UpstreamError as error:
            raise self._translated(error, "idle") from error
        finally:
            self._over = True

    def cancel(self) -> None:
        """Ends the exchange at once, whatever its thread waits for."""
        self._over = True
        self._exchange.cancel()

    def close(self) -> None:
        """Ends the exchange; its connection is kept if the answer was read to its end."""
        self._over = True
        if self._response is not None:
            self._response.close()

    @property
    def _opened(self) -> UpstreamResponse:
        if self._response is None:
            raise RuntimeError("an attempt is read after it was opened")
        return self._response

    def _translated(self, error: UpstreamError, limit: str) -> APIError:
        """Our error for the transport's; whatever a passed limit breaks is a timeout."""
        endpoint = self._endpoint
        match error:
            case _ if self._passed is not None:
                return self._passed
            case AttemptCancelled():
                return Cancelled("cancelled", endpoint=endpoint)
            case UpstreamTimeout(limit="connect"):
                return TimedOut("connect", self._limits.connect, endpoint=endpoint)
            case UpstreamTimeout():
                return TimedOut(limit, getattr(self._limits, limit), endpoint=endpoint)
            case UpstreamConnectError():
                return ConnectionFailed(_told(error), sent=error.sent, endpoint=endpoint)
        if self._response is None:
            return ConnectionFailed(_told(error), sent=True, endpoint=endpoint)
        return StreamInterrupted(_told(error), endpoint=endpoint)

    def _watch(self) -> None:
        """Asks for a watch where the socket's own limit is not enough."""
        if self._due is None and self._limits.first_byte == self._limits.idle:
            return
        look = WeakMethod(self._look)  # a forgotten attempt must not live for its watch

        def look_if_alive(now: float) -> float | None:
            method = look()
            return method(now) if method else None

        deadlines.shared.watch(self._clock(), look_if_alive)

    def _look(self, now: float) -> float | None:
        """Cancels the exchange when a limit has passed; returns when to look again."""
        if self._over:
            return None
        # Nobody waits now: whoever begins to will have waited for no longer than this.
        soonest = now + min(self._limits.first_byte, self._limits.idle)
        for limit, due in self._dues():
            if now >= due:
                self._passed = TimedOut(limit, getattr(self._limits, limit), endpoint=self._endpoint)
                self._exchange.cancel()
                return None
            soonest = min(soonest, due)
        return soonest

    def _dues(self) -> Iterator[tuple[str, float]]:
        """The limits that run now, and when each passes."""
        if self._due is not None:
            yield "total", self._due
        if (waiting := self._waiting) is not None:
            limit, since = waiting
            yield limit, since + getattr(self._limits, limit)


def _told(error: UpstreamError) -> str:
    """What happened; the transport speaks to the gateway, whose servers are providers."""
    told = error.details.replace("provider", "server").rstrip(".")
    return told[:1].lower() + told[1:]
