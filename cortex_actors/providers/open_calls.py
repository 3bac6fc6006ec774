"""The tool calls of one answer while they are being written, for dialects that open and close them.

Providers number the blocks of an answer, of which some are tool calls; callers number the tool calls alone,
from 0. A model that calls a tool without arguments may write none at all, where callers expect `{}`.

Imports:     adapter (the state), tool_calls; chat.
Imported by: anthropic_stream, cohere_stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cortex_actors.chat import Chunk, ToolCallDelta
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.tool_calls import invented_id

#: The provider's number of a block; None where it sends none, which then is one block like any other.
Block = int | None


@dataclass(slots=True)
class _Call:
    index: int
    wrote: bool


def begin(
    state: StreamState, block: Block, *, id: str, name: str, arguments: str = "", answer: str = ""
) -> Sequence[Chunk]:
    """A tool call opens, perhaps with its first arguments; `answer` is a word that tells this answer."""
    state.saw_tool_calls = True
    calls = _calls(state)
    call = calls[block] = _Call(len(calls), bool(arguments))
    return _chunk(ToolCallDelta(call.index, id or invented_id(answer, call.index), name, arguments))


def write(state: StreamState, block: Block, arguments: str) -> Sequence[Chunk]:
    """A fragment of arguments; nothing for blocks that are no tool calls of the caller's."""
    call = _calls(state).get(block)
    if call is None or not arguments:
        return ()
    call.wrote = True
    return _chunk(ToolCallDelta(call.index, arguments=arguments))


def end(state: StreamState, block: Block) -> Sequence[Chunk]:
    """A block closes."""
    call = _calls(state).get(block)
    return () if call is None or call.wrote else write(state, block, "{}")


def _calls(state: StreamState) -> dict[Block, _Call]:
    calls: dict[Block, _Call] = state.notes.setdefault("open_calls", {})
    return calls


def _chunk(delta: ToolCallDelta) -> Sequence[Chunk]:
    return (Chunk(tool_calls=(delta,)),)
