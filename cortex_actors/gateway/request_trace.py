"""The trace of one request: what a tracer is told of it when it is over.

Runs on:   the request's own thread; there is none where nobody traces.
"""

from __future__ import annotations

from collections.abc import Callable

from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.messages import AttemptRecord, Caller, StreamEnd
from cortex_actors.tracing import AttemptTold, RequestTold


class RequestTrace:
    """Collects the attempts of one request; times are epoch seconds."""

    def __init__(
        self,
        stream_id: str,
        request: ChatRequest | EmbeddingsRequest,
        caller: Caller,
        wall_clock: Callable[[], float],
    ) -> None:
        self._stream_id = stream_id
        self._request = request
        self._caller = caller
        self._wall_clock = wall_clock
        self._began = self._attempt_began = wall_clock()
        self._attempts: list[AttemptTold] = []

    def begun(self) -> None:
        """When an attempt begins."""
        self._attempt_began = self._wall_clock()

    def settled(self, attempt: Attempt, record: AttemptRecord) -> None:
        """When it is over."""
        self._attempts.append(
            AttemptTold(
                number=record.number,
                provider=record.provider,
                type=attempt.provider.settings.type,
                model=record.model,
                outcome=record.outcome,
                status=record.status,
                began=self._attempt_began,
                seconds=record.milliseconds / 1000,
            )
        )

    def told(self, end: StreamEnd) -> RequestTold:
        """All of it."""
        usage, attempts = end.usage, tuple(self._attempts)
        return RequestTold(
            operation="chat" if isinstance(self._request, ChatRequest) else "embeddings",
            asked_model=self._request.model,
            model=end.model,
            provider=end.provider,
            type=attempts[-1].type if attempts else None,
            request_id=self._caller.request_id,
            stream_id=self._stream_id,
            began=self._began,
            seconds=end.duration,
            ttft=end.ttft,
            end=end.name,
            error=end.error.code if end.error is not None else None,
            finish=end.finish,
            prompt_tokens=usage.prompt_tokens if usage is not None else None,
            completion_tokens=usage.completion_tokens if usage is not None else None,
            attempts=attempts,
            traceparent=self._caller.traceparent,
        )
