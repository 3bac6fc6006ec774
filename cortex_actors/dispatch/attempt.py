"""One attempt as its dispatcher remembers it: route, credit, exchange, and the times that limits are about.

Runs on:   the request's thread alone; only `window` and `exchange` are shared with the stream worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, FinishReason, Usage
from cortex_actors.dispatch.channel import Window
from cortex_actors.dispatch.messages import Admission, AttemptRecord, Outcome, Route
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import CortexError, UpstreamError
from cortex_actors.transport import Exchange


@dataclass(slots=True)
class Attempt:
    """One try at one provider. Times are monotonic seconds."""

    number: int
    route: Route
    provider: Provider
    admission: Admission
    exchange: Exchange
    window: Window
    started: float
    first_content: float | None = None
    last_content: float = 0.0
    model: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None
    #: Its provider's books know that content came.
    first_token_told: bool = False
    #: Its end has not been settled yet.
    running: bool = True
    #: Its worker said its last word, and needs no freeing.
    worker_done: bool = False

    def note(self, events: tuple[AnswerEvent, ...], now: float) -> bool:
        """Remembers what the events say about the answer; True when there is content among them.

        Only content re-arms the limits: a provider that merely keeps its stream alive is silent.
        """
        content = False
        for event in events:
            if isinstance(event, Chunk):
                content = content or bool(event.text or event.reasoning or event.tool_calls)
            elif isinstance(event, Finish):
                self.finish = event.reason
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, AnswerInfo) and event.model:
                self.model = event.model
        if content:
            self.last_content = now
            if self.first_content is None:
                self.first_content = now
        return content

    def cancel(self) -> None:
        """Fences the attempt and frees its worker from the provider's socket; may be repeated."""
        self.window.fence()
        self.exchange.cancel()

    def record(self, error: CortexError | None, now: float) -> AttemptRecord:
        """The line of this attempt in the story of its request."""
        return AttemptRecord(
            number=self.number,
            provider=self.route.provider,
            model=self.route.model,
            outcome=error.code if error else "complete",
            status=error.upstream_status if isinstance(error, UpstreamError) else None,
            milliseconds=round((now - self.started) * 1000),
        )

    def outcome(self, error: UpstreamError | None, now: float) -> Outcome:
        """What the provider's books should hold of this attempt."""
        ttft = None if self.first_content is None else self.first_content - self.started
        return Outcome(self.admission, error, ttft, now - self.started)
