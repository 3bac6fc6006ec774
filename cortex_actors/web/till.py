"""What requests cost: noted while the answer is read, paid when it is over.

    MeteredBody    wraps a body, counts what is written, and takes a bill to the till at its end
    Bill           what a request cost: what its provider counted, or else what its size tells
    Till           pays at once; or later, for a stream that goes on without its caller

Runs on:   the request's own thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from cortex_actors.rate_limits import Entry, Limiter
from cortex_actors.web.request import TRACE, Trace

#: Bytes of a request or an answer that make a token, where nobody counted them; a common rule of thumb.
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Bill:
    """A request whose caller has been served, and what it cost as far as its size tells.

    Of a stream each write is a token at least; its bytes are mostly framing.
    """

    entry: Entry
    trace: Trace
    estimate: int

    @property
    def runs_on(self) -> bool:
        """Whether it costs on: its stream goes on without its caller, who may come back."""
        return self.trace.stream is not None and self.trace.stream.end is None

    @property
    def tokens(self) -> int:
        """What the request cost: what its provider counted, or else the estimate."""
        end = self.trace.end or (self.trace.stream.end if self.trace.stream else None)
        if end is not None and end.usage is not None:
            return end.usage.total_tokens
        return 0 if end is None else self.estimate


class Till:
    """Where requests are paid for: at their end, or with the next one of anybody if they ran on."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._unpaid: deque[Bill] = deque()

    def take(self, bill: Bill) -> None:
        """A caller has been served."""
        if bill.runs_on:
            self._unpaid.append(bill)
        else:
            self._limiter.leave(bill.entry, bill.tokens)

    def settle(self) -> None:
        """Looks which of those that ran on are over by now."""
        for _ in range(len(self._unpaid)):
            with suppress(IndexError):  # somebody else looks too
                self.take(self._unpaid.popleft())


class MeteredBody:
    """A body whose end the limiter hears of; it holds nothing back."""

    __slots__ = ("_body", "_entry", "_environ", "_pieces", "_size", "_till", "_writes", "_written")

    def __init__(
        self, body: Iterable[bytes], entry: Entry, till: Till, environ: WSGIEnvironment, asked: int
    ) -> None:
        self._body = body
        self._pieces = iter(body)
        self._entry = entry
        self._till = till
        self._environ = environ
        self._size = asked
        self._writes = 0
        self._written = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._writes += 1
        self._written += len(piece)
        return piece

    def close(self) -> None:
        """The server is done, for whatever reason."""
        try:
            if (close := getattr(self._body, "close", None)) is not None:
                close()
        finally:
            answered = self._writes if self._writes > 1 else self._written // BYTES_PER_TOKEN
            trace = self._environ.get(TRACE) or Trace()
            self._till.take(Bill(self._entry, trace, self._size // BYTES_PER_TOKEN + answered))
