"""Settings files for tests: everything small and quick, nothing probed, breakers that stay closed.

An answer that breaks off is not gone on with, so that a test of a failure sees that failure alone; recovery
has tests of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Section = Mapping[str, Any]

#: Seconds and counts that suit tests; each test file says where it needs others.
QUICK: Mapping[str, Section] = {
    "server": {"max_streams": 40, "spare_threads": 8, "max_followers": 4, "drain_timeout": 5.0},
    "journal": {"max_readers": 8},
    "limits": {"connect": 1.0, "first_token": 10.0, "idle": 10.0, "total": 30.0},
    "health": {"interval": 0},
    "breaker": {"minimum_calls": 100_000},
    "retry": {"backoff": 0.01, "backoff_max": 0.05},
    "recovery": {"enabled": False},
    "supervision": {"backoff_min": 0.05, "backoff_max": 0.2},
}


def provider(name: str, url: str, type: str = "openai_compatible", **keys: Any) -> Section:
    """One provider at this address."""
    return {"name": name, "type": type, "base_url": url, "model": "usual", **keys}


def settings(*providers: Section, **sections: Section) -> str:
    """A settings file with these providers, and with these keys instead of, or beside, the quick ones."""
    lines = []
    for name in sorted({*QUICK, *sections}):
        lines += [f"[{name}]", *_lines({**QUICK.get(name, {}), **sections.get(name, {})})]
    for each in providers:
        lines += ["[[providers]]", *_lines(each)]
    return "\n".join(lines) + "\n"


def _lines(section: Section) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in section.items()]


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    return json.dumps(value)
