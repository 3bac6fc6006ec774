"""One request of a caller and what has come of it so far: its answer as it is read, and its times."""

from __future__ import annotations

from collections import deque

from cortex_actors.loadtest.histogram import Histogram
from cortex_actors.loadtest.http_answer import HTTPAnswer
from cortex_actors.loadtest.judgement import End, Expectation
from cortex_actors.loadtest.refusal import refusal_code
from cortex_actors.loadtest.request import Request
from cortex_actors.loadtest.scenario import Manners
from cortex_actors.loadtest.tally import Outcome

#: So many bytes of a refusal are kept to find its code in.
_MOST_REFUSAL = 16 * 1024


class Exchange:
    """Lives from the moment a request begins until its outcome is told."""

    __slots__ = (
        "_began", "_expectation", "_first", "_gaps", "_intended", "_last", "_pieces", "_reader", "_received",
        "_refusal", "answer", "request", "unsent",
    )  # fmt: skip

    def __init__(
        self, request: Request, expectation: Expectation, gaps: Histogram, intended: float, began: float
    ) -> None:
        self.request = request
        self._expectation = expectation
        #: Where the time between two arrivals is counted.
        self._gaps = gaps
        self._intended = intended
        self._began = began
        self.begin()

    def begin(self) -> None:
        """Nothing was sent and nothing was heard; also when it has to be sent once more."""
        self.unsent = deque(self.request.writes)
        self.answer = HTTPAnswer()
        self._reader = self.request.framing.reader()
        self._refusal = b""
        self._received = self._pieces = 0
        self._first: float | None = None
        self._last = 0.0

    @property
    def has_begun_to_answer(self) -> bool:
        """Whether a single byte has come."""
        return self._received > 0

    @property
    def is_to_be_left(self) -> bool:
        """Whether its caller leaves now."""
        return self.request.manners is Manners.LEAVE and self._pieces >= self.request.leave_after

    @property
    def can_be_followed(self) -> bool:
        """Whether the connection can carry another request after it."""
        return self.answer.complete and self.answer.keep_alive and not self.unsent

    def feed(self, data: bytes, now: float) -> None:
        """Takes in bytes of the answer. Raises BrokenAnswer and StreamFormatError."""
        self._received += len(data)
        body = self.answer.feed(data)
        if not body:
            return
        if self.answer.status != 200:
            self._refusal += body[: _MOST_REFUSAL - len(self._refusal)]
            return
        if pieces := self._reader.feed(body):
            self._note(pieces, now)

    def completed(self, over: float) -> Outcome:
        """The answer is over as HTTP has it; its framing has the last word on how."""
        if self.answer.status != 200:
            code = refusal_code(self._refusal)
            return self.ended(End.ERROR, over, f"{self.answer.status} {code}".strip())
        self._reader.close()
        if self._reader.error is not None:
            return self.ended(End.ERROR, over, self._reader.error)
        return self.ended(End.WHOLE, over)

    def ended(self, end: End, over: float, code: str = "", lie: str = "") -> Outcome:
        """What came of it, with all its lies, each once."""
        lies = [
            lie, *self._reader.lies, *self._expectation.lies_of(self._reader, end, self.request.mark)
        ]  # fmt: skip
        return Outcome(
            self.request.framing.name,
            self.request.manners,
            end,
            code,
            tuple(dict.fromkeys(filter(None, lies))),
            self._intended,
            self._began,
            self._first,
            over,
            self._pieces,
            self._received,
        )

    def _note(self, pieces: int, now: float) -> None:
        if self._first is None:
            self._first = now
        elif self.request.manners is Manners.READ:
            self._gaps.record(now - self._last)
        self._pieces += pieces
        self._last = now
