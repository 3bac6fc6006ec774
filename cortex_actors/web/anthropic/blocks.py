"""Blocks: the events of an answer as Anthropic's content blocks, numbered, of which one is open at a time.

    Chunk(reasoning) ThoughtSeal Chunk(text) Chunk(tool_calls)  ->  content_block_start, _delta*, _stop, ...

A provider may write several tool calls at once. Here one is told after the other: while the open call is no
whole JSON object yet, everything else waits in its order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from cortex_actors.chat import AnswerEvent, Chunk, ThoughtSeal, ToolCallDelta
from cortex_actors.streaming import JSONArrayDecoder
from cortex_actors.web.payloads import Payload


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of one block; a tool call's place is its index, any other's is its kind."""

    place: str | int
    block: Payload
    delta: Payload | None
    #: Nothing can follow it in its block.
    is_last: bool = False


class Blocks:
    """The blocks of one answer. Without `thinking` the caller wants to hear none."""

    def __init__(self, *, thinking: bool = True) -> None:
        self.called_tools = False
        #: The number of the block that is open, or was last.
        self.number = -1
        self._thinking = thinking
        self._open: str | int | None = None
        self._arguments = _Arguments()
        self._told: set[int] = set()
        self._waiting: list[_Piece] = []

    @property
    def in_text(self) -> bool:
        """Whether a text block is open, so that more text is one more delta."""
        return self._open == "text"

    def add(self, event: AnswerEvent) -> Iterator[Payload]:
        """What an event adds to the blocks."""
        if isinstance(event, Chunk | ThoughtSeal):
            for piece in _pieces(event):
                if self._thinking or not piece.block["type"].endswith("thinking"):
                    yield from self._take(piece)

    def close(self) -> Iterator[Payload]:
        """The answer is over: tells what waits, and closes the block that is open."""
        yield from self._stop()
        while self._waiting:
            yield from self._release()
            yield from self._stop()

    def _take(self, piece: _Piece) -> Iterator[Payload]:
        if piece.place in self._told:
            return  # only white space can follow a whole object
        if piece.place != self._open:
            if self._waiting or (isinstance(self._open, int) and not self._arguments.whole):
                self._waiting.append(piece)
                return
            yield from self._start(piece)
        if piece.delta is not None:
            yield {"type": "content_block_delta", "index": self.number, "delta": piece.delta}
        if piece.is_last:
            yield from self._stop()
        elif isinstance(piece.place, int) and piece.delta is not None:
            self._arguments.add(piece.delta["partial_json"])
            if self._waiting and self._arguments.whole:
                yield from self._stop()
                yield from self._release()

    def _release(self) -> Iterator[Payload]:
        waiting, self._waiting = self._waiting, []
        for piece in waiting:
            yield from self._take(piece)

    def _start(self, piece: _Piece) -> Iterator[Payload]:
        yield from self._stop()
        self._open = piece.place
        self.number += 1
        self.called_tools = self.called_tools or isinstance(piece.place, int)
        yield {"type": "content_block_start", "index": self.number, "content_block": piece.block}

    def _stop(self) -> Iterator[Payload]:
        if self._open is None:
            return
        if isinstance(self._open, int):
            self._told.add(self._open)
            self._arguments = _Arguments()
        self._open = None
        yield {"type": "content_block_stop", "index": self.number}


class _Arguments:
    """The arguments of the open call, far enough to see where they end; each character is looked at once."""

    __slots__ = ("_scanner",)

    def __init__(self) -> None:
        self._scanner = JSONArrayDecoder(max_item=sys.maxsize)  # the limit of the answer is theirs too

    @property
    def whole(self) -> bool:
        return self._scanner.complete

    def add(self, fragment: str) -> None:
        self._scanner.decode(fragment.encode("utf-8", "replace"))


def _pieces(event: Chunk | ThoughtSeal) -> Iterator[_Piece]:
    if isinstance(event, ThoughtSeal):
        yield _seal(event)
        return
    if event.reasoning:
        yield _Piece("thinking", _THINKING, {"type": "thinking_delta", "thinking": event.reasoning})
    if event.text:
        yield _Piece("text", {"type": "text", "text": ""}, {"type": "text_delta", "text": event.text})
    for call in event.tool_calls:
        yield _Piece(call.index, _tool_use(call), _arguments(call))


_THINKING: Payload = {"type": "thinking", "thinking": "", "signature": ""}


def _seal(seal: ThoughtSeal) -> _Piece:
    if seal.encrypted:
        return _Piece("redacted", {"type": "redacted_thinking", "data": seal.encrypted}, None, is_last=True)
    delta = {"type": "signature_delta", "signature": seal.signature}
    return _Piece("thinking", _THINKING, delta, is_last=True)


def _tool_use(call: ToolCallDelta) -> Payload:
    return {"type": "tool_use", "id": call.id or f"call_{call.index}", "name": call.name or "", "input": {}}


def _arguments(call: ToolCallDelta) -> Payload | None:
    return {"type": "input_json_delta", "partial_json": call.arguments} if call.arguments else None
