"""Recorded outcomes: what a caller and the wall might have seen, made to order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.caller import Ending, Outcome
from cortex_actors.drill.evidence import Check, Evidence, Finding, Verdict
from cortex_actors.drill.reading import SSE, Framing, Reading
from cortex_actors.drill.reply import USAGE
from cortex_actors.drill.wall_log import Entry
from cortex_actors.drill.words import TEXT, WORDS

MARK = "m1"
#: When every recorded request was asked, in epoch seconds.
ASKED = 1_000.0


def whole(
    text: str = TEXT,
    *,
    provider: str = "wall",
    model: str = f"steady+{MARK}",
    usage: Mapping[str, Any] | None = USAGE,
    attempts: int | None = 1,
    seconds: float = 0.5,
    framing: Framing = SSE,
    seams: int = 0,
    **other: Any,
) -> Outcome:
    """A success, or what claims to be one."""
    reading = Reading([text], ended=True, provider=provider, model=model, usage=usage, attempts=attempts)
    reading.seams = seams
    return _outcome(reading, Ending.WHOLE, seconds, framing, **other)


def error(
    code: str = "truncated_stream",
    *,
    status: int = 200,
    words: int = 0,
    details: str = "",
    attempts: int | None = 1,
    seconds: float = 0.5,
    framing: Framing = SSE,
    **other: Any,
) -> Outcome:
    """One error, as a status or after so many words."""
    reading = Reading([" ".join(WORDS[:words])], provider="wall", attempts=attempts)
    reading.fail({"error": "Something", "code": code, "details": details})
    return _outcome(reading, Ending.ERROR, seconds, framing, status=status, **other)


def broken(
    ending: Ending, *, words: int = 0, seconds: float = 0.5, framing: Framing = SSE, **other: Any
) -> Outcome:
    """Neither a success nor an error: cut, left, or hanging."""
    return _outcome(Reading([" ".join(WORDS[:words])]), ending, seconds, framing, **other)


def _outcome(
    reading: Reading,
    ending: Ending,
    seconds: float,
    framing: Framing,
    *,
    status: int | None = 200,
    content_type: str = "text/event-stream",
    shown: bytes = b"",
    lies: Sequence[str] = (),
    asked_at: float = ASKED,
    arrivals: tuple[float, ...] = (),
) -> Outcome:
    reading.lies.extend(lies)
    return Outcome(
        framing, ending, reading, status, content_type, shown, asked_at, asked_at + seconds, arrivals
    )


def entry(
    behaviour: str = "steady",
    after: float = 0.0,
    *,
    status: int | None = 200,
    key: str | None = "aaaaaaaa",
    closed_after: float | None = None,
    size: int = 0,
) -> Entry:
    """A request at the wall, `after` seconds from when its caller asked."""
    closed = None if closed_after is None else ASKED + closed_after
    return Entry(1, f"{behaviour}+{MARK}", ASKED + after, key, status, closed, size)


def evidence(
    outcomes: Outcome | Sequence[Outcome] | None = None,
    entries: Sequence[Entry] | None = None,
    *,
    behaviour: str = "steady",
    provider: str = "wall",
    **other: Any,
) -> Evidence:
    """What a judge is shown; by default one good answer after one request at the wall."""
    listed = (outcomes,) if isinstance(outcomes, Outcome) else tuple(outcomes or (whole(),))
    seen = tuple(entries) if entries is not None else (entry(behaviour),)
    return Evidence(provider, BEHAVIOURS[behaviour], listed, seen, **other)


def findings(check: Check, seen: Evidence) -> list[Finding]:
    """All that one check has to say."""
    return list(check(seen))


def verdict(check: Check, seen: Evidence) -> Verdict:
    """The worst that one check has to say."""
    return max((finding.verdict for finding in check(seen)), default=Verdict.PASS)
