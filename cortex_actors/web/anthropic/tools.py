"""Tools: what the model may call, and whether it must."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cortex_actors.chat import NamedTool, Tool, ToolChoice
from cortex_actors.web.anthropic.parts import cache_time
from cortex_actors.web.anthropic.turns import Turns
from cortex_actors.web.fields import Fields

_KNOWN = ("type", "name", "description", "input_schema", "strict", "cache_control")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def read_tool(fields: Fields, turns: Turns) -> Tool:
    """A tool of the caller's own."""
    if fields.values.get("type") not in (None, "custom"):
        raise fields.refuse("type", 'must be "custom": no provider is told of tools that are built in')
    name = fields.needed_text("name")
    if not _TOOL_NAME.fullmatch(name):
        raise fields.refuse("name", "must be 1 to 128 of A-Z a-z 0-9 _ . : -")
    schema = fields.schema("input_schema")
    if schema is None:
        raise fields.refuse("input_schema", "is missing")
    turns.note_unknown(fields, _KNOWN, "tools")
    return Tool(name, fields.text("description"), schema, fields.flag("strict"), cache_time(fields))


def read_tool_choice(
    fields: Fields | None, tools: tuple[Tool, ...], turns: Turns
) -> tuple[ToolChoice | None, bool | None]:
    """Which tools may be called, and whether several at once."""
    if fields is None:
        return None, None
    turns.note_unknown(fields, ("type", "name", "disable_parallel_tool_use"), "tool_choice")
    kind = fields.word("type", ("auto", "any", "tool", "none"))
    in_parallel = False if fields.flag("disable_parallel_tool_use") else None
    if kind == "tool":
        name = fields.needed_text("name")
        if name not in {tool.name for tool in tools}:
            raise fields.refuse("name", "must be the name of one of the tools")
        return NamedTool(name), in_parallel
    choices: Mapping[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
    return choices[kind], in_parallel
