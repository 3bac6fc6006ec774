"""What resumable streams need from the front end, from the gateway, and from their callers.

Runs on:   the thread of a request, or of the stream itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cortex_actors.chat import ChatRequest
from cortex_actors.dispatch.messages import Caller
from cortex_actors.dispatch.permission import Permission
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.journal.reader import Reader


class Script(Protocol):
    """How the front end writes streams down as records, a line each, and reads what it wrote."""

    def pieces(self, stream: Stream) -> Iterator[bytes]:
        """A stream from its start to its end; what arrives together is one piece."""
        ...

    def further_pieces(self, stream: Stream) -> Iterator[bytes]:
        """The same of a stream that goes on with another one."""
        ...

    def failure(self, error: CortexError) -> bytes:
        """The last record of a stream that failed."""
        ...

    def text(self, lines: Iterable[bytes]) -> str | None:
        """The text that these records delivered; None when the answer is more than text."""
        ...

    def request(self, question: bytes) -> ChatRequest:
        """The request as it came. Raises CortexError."""
        ...


class OpenStream(Protocol):
    """`Gateway.open_stream`."""

    def __call__(self, request: ChatRequest, caller: Caller, *, delivered: str | None = None) -> Stream: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """One request about a resumable stream."""

    caller: Caller
    #: The fingerprint of its credential: whoever has another one finds nothing.
    owner: str
    script: Script


@dataclass(frozen=True, slots=True)
class Opened:
    """A new resumable stream, and its first reader."""

    stream: Stream
    reader: Reader


class StayingCaller:
    """The caller of a stream that runs on without it; until `leave_alone` it is looked at like any other."""

    def __init__(self, caller: Caller) -> None:
        self.request_id = caller.request_id
        self.name = caller.name
        self.traceparent = caller.traceparent
        self.permission: Permission = caller.permission
        self._watched: Caller | None = caller

    def leave_alone(self) -> StayingCaller:
        """From now on it need not be there."""
        self._watched = None
        return self

    def gone(self) -> bool:
        """Whether it left while it mattered."""
        watched = self._watched
        return watched is not None and watched.gone()


def lines_of(piece: bytes) -> list[bytes]:
    """The records of a piece."""
    return piece.split(b"\n")[:-1]
