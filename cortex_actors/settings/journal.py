"""The journal of resumable streams: where it is, how long it is kept, how much it may hold.

Imports:  access, keys, mistakes, texts.
Imported by: model, loading, and through `cortex_actors.settings` by every layer above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cortex_actors.settings import texts
from cortex_actors.settings.access import RedisSettings
from cortex_actors.settings.keys import seconds, setting
from cortex_actors.settings.mistakes import Mistakes


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """What is kept of streams that callers may resume: the events, and with redis the questions too."""

    backend: Literal["memory", "redis"] = setting(
        "memory", '"memory": this instance resumes its own streams; "redis", of [redis]: each resumes all.'
    )
    ttl: float = seconds(300.0, "Time a stream can still be resumed after its end.")
    stream_bytes: int = setting(
        4 * 2**20,
        "Most that is kept of one stream; of a longer one the oldest events are dropped.",
        unit="bytes",
        least=1024,
        most=2**31 - 1,
    )
    total_bytes: int = setting(
        256 * 2**20,
        "Most that is kept altogether; when it is full, new streams are not resumable. 0: none ever is.",
        unit="bytes",
        least=0,
        most=2**40,
    )
    max_readers: int = setting(
        1000,
        "Callers that read resumable streams at once; one more is answered 503. 0: none is resumable.",
        least=0,
        most=100_000,
    )
    retry: float = seconds(1.0, "Time that a client is asked to wait before it reconnects.")
    lease: float = seconds(
        5.0, "Time without a sign of life after which another instance takes over a stream in redis."
    )
    prefix: str = setting("cortex", "Beginning of the keys in redis.", complaint=texts.key_prefix)


def check_backend(journal: JournalSettings, redis: RedisSettings, where: str, mistakes: Mistakes) -> None:
    """Notes a journal in a Redis that nobody named."""
    if journal.backend == "redis" and not redis.url:
        mistakes.add(where, "journal.backend is redis, and redis.url names none")
