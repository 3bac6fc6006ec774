"""The names that earlier gateways of this family read or promised: each works here, or has a reason not to.

Imports:  environment, section_reader, given, keys, mistakes.
Imported by: loading; providers_in_environment, which has the names that speak of one provider.

Times of this family are milliseconds (`GLOBAL_REQUEST_TIMEOUT=180000`); `180s` and `3m` say the same. A bare
number below 1000 is refused, because 30 would be 0.03 seconds and nobody means that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from cortex_actors.settings.environment import Environment, key_at, place, said
from cortex_actors.settings.given import take
from cortex_actors.settings.keys import Key, Unfit
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.section_reader import Draft

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*(ms|s|m|)")
_UNITS = {"ms": 0.001, "": 0.001, "s": 1.0, "m": 60.0}


def duration(key: Key, text: str) -> float:
    """Seconds from milliseconds, or from a number with its unit; raises Unfit."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise Unfit("must be milliseconds, or a number with its unit such as 30s")
    number, unit = float(match[1]), match[2]
    if not unit and number < 1000:
        raise Unfit(f"must be milliseconds; write {number:g}s or {number:g}ms to say which is meant")
    return float(key.convert(number * _UNITS[unit]))


def _minutes(key: Key, text: str) -> float:
    seconds = key.from_text(text)
    return float(key.convert(seconds * 60))


def _retries(key: Key, text: str) -> int:
    """Attempts are the first one and its retries."""
    return int(key.convert(int(key.from_text(text)) + 1)) if text != "0" else 1


def _debugging(key: Key, text: str) -> str | None:
    if text.lower() not in ("true", "1", "false", "0"):
        raise Unfit("must be true or false")
    return "debug" if text.lower() in ("true", "1") else None


@dataclass(frozen=True, slots=True)
class SeedName:
    """One name, the setting it stands for, and how its text is read; None from `read` leaves the setting."""

    name: str
    section: str
    key: str
    read: Callable[[Key, str], Any] = Key.from_text


SEED_NAMES = (
    SeedName("PORT", "server", "port"),
    SeedName("WORKER_POOL_STRATEGY", "routing", "strategy"),
    SeedName("ROUTING_STRATEGY", "routing", "strategy"),
    SeedName("HEALTH_CHECK_INTERVAL", "health", "interval"),
    SeedName("GLOBAL_REQUEST_TIMEOUT", "limits", "total", duration),
    SeedName("MAX_WORKER_RETRIES", "retry", "max_attempts", _retries),
    SeedName("API_KEY_ROTATION_STRATEGY", "keys", "strategy"),
    SeedName("RATE_LIMIT_BLOCK_MINUTES", "keys", "rest", _minutes),
    SeedName("ENABLE_WORKER_DEBUGGING", "logs", "level", _debugging),
)

#: Names (or patterns) that mean nothing here, each with the reason; one log line at the start when set.
IGNORED_ENVIRONMENT: Mapping[str, str] = {
    "SECRET_KEY_BASE": "there are no signed cookies or sessions",
    "PHX_SERVER": "`cortex serve` serves",
    "PHX_HOST": "no link to the public host is ever written; the address to listen on is server.host",
    "DNS_CLUSTER_QUERY": "instances do not form a cluster; put several behind a reverse proxy",
    "CLUSTER_STRATEGY": "instances do not form a cluster; put several behind a reverse proxy",
    "POOL_SIZE": "connections follow the streams; bound them with max_streams of a provider",
    "CACHE_MEMORY_MB": "answers are not cached",
    "CLEANUP_BLOCKED_KEYS_INTERVAL": "a resting key is looked at when one is chosen, so no sweep is needed",
    "ENABLE_METRICS": "metrics are always counted; nothing is sent anywhere unless /metrics is read",
    "OLLAMA_MAX_MEMORY_MB": "Ollama manages its own memory",
    "OLLAMA_GPU_ENABLED": "Ollama chooses its own device",
    "OLLAMA_AUTO_PULL": "models are not installed from here; use `ollama pull`",
    "TAVILY_API_KEY": "search services are not providers here",
    "SERPER_API_KEY": "search services are not providers here",
    "BRAVE_API_KEY": "search services are not providers here",
    "PUBMED_EMAIL": "search services are not providers here",
    "TEST_*_API_KEY": "tests never call a paid provider",
}


def from_seed_names(environ: Environment, mistakes: Mistakes) -> Draft:
    """What the older names say about the plain sections; two of them that disagree are a mistake."""
    draft: Draft = {}
    for seed in SEED_NAMES:
        text = said(environ, seed.name)
        key = key_at(seed.section, seed.key)
        label = f"{seed.section}.{seed.key}"
        given = take(label, partial(seed.read, key, text), place(seed.name), mistakes) if text else None
        if given is None or given.value is None:
            continue
        earlier = draft.setdefault((seed.section, seed.key), given)
        if earlier.value != given.value:
            mistakes.add(given.where, f"{label} is something else in {earlier.where}; keep one of the two")
    return draft


def ignored(environ: Environment) -> tuple[str, ...]:
    """One sentence for each name that is set and means nothing here."""
    return tuple(
        f"{name} has no effect: {reason}"
        for name in sorted(environ)
        for pattern, reason in IGNORED_ENVIRONMENT.items()
        if fnmatchcase(name, pattern) and said(environ, name)
    )
