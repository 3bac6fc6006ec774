"""Puts the fragments of tool calls in order: one index and one id for each call, told once.

Servers leave the index away, repeat id and name in every fragment, or send no id at all. Callers join
fragments by index and answer by id, so both must be there, and must not change.

Imports:     chat.
Imported by: openai_stream, ollama.
"""

from __future__ import annotations

import hashlib

from cortex_actors.chat import ToolCallDelta


class ToolCallLedger:
    """The tool calls of one answer so far; `answer` is any word that tells this answer from others."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}
        self._named: set[int] = set()

    def fragment(
        self, *, index: int | None, id: str | None, name: str | None, arguments: str, answer: str
    ) -> ToolCallDelta:
        """The fragment as callers may rely on it: id and name on the first of its index, and only there."""
        place = self._place(index, id, name)
        is_new = place not in self._ids
        if is_new:
            self._ids[place] = id or invented_id(answer, place)
        names_it = bool(name) and place not in self._named
        if names_it:
            self._named.add(place)
        return ToolCallDelta(
            index=place,
            id=self._ids[place] if is_new else None,
            name=name if names_it else None,
            arguments=arguments,
        )

    def _place(self, index: int | None, id: str | None, name: str | None) -> int:
        """The server's index; without one, a known id is its call, a new id or name is the next call."""
        if index is not None:
            return index
        known = next((place for place, known_id in self._ids.items() if id and known_id == id), None)
        if known is not None:
            return known
        following = max(self._ids, default=-1) + 1
        return following if id or name or not self._ids else following - 1


def invented_id(answer: str, index: int) -> str:
    """An id for a call that came without one: the same each time these bytes are read."""
    return "call_" + hashlib.sha256(f"{answer}/{index}".encode("utf-8", "replace")).hexdigest()[:16]
