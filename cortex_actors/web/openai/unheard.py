"""Unheard: what a body says in places from which nothing is passed on, by its dotted name.

    {"messages": [{"role": "user", "content": "Hi", "mood": "bright"}]}   ->   messages.mood

A client that sends back what it was sent fills such fields with null and with empty lists: they say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Every place that is read, and what is read there; for the outermost fields see `web.parsing.KNOWN`.
_KNOWN: Mapping[str, frozenset[str]] = {
    "messages": frozenset({"role", "content", "name", "tool_calls", "tool_call_id"}),
    "messages.content": frozenset({"type", "text", "image_url"}),
    "messages.content.image_url": frozenset({"url", "detail"}),
    "messages.tool_calls": frozenset({"id", "type", "function", "index"}),
    "messages.tool_calls.function": frozenset({"name", "arguments"}),
    "tools": frozenset({"type", "function"}),
    "tools.function": frozenset({"name", "description", "parameters", "strict"}),
    "tool_choice": frozenset({"type", "function"}),
    "response_format": frozenset({"type", "json_schema"}),
    "response_format.json_schema": frozenset({"name", "schema", "strict"}),
    "stream_options": frozenset({"include_usage"}),
}


def unheard(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what says something and is not read, each once, in the order of the body."""
    found = (name for place, value in body.items() for name in _inside(place, value))
    return tuple(dict.fromkeys(found))


def _inside(place: str, value: Any) -> Iterator[str]:
    known = _KNOWN.get(place)
    if known is None:
        return
    for item in value if isinstance(value, list) else (value,):
        for name, inner in item.items() if isinstance(item, dict) else ():
            if name in known:
                yield from _inside(f"{place}.{name}", inner)
            elif inner not in (None, False, "", [], {}):
                yield f"{place}.{name}"
