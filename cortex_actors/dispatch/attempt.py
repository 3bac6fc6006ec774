"""One attempt as its dispatcher remembers it: route, credit, exchange, and the times that limits are about.

Runs on:   the request's thread alone; only `window` and `exchange` are shared with the stream worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, FinishReason, Usage, Vectors
from cortex_actors.dispatch.channel import Window
from cortex_actors.dispatch.limits import StreamLimits
from cortex_actors.dispatch.messages import Admission, AttemptRecord, Outcome, Route
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import CortexError, UpstreamError
from cortex_actors.metrics import Gaps
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
    limits: StreamLimits
    started: float
    model: str
    #: The fields of the request that its dialect leaves out.
    dropped: tuple[str, ...] = ()
    rate_limits: Mapping[str, str] = field(default_factory=dict)
    first_content: float | None = None
    #: Between the pieces of its answer.
    gaps: Gaps = field(default_factory=Gaps)
    #: When the answer last went on: content came, or the reason to stop.
    last_progress: float = 0.0
    finish: FinishReason | None = None
    usage: Usage | None = None
    #: It was asked for the rest of an answer; and was shown text, behind which it may have nothing to say.
    goes_on: bool = False
    shows_text: bool = False
    #: Its provider's books know that content came.
    first_token_told: bool = False
    #: Its end has not been settled yet.
    running: bool = True
    #: Its worker said its last word, and needs no freeing.
    worker_done: bool = False

    @property
    def whole(self) -> bool:
        """Whether the answer is all there, whatever may follow.

        A model that refuses may say nothing more, and one that was asked for the rest may find none.
        """
        silent = self.shows_text or self.finish is FinishReason.CONTENT_FILTER
        return self.finish is not None and (silent or self.first_content is not None)

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
                self.last_progress = now
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, AnswerInfo):
                self.model = event.model or self.model
                self.rate_limits = event.rate_limits or self.rate_limits
            elif isinstance(event, Vectors):
                content = True
        if content:
            if self.first_content is None:
                self.first_content = now
            else:
                self.gaps.note(now - self.last_progress)
            self.last_progress = now
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
