"""Reads an event stream with a function of the user's: one call for the data of each event.

    parse_chunk(data) -> a Chunk; any other event of an answer, such as Finish; several of them; None for
                         nothing; DONE for the end

What is not JSON, or not as expected, it may raise as a ValueError: it is passed over and counted. `[DONE]` is
the end without being asked for. A body that ends before either, and before a Finish, was cut short.

Imports:   chat, errors, providers (the shape of a reader), streaming (the decoder).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from cortex_actors.chat import AnswerEvent, AnswerInfo, Chunk, Finish, ThoughtSeal, Usage
from cortex_actors.errors import StageFailed, UpstreamError
from cortex_actors.providers import failures
from cortex_actors.providers.adapter import Decoder, ParsedEvent, StreamState
from cortex_actors.streaming.sse import SSEDecoder

_log = logging.getLogger(__name__)


class Done(Enum):
    """The type of DONE."""

    DONE = "done"


#: What `parse_chunk` returns for the end of an answer that has no reason to stop.
DONE: Final = Done.DONE

ParseChunk = Callable[[str], AnswerEvent | Iterable[AnswerEvent | Done] | Done | None]

#: How an answer ends in nearly every API.
_MARK = "[DONE]"

_EVENTS = (Chunk, Usage, Finish, AnswerInfo, ThoughtSeal)


class SSEReader:
    """The reader of one provider that is known by nothing but this function."""

    def __init__(self, name: str, parse_chunk: ParseChunk) -> None:
        self.name = name
        self._parse_chunk = parse_chunk

    def new_decoder(self, content_type: str) -> Decoder:
        """By design an event stream, whatever the provider calls it."""
        return SSEDecoder()

    def parse_event(self, payload: Any, state: StreamState) -> Sequence[ParsedEvent]:
        """Raises StageFailed where the function does what it should not."""
        data: str = payload.data
        if state.ended:  # nothing is said behind the last word
            return ()
        if data.strip() == _MARK:
            state.finished = state.ended = True
            return ()
        try:
            said = self._parse_chunk(data)
        except ValueError:
            state.skipped += 1
            return ()
        except Exception as bug:
            _log.exception("parse_chunk failed")
            raise StageFailed("parse_chunk") from bug
        return [event for each in _several(said) for event in self._noted(each, state)]

    def end_of_body(self, state: StreamState) -> Sequence[ParsedEvent]:
        """A body says nothing by its end."""
        return ()

    def classify_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """The error that a refusal stands for."""
        return failures.from_response(status, headers, body, provider=self.name)

    def _noted(self, said: object, state: StreamState) -> Sequence[AnswerEvent]:
        if said is DONE:
            state.finished = state.ended = True
            return ()
        if not isinstance(said, _EVENTS):
            raise StageFailed("parse_chunk", f"returned {type(said).__name__} and no event of an answer")
        if isinstance(said, Finish):
            state.finished = True
        return (said,)


def _several(said: object) -> Iterable[object]:
    if said is None:
        return ()
    return said if isinstance(said, list | tuple) else (said,)
