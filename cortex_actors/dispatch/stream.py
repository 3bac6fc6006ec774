"""A running answer as the front end sees it: iterate it, close it, read how it ended.

Runs on:   the request's thread, as the dispatcher behind it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cortex_actors.chat import AnswerEvent, Chunk, ToolCall, ToolCallDelta
from cortex_actors.dispatch.dispatcher import Dispatcher
from cortex_actors.dispatch.messages import AttemptRecord, StreamEnd
from cortex_actors.errors import AttemptCancelled


class Stream:
    """An answer whose first content is in hand. One batch is what was there together: one write."""

    __slots__ = ("_dispatcher", "id", "request_id")

    def __init__(self, stream_id: str, request_id: str, dispatcher: Dispatcher) -> None:
        self.id = stream_id
        self.request_id = request_id
        self._dispatcher = dispatcher

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
        return tuple(self._dispatcher.attempts)

    @property
    def attempt_number(self) -> int:
        """How many attempts were made, the running one included."""
        attempt = self._dispatcher.attempt
        return attempt.number if attempt else 0

    @property
    def end(self) -> StreamEnd | None:
        """How the stream ended; None while it runs."""
        return self._dispatcher.end

    def __iter__(self) -> Iterator[tuple[AnswerEvent, ...]]:
        while (batch := self._dispatcher.next_batch()) is not None:
            yield batch

    def close(self) -> None:
        """Ends the stream if it still runs: the caller takes no more."""
        self._dispatcher.close()


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer, collected."""

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    end: StreamEnd


def collect(stream: Stream) -> Completion:
    """Reads a stream to its end. Raises its error unless the answer is whole."""
    text: list[str] = []
    reasoning: list[str] = []
    deltas: list[ToolCallDelta] = []
    for batch in stream:
        for event in batch:
            if isinstance(event, Chunk):
                text.append(event.text)
                reasoning.append(event.reasoning)
                deltas.extend(event.tool_calls)
    end = stream.end
    assert end is not None
    if end.error is not None:
        raise end.error
    if end.finish is None:
        raise AttemptCancelled(f"The stream ended as {end.name}.")
    return Completion("".join(text), "".join(reasoning), whole_tool_calls(deltas), end)


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
