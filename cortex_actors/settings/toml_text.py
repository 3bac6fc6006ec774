"""Values as TOML text, as the reports write them.

Imports nothing of the package. What could steer a terminal is escaped, by which the text stays TOML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: object) -> str:
    """A value on one line of TOML.

    >>> toml_value({"api": "v1", "stops": ("a", "b"), "on": True})
    '{ api = "v1", stops = ["a", "b"], on = true }'
    """
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    return _quoted(value) if isinstance(value, str) else repr(value)


def toml_key(name: str) -> str:
    """A key, quoted where TOML needs it."""
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string; what JSON leaves raw although it does not print is escaped too."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(c) for c in escaped)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
