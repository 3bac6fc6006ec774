"""A running answer as the front end sees it: iterate it, close it, read how it ended; or all of it at once.

Runs on:   the request's thread, as the dispatcher behind it does; `close` on any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cortex_actors.chat import AnswerEvent, Chunk, ToolCall, ToolCallDelta, Vectors
from cortex_actors.dispatch.channel import weight
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import AttemptRecord, StreamEnd
from cortex_actors.dispatch.staged import Staged
from cortex_actors.errors import AttemptCancelled, MalformedStream

#: What an answer that is collected may weigh, in bytes; as a stream it may be as long as its limits allow.
MOST_COLLECTED = 128 * 2**20


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What is known of an answer when its first content is in hand, and true of it to its end."""

    id: str
    provider: str
    model: str
    #: How many attempts were made, the one that answers included.
    attempts: int
    #: The fields of the request that the answering dialect left out.
    dropped: tuple[str, ...] = ()
    #: What the answering provider's rate limit headers said.
    rate_limits: Mapping[str, str] = field(default_factory=dict)
    #: The time before the attempt that the answer began with, in seconds, which is ours: routing, waiting,
    #: attempts that failed.
    overhead: float = 0.0
    #: How often the answer was gone on with, as far as it is known now.
    recoveries: int = 0


class Stream:
    """An answer whose first content is in hand. One batch is what was there together: one write."""

    __slots__ = ("_dispatcher", "_staged", "id", "request_id")

    def __init__(
        self, stream_id: str, request_id: str, dispatcher: Dispatcher, staged: Staged | None = None
    ) -> None:
        self.id = stream_id
        self.request_id = request_id
        self._dispatcher = dispatcher
        #: What it passes on its way; None for the most, and then it costs nothing.
        self._staged = staged

    @property
    def provider(self) -> str:
        """The configured provider that answers."""
        attempt = self._dispatcher.attempt
        return attempt.provider.name if attempt else ""

    @property
    def model(self) -> str:
        """The model that answers, as the provider names it."""
        attempt = self._dispatcher.attempt
        return attempt.model if attempt else ""

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """The attempts that are over."""
        return self._dispatcher.attempts

    @property
    def attempt_number(self) -> int:
        """How many attempts were made, the running one included."""
        attempt = self._dispatcher.attempt
        return attempt.number if attempt else 0

    @property
    def head(self) -> AnswerHead:
        """Who answers, and what it took to get there."""
        attempt = self._dispatcher.attempt
        assert attempt is not None
        return AnswerHead(
            id=self.id,
            provider=self.provider,
            model=self.model,
            attempts=self.attempt_number,
            dropped=attempt.dropped,
            rate_limits=attempt.rate_limits,
            overhead=self._dispatcher.overhead,
            recoveries=self._dispatcher.recoveries,
        )

    @property
    def dropped(self) -> tuple[str, ...]:
        """The fields of the request that the answering dialect left out."""
        return self.head.dropped

    @property
    def end(self) -> StreamEnd | None:
        """How the stream ended; None while it runs."""
        return self._dispatcher.end

    def __iter__(self) -> Iterator[tuple[AnswerEvent, ...]]:
        return self._batches() if self._staged is None else self._staged

    def close(self) -> None:
        """Ends the stream if it still runs: the caller takes no more."""
        self._dispatcher.close()
        if self._staged is not None:
            self._staged.finish()

    def _batches(self) -> Iterator[tuple[AnswerEvent, ...]]:
        while (batch := self._dispatcher.next_batch()) is not None:
            yield batch


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer, collected."""

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    end: StreamEnd
    head: AnswerHead
    #: How likely each token was, in OpenAI's shape; None where nobody asked.
    logprobs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A whole answer of vectors."""

    values: tuple[tuple[float, ...] | str, ...]
    end: StreamEnd
    head: AnswerHead


def events_of(stream: Stream) -> Iterator[AnswerEvent]:
    """The events of a stream, one by one. Raises its error in the end unless the answer is whole."""
    size = 0
    for batch in stream:
        size += sum(map(weight, batch))
        if size > MOST_COLLECTED:
            stream.close()
            raise MalformedStream("The provider's answer is too long to be given as a whole; stream it.")
        yield from batch
    end = stream.end
    assert end is not None
    if end.error is not None:
        raise end.error
    if end.finish is None:
        raise AttemptCancelled(f"The stream ended as {end.name}.")


def collect(stream: Stream) -> Completion:
    """Reads a stream to its end. Raises its error unless the answer is whole."""
    text: list[str] = []
    reasoning: list[str] = []
    deltas: list[ToolCallDelta] = []
    logprobs: dict[str, list[Any]] = {}
    for event in events_of(stream):
        if isinstance(event, Chunk):
            text.append(event.text)
            reasoning.append(event.reasoning)
            deltas.extend(event.tool_calls)
            for kind, tokens in (event.logprobs or {}).items():
                if tokens:
                    logprobs.setdefault(kind, []).extend(tokens)
    end = stream.end
    assert end is not None
    return Completion(
        text="".join(text),
        reasoning="".join(reasoning),
        tool_calls=whole_tool_calls(deltas),
        end=end,
        head=stream.head,
        logprobs=logprobs or None,
    )


def collect_vectors(stream: Stream) -> Embeddings:
    """Reads an answer of vectors to its end. Raises its error unless it is whole."""
    found = [event for event in events_of(stream) if isinstance(event, Vectors)]
    end = stream.end
    assert end is not None
    return Embeddings(found[0].values, end, stream.head)


def whole_tool_calls(deltas: list[ToolCallDelta]) -> tuple[ToolCall, ...]:
    """Joins fragments by their index, in the order in which the calls began."""
    ids: dict[int, str] = {}
    names: dict[int, str] = {}
    arguments: dict[int, list[str]] = {}
    for delta in deltas:
        ids.setdefault(delta.index, delta.id or f"call_{delta.index}")
        if delta.name:
            names.setdefault(delta.index, delta.name)
        arguments.setdefault(delta.index, []).append(delta.arguments)
    return tuple(ToolCall(ids[i], names.get(i, ""), "".join(arguments[i])) for i in ids)
