"""A whole message, put together out of the same blocks that a stream would tell.

A call that the token limit cut short is left out: nobody may run it, and the reason to stop says why it is
missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cortex_actors.chat import Finish, FinishReason, Usage
from cortex_actors.dispatch.stream import Stream, events_of
from cortex_actors.errors import MalformedStream
from cortex_actors.web.anthropic.blocks import Blocks
from cortex_actors.web.anthropic.payloads import message_payload, stop_payload
from cortex_actors.web.payloads import Payload

#: What may end an answer in the middle of a call.
_CUTS = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)


def whole_message(stream: Stream, *, thinking: bool) -> Payload:
    """Reads a stream to its end. Raises its error unless the answer is whole, and makes sense."""
    blocks = Blocks(thinking=thinking)
    told: list[Payload] = []
    finish = Finish(FinishReason.STOP)
    usage: Usage | None = None
    for event in events_of(stream):
        if isinstance(event, Finish):
            finish = event
        elif isinstance(event, Usage):
            usage = event
        told.extend(blocks.add(event))
    told.extend(blocks.close())
    return {
        **message_payload(stream.id, stream.model, usage),
        "content": _content(told, was_cut=finish.reason in _CUTS),
        **stop_payload(finish, called_tools=blocks.called_tools),
    }


def _content(told: Iterable[Payload], *, was_cut: bool) -> list[Payload]:
    blocks: list[Payload] = []
    pieces: list[dict[str, list[str]]] = []
    for event in told:
        if event["type"] == "content_block_start":
            blocks.append(dict(event["content_block"]))
            pieces.append({})
        elif event["type"] == "content_block_delta":
            ((key, text),) = ((key, text) for key, text in event["delta"].items() if key != "type")
            pieces[-1].setdefault(key, []).append(text)
    for block, texts in zip(blocks, pieces, strict=True):
        block.update({key: "".join(texts[key]) for key in texts})
    good = [block for block in blocks if _read_input(block)]
    if len(good) < len(blocks) and not was_cut:
        raise MalformedStream("The model called a tool with arguments that are no JSON object.")
    return good


def _read_input(block: Payload) -> bool:
    """Turns the text of a call's arguments into its input; False when that is no object."""
    if block["type"] != "tool_use":
        return True
    try:
        block["input"] = json.loads(block.pop("partial_json", "").strip() or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(block["input"], dict)
