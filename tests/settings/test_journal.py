"""[journal]: what cannot be is said at the start, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.settings import JournalSettings
from tests.settings import mistakes_of, settings_of


def test_without_a_word_it_is_in_memory(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "").journal == JournalSettings(backend="memory")


def test_a_journal_in_redis_is_in_the_redis_of_all(tmp_path: Path) -> None:
    text = '[journal]\nbackend = "redis"\n[redis]\nurl = "redis://10.0.0.7/0"\n'

    assert settings_of(tmp_path, text).journal.backend == "redis"


def test_a_journal_in_a_redis_that_nobody_named_is_a_mistake(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, '[journal]\nttl = 5\nbackend = "redis"\n')

    assert "journal.backend is redis, and redis.url names none" in mistake
    assert "3" in mistake.partition(": ")[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('backend = "disk"', "journal.backend must be one of memory, redis"),
        ("stream_bytes = 10", "journal.stream_bytes must be at least 1024"),
        ("lease = 0", "journal.lease must be above 0"),
        ("ttl = 0", "journal.ttl must be above 0"),
        ('prefix = "a b"', "journal.prefix must be 1 to 64"),
        ('prefix = ""', "journal.prefix must be 1 to 64"),
        ("max_readers = -1", "journal.max_readers must be at least 0"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, line: str, says: str) -> None:
    (mistake,) = mistakes_of(tmp_path, f"[journal]\n{line}\n")

    assert says in mistake
