"""Speech: one request put to one provider, whatever is asked: what goes up, and who reads what comes down.

    ChatRequest         the dialect itself reads the answer, event by event
    EmbeddingsRequest   the answer is one JSON value: it is read when it is whole, and is whole or a failure

Imports:     adapter, failures, openai_stream (what an error looks like); chat, errors, transport (the value).
Imported by: dispatch.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cortex_actors.chat import ChatRequest, EmbeddingsRequest, Finish, FinishReason, Vectors
from cortex_actors.errors import MalformedStream, UpstreamError
from cortex_actors.providers import failures
from cortex_actors.providers.adapter import Adapter, Decoder, ParsedEvent, StreamState
from cortex_actors.providers.openai_stream import is_error
from cortex_actors.streaming.errors import TooLarge
from cortex_actors.transport import UpstreamRequest

#: What an answer of vectors may weigh: 2048 of 3072 numbers each, as text, in bytes.
MAX_BODY = 128 * 1024 * 1024


class Reader(Protocol):
    """Makes events of what a provider answers."""

    @property
    def name(self) -> str: ...

    def new_decoder(self, content_type: str) -> Decoder: ...

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]: ...

    def end_of_body(self, state: StreamState) -> Sequence[ParsedEvent]: ...

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...


@dataclass(frozen=True, slots=True)
class Speech:
    """What goes up, who reads what comes down, and what of the request was left out."""

    request: UpstreamRequest
    reader: Reader
    dropped: tuple[str, ...]


def speech(
    adapter: Adapter, request: ChatRequest | EmbeddingsRequest, *, model: str, key: str | None
) -> Speech:
    """The request in this provider's dialect. Raises InvalidRequest when it cannot carry it."""
    if isinstance(request, EmbeddingsRequest):
        upstream = adapter.build_embeddings(request, model=model, key=key)
        reader = EmbeddingsReader(adapter, len(request.inputs))
        return Speech(upstream, reader, adapter.embeddings_dropped(request))
    return Speech(adapter.build_request(request, model=model, key=key), adapter, adapter.dropped(request))


class WholeBody:
    """A decoder whose one payload is the body."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._body = bytearray()

    def decode(self, data: bytes) -> Sequence[bytes]:
        """Keeps the bytes."""
        self._body += data
        if len(self._body) > self._max_body:
            raise TooLarge(self._max_body)
        return ()

    def flush(self) -> Sequence[bytes]:
        """All of them."""
        return (bytes(self._body),)


class EmbeddingsReader:
    """Reads the vectors of one request: as many as it has inputs, or it is no answer."""

    def __init__(self, adapter: Adapter, wanted: int) -> None:
        self._adapter = adapter
        self._wanted = wanted

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._adapter.name

    def new_decoder(self, content_type: str) -> Decoder:
        return WholeBody()

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        try:
            data = json.loads(payload, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return (self._malformed("The provider's answer is not JSON."),)
        if isinstance(data, dict) and is_error(data) and not self._adapter.parse_embeddings(data)[0]:
            return (failures.from_stream(data, provider=self.name),)
        found, usage = self._adapter.parse_embeddings(data)
        vectors = tuple(vector for value in found if (vector := _vector(value)))
        if len(vectors) != self._wanted:
            return (self._malformed("The provider's answer does not hold a vector for each input."),)
        state.finished = True
        counts = () if usage is None else (usage,)
        return (Vectors(vectors), *counts, Finish(FinishReason.STOP))

    def end_of_body(self, state: StreamState) -> Sequence[ParsedEvent]:
        return ()

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return self._adapter.classify_failure(status, headers, body)

    def _malformed(self, details: str) -> MalformedStream:
        return MalformedStream(details, provider=self.name)


def _vector(value: Any) -> tuple[float, ...] | str | None:
    """Numbers, or a text that stands for them; None for anything else. The check runs at the speed of C."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    try:
        array("d", value)
    except (TypeError, OverflowError):
        return None
    return tuple(value)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
