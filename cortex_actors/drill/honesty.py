"""What is never allowed, whatever the fault: the lies. Every row is held against every line of this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cortex_actors.drill.caller import Ending, Outcome
from cortex_actors.drill.evidence import Check, Evidence, Finding, Verdict
from cortex_actors.drill.wall_log import Entry, fingerprint
from cortex_actors.drill.words import difference

#: Attempts for one request of a caller.
MOST_ATTEMPTS = 6

#: Attempts on one model with one key that follow each other faster are a tight loop, in seconds.
_TIGHT = 0.03

_KEY_LIKE = re.compile(rb"[\w.~+/=-]{8,}")


def no_hang(seen: Evidence) -> Iterator[Finding]:
    """Every request comes to an end."""
    for outcome in seen.outcomes:
        if outcome.ending is Ending.HANG:
            yield _lie(f"no end after {outcome.seconds:.0f} s")


def no_broken_form(seen: Evidence) -> Iterator[Finding]:
    """An answer keeps to its framing: JSON where JSON is due, one end, nothing after it, no page of HTML."""
    for outcome in seen.outcomes:
        yield from map(_lie, outcome.reading.lies)
        if "html" in outcome.content_type.lower():
            yield _lie("HTML")


def no_false_success(seen: Evidence) -> Iterator[Finding]:
    """What says that it is whole has every word once, and at least one."""
    for outcome in seen.outcomes:
        if outcome.ending is not Ending.WHOLE:
            continue
        told = outcome.reading.text
        if not told:
            yield _lie("an empty success")
        elif wrong := difference(told, seen.expected(outcome)):
            yield _lie(f"a success that {wrong}")


def no_false_words(seen: Evidence) -> Iterator[Finding]:
    """What breaks off is the beginning of an answer."""
    for outcome in seen.outcomes:
        if outcome.ending is not Ending.WHOLE and not seen.expected(outcome).startswith(outcome.reading.text):
            yield _lie(f"what came before the end {difference(outcome.reading.text, seen.expected(outcome))}")


def no_storm(seen: Evidence) -> Iterator[Finding]:
    """Few attempts, and never one right after the other on the same model with the same key."""
    if len(seen.entries) > MOST_ATTEMPTS * len(seen.outcomes):
        yield _lie(f"{len(seen.entries)} requests upstream")
    by_route: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in seen.entries:
        by_route.setdefault((entry.model, entry.key), []).append(entry)
    for route in by_route.values():
        if any(later.time - sooner.time < _TIGHT for sooner, later in pairwise(route)):
            yield _lie("attempts without a pause between them")


def no_hidden_request(seen: Evidence) -> Iterator[Finding]:
    """One request by a caller is one request upstream for each attempt that the gateway tells of."""
    told = [outcome.reading.attempts for outcome in seen.outcomes if _tells_attempts(outcome)]
    known = [attempts for attempts in told if attempts is not None]
    if len(known) == len(seen.outcomes) and len(seen.entries) > sum(known):
        yield _lie(f"tells of {sum(known)} attempts, the wall saw {len(seen.entries)}")


def no_key_shown(seen: Evidence) -> Iterator[Finding]:
    """No answer holds a key that the wall was asked with."""
    keys = {entry.key for entry in seen.entries if entry.key}
    for outcome in seen.outcomes:
        words = {word.strip(b".") for word in _KEY_LIKE.findall(outcome.shown)}
        if keys & {fingerprint(word.decode()) for word in words}:
            yield _lie("a key in the answer")


def fault_met(seen: Evidence) -> Iterator[Finding]:
    """No lie, but worth a note: the gateway knew better than to ask, so nothing was put to the test."""
    if not seen.at_primary:
        yield Finding(Verdict.PASS, "not met: nobody asked that provider")


HONESTY: tuple[Check, ...] = (
    no_hang,
    no_broken_form,
    no_false_success,
    no_false_words,
    no_storm,
    no_hidden_request,
    no_key_shown,
    fault_met,
)


def _tells_attempts(outcome: Outcome) -> bool:
    """A text has told them before its first word, and others that were cut or left may not have told them."""
    return outcome.framing.tells_errors and outcome.ending in (Ending.WHOLE, Ending.ERROR)


def _lie(text: str) -> Finding:
    return Finding(Verdict.FAIL, text)
