"""What the tests of the OpenAI API share: a daemon in front of every dialect, its clients, a conversation."""

from __future__ import annotations

from typing import Any

from openai import OpenAI

from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import Stream, refused_url
from tests.upstream.dialects import DIALECTS, Call, Dialect, Said
from tests.upstream.steps import Step

HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}

_PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "function": {"name": name, "description": f"The {name}.", "parameters": _PLACE}}
    for name in ("weather", "time")
]
CALLS = (
    Call("weather", {"city": "Zürich", "days": [1, 2]}, "call000001"),
    Call("time", {"city": "Bern"}, "call000002"),
)


def every_dialect(url: str) -> str:
    """One provider of each type, named after it, all behind the same upstream; and one that is not there."""
    return settings(
        *(provider(type, url, type, models=["usual"]) for type in DIALECTS),
        provider("nowhere", refused_url(), models=["usual"]),
        server={"heartbeat": 0.2, "max_body_bytes": 100_000},
    )


def keys() -> dict[str, str]:
    """A key for each provider that wants one."""
    keyless = ("ollama", "openai_compatible")
    return {f"{type.upper()}_API_KEYS": "secret-key" for type in DIALECTS if type not in keyless}


def client_of(daemon: Daemon) -> OpenAI:
    """A client that changed nothing but its base URL, and hears of every failure at once."""
    base_url = f"http://127.0.0.1:{daemon.port}/v1"
    return OpenAI(base_url=base_url, api_key="sk-any", max_retries=0, timeout=20.0)


def pausing(dialect: Dialect, step: Step) -> Stream:
    """An answer of two words that does this before the second."""
    answer = dialect.answer(Said(("Ho", "la")))
    return answer.pause(_second(answer), step)


def cut(dialect: Dialect) -> Stream:
    """An answer of two words that is cut before the second."""
    answer = dialect.answer(Said(("Ho", "la")))
    return answer.cut(sum(map(len, answer.events[: _second(answer)])))


def _second(answer: Stream) -> int:
    return next(number for number, event in enumerate(answer.events) if b'"la"' in event)
