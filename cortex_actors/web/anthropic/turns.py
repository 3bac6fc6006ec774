"""Turns: the conversation of a Messages body, block by block, as the messages of a `ChatRequest`.

    system: text, or blocks                 system messages, cut after each mark of the prompt cache
    user: text, image, tool_result          user messages, and one tool message for each result
    assistant: text, tool_use, thinking     one assistant message

What has no place in a chat (documents, citations, the tools that run at Anthropic) is refused by name where
an answer depends on it, and noted as dropped where it does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import cast

from cortex_actors.chat import CacheTime, Message, Part, Role, TextPart, Thought, ToolCall
from cortex_actors.web.anthropic.parts import cache_time, read_part
from cortex_actors.web.fields import Fields
from cortex_actors.web.framing import to_json

_ROLES = ("user", "assistant", "system")
_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "user": ("text", "image", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
    "system": ("text",),
}
_KNOWN: Mapping[str, Collection[str]] = {
    "text": ("type", "text", "cache_control"),
    "image": ("type", "source", "cache_control"),
    "tool_result": ("type", "tool_use_id", "content", "is_error", "cache_control"),
    "tool_use": ("type", "id", "name", "input"),
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
}


class Turns:
    """Reads a conversation. `origins` says where in the body each of its `messages` came from."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.origins: list[str] = []
        #: Fields that no provider can be told; a dictionary for its order.
        self.dropped: dict[str, None] = {}

    def note_unknown(self, fields: Fields, known: Collection[str], place: str) -> None:
        """Notes the fields that nobody here knows, by where they are in a body of any length."""
        self.dropped.update(dict.fromkeys(f"{place}.{name}" for name in fields.unknown(known)))

    def system(self, body: Fields) -> None:
        """The system text of the body."""
        if not isinstance(body.values.get("system"), str):
            self._system_blocks(body)
        elif body.values["system"]:
            self._say("system", [TextPart(body.values["system"])], "system")

    def turn(self, fields: Fields, origin: str) -> None:
        """One message of the body."""
        role = cast(Role, fields.word("role", _ROLES))
        self.note_unknown(fields, ("role", "content"), "messages")
        content = fields.values.get("content")
        if isinstance(content, str):
            self._say(role, [TextPart(content)], origin)
        elif not isinstance(content, list):
            raise fields.refuse("content", "must be a string or a list of blocks")
        elif role == "assistant":
            self._assistant_turn(fields, origin)
        else:
            self._user_turn(role, fields, origin)

    def _system_blocks(self, body: Fields) -> None:
        """Texts that are kept in the cache together are one message: not every provider takes several."""
        texts: list[str] = []
        cache: CacheTime | None = None
        for _, block in self._blocks(body, "system", "system"):
            if cache is not None:
                self._say("system", [TextPart("\n\n".join(texts), cache)], "system")
                texts.clear()
            texts.append(block.needed_text("text"))
            cache = cache_time(block)
        if texts:
            self._say("system", [TextPart("\n\n".join(texts), cache)], "system")

    def _user_turn(self, role: Role, fields: Fields, origin: str) -> None:
        parts: list[Part] = []
        for kind, block in self._blocks(fields, "content", role):
            if kind == "tool_result":
                self._say(role, parts, origin)
                parts = []
                self._tool_result(block, origin)
            else:
                parts.append(read_part(kind, block))
        self._say(role, parts, origin)

    def _assistant_turn(self, fields: Fields, origin: str) -> None:
        parts: list[Part] = []
        calls: list[ToolCall] = []
        thoughts: list[Thought] = []
        for kind, block in self._blocks(fields, "content", "assistant"):
            if kind == "text":
                parts.append(read_part(kind, block))
            elif kind == "tool_use":
                arguments = to_json(block.needed_child("input").values)
                calls.append(ToolCall(block.needed_name("id"), block.needed_name("name"), arguments))
            elif kind == "redacted_thinking":
                thoughts.append(Thought(encrypted=block.needed_text("data")))
            elif signature := block.text("signature"):
                thoughts.append(Thought(block.needed_text("thinking"), signature))
            else:  # of a provider that seals nothing, and wants nothing back
                self.dropped["messages.content.thinking"] = None
        message = Message("assistant", tuple(parts), tuple(calls), thoughts=tuple(thoughts))
        self._add(message, origin)

    def _tool_result(self, fields: Fields, origin: str) -> None:
        content = fields.values.get("content")
        cache = cache_time(fields)
        if content is None or isinstance(content, str):
            parts: list[Part] = [TextPart(content or "", cache)]
        else:
            blocks = self._blocks(fields, "content", "user", ("text", "image"))
            parts = [read_part(kind, block) for kind, block in blocks]
            if cache is not None and parts:
                parts[-1] = replace(parts[-1], cache=cache)
        call_id, failed = fields.needed_name("tool_use_id"), fields.flag("is_error") or False
        self._add(Message("tool", tuple(parts), tool_call_id=call_id, failed=failed), origin)

    def _blocks(
        self, fields: Fields, key: str, role: str, kinds: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Fields]]:
        """The blocks of a list with their types, of which each role has its own."""
        for block in fields.children(key):
            kind = block.word("type", kinds or _BLOCKS[role])
            self.note_unknown(block, _KNOWN[kind], "system" if key == "system" else "messages.content")
            yield kind, block

    def _say(self, role: Role, parts: list[Part], origin: str) -> None:
        if parts:
            self._add(Message(role, tuple(parts)), origin)

    def _add(self, message: Message, origin: str) -> None:
        self.messages.append(message)
        self.origins.append(origin)
