"""What a tracer is told of a request, once, when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class AttemptTold:
    """One attempt; `began` in epoch seconds, `seconds` is how long it took."""

    number: int
    provider: str
    #: The type of the provider, such as `groq`.
    type: str
    model: str
    #: `complete`, or the code of its error.
    outcome: str
    status: int | None
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class RequestTold:
    """One request; `began` in epoch seconds, durations in seconds. Token counts are the provider's own."""

    operation: Literal["chat", "embeddings"]
    #: The model that was asked for, and the one that answered; None where there was none.
    asked_model: str | None
    model: str | None
    provider: str | None
    type: str | None
    request_id: str
    stream_id: str
    began: float
    seconds: float
    ttft: float | None
    end: str
    #: The code of its error; None for a whole answer.
    error: str | None
    finish: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    attempts: tuple[AttemptTold, ...] = ()
    #: The caller's own `traceparent` (W3C Trace Context), whose trace is gone on with.
    traceparent: str | None = None


class Tracer(Protocol):
    """Takes what is told to wherever it is looked at; never waits for it to arrive."""

    def request_ended(self, told: RequestTold) -> None:
        """When a request is over."""
        ...

    def close(self) -> None:
        """Sends what has not been sent yet, for a moment, and ends."""
        ...
