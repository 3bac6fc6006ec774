"""What a row asks for: each function makes one check out of its figures, for the list in `rows`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from cortex_actors.drill.caller import Ending, Outcome
from cortex_actors.drill.evidence import Check, Evidence, Finding, Verdict
from cortex_actors.drill.reply import USAGE

#: Statuses that say "not your fault, and no answer": they may stand where an answer was wished for.
_HONEST = (429, 502, 503, 504)

#: A slow answer of sixty words that comes in no more pieces was held back.
_FEW_PIECES = 20

#: What clocks and networks may take away from a pause that was kept, in seconds.
_TOLERANCE = 0.1


def answered(*, within: float | None = None, by: str | None = None) -> Check:
    """A whole answer, `within` seconds, by this provider; one honest error is safe."""

    def check(seen: Evidence) -> Iterator[Finding]:
        for outcome in seen.outcomes:
            if outcome.ending is not Ending.WHOLE:
                yield from _honest(outcome)
                continue
            if by and outcome.reading.provider and outcome.reading.provider != by:
                yield Finding(Verdict.FAIL, f"answered by {outcome.reading.provider}")
            if within is not None and outcome.seconds > within:
                yield Finding(Verdict.PARTIAL, f"took {outcome.seconds:.1f} s")

    return check


def as_it_comes(gap: float) -> Check:
    """The words of a slow answer arrive as they are made: many pieces, never `gap` seconds apart."""

    def check(seen: Evidence) -> Iterator[Finding]:
        arrivals = (0.0, *seen.outcome.arrivals)
        longest = max((later - sooner for sooner, later in pairwise(arrivals)), default=gap)
        if len(arrivals) <= _FEW_PIECES or longest >= gap:
            yield Finding(Verdict.PARTIAL, f"{len(arrivals) - 1} pieces, up to {longest:.1f} s apart")

    return check


def refused(*statuses: int, saying: str = "") -> Check:
    """An error with one of these statuses and the provider's reason, and no answer from elsewhere."""

    def check(seen: Evidence) -> Iterator[Finding]:
        for outcome in seen.outcomes:
            if outcome.ending is Ending.WHOLE:
                yield Finding(Verdict.FAIL, f"answered by {outcome.reading.provider or 'somebody'}")
            elif outcome.status not in statuses:
                yield Finding(Verdict.FAIL, f"status {outcome.status}")
            elif saying not in json.dumps(outcome.reading.error):
                yield Finding(Verdict.PARTIAL, "the reason is not told")

    return check


def answered_or_refused(*statuses: int, saying: str = "") -> Check:
    """A whole answer, or an error as `refused` wants it: both are what was asked for."""
    refusal = refused(*statuses, saying=saying)

    def check(seen: Evidence) -> Iterator[Finding]:
        if any(outcome.ending is not Ending.WHOLE for outcome in seen.outcomes):
            yield from refusal(seen)

    return check


def earned(seen: Evidence) -> Iterator[Finding]:
    """The primary never ends its answer: a success is an invention unless somebody else was asked."""
    elsewhere = len(seen.entries) > len(seen.at_primary)
    if any(outcome.ending is Ending.WHOLE for outcome in seen.outcomes) and not elsewhere:
        yield Finding(Verdict.FAIL, "an invented end")


def announced(seen: Evidence) -> Iterator[Finding]:
    """An answer that was begun by one and ended by another says so, where its framing can."""
    for outcome in seen.outcomes:
        told = outcome.reading.seams or not outcome.framing.tells_errors
        if outcome.ending is Ending.WHOLE and not told:
            yield Finding(Verdict.FAIL, "a hidden seam")


def unanswerable(seen: Evidence) -> Iterator[Finding]:
    """Nobody could have given the whole answer: one honest error is what was asked for."""
    for outcome in seen.outcomes:
        if outcome.ending not in (Ending.ERROR, Ending.CUT):
            yield Finding(Verdict.FAIL, "a whole answer that nobody gave")


def not_about_the_fallback(seen: Evidence) -> Iterator[Finding]:
    """An error tells of the first failure, not of what the fallback thought of our continuation."""
    if seen.outcome.code == "upstream_rejected":
        yield Finding(Verdict.FAIL, "the fallback's 400")


def attempts(most: int) -> Check:
    """At most so many requests for the behaviour under drill."""

    def check(seen: Evidence) -> Iterator[Finding]:
        if len(seen.at_primary) > most:
            yield Finding(Verdict.PARTIAL, f"{len(seen.at_primary)} attempts")

    return check


def attempts_with_a_key(most: int) -> Check:
    """At most so many requests with any one key."""

    def check(seen: Evidence) -> Iterator[Finding]:
        counts = Counter(entry.key for entry in seen.at_primary)
        if counts and max(counts.values()) > most:
            yield Finding(Verdict.PARTIAL, f"{max(counts.values())} attempts with one key")

    return check


def spaced(seconds: float) -> Check:
    """Attempts on the behaviour under drill are at least so far apart."""

    def check(seen: Evidence) -> Iterator[Finding]:
        for sooner, later in pairwise(seen.at_primary):
            if later.time - sooner.time < seconds - _TOLERANCE:
                yield Finding(Verdict.PARTIAL, f"asked again after {later.time - sooner.time:.2f} s")

    return check


def billed_once(seen: Evidence) -> Iterator[Finding]:
    """Token counts are those of the one answer that came."""
    usage = seen.outcome.reading.usage
    if seen.outcome.framing.tells_errors and seen.outcome.ending is Ending.WHOLE:
        told = {name: usage.get(name) for name in USAGE} if usage else None
        if told != USAGE:
            yield Finding(Verdict.FAIL, f"usage {told}")


def let_go(within: float) -> Check:
    """The provider's socket is closed so many seconds after the request was over for its caller."""

    def check(seen: Evidence) -> Iterator[Finding]:
        for entry in seen.at_primary:
            if entry.closed_by_peer_at is None:
                yield Finding(Verdict.FAIL, "the provider's socket stays open")
            elif (late := entry.closed_by_peer_at - seen.outcome.over_at) > within:
                yield Finding(Verdict.PARTIAL, f"the provider's socket was closed after {late:.2f} s")

    return check


def dropped(within: float) -> Check:
    """A caller who reads nothing is given up after so many seconds, and the provider let go."""

    def check(seen: Evidence) -> Iterator[Finding]:
        for entry in seen.at_primary:
            if entry.closed_by_peer_at is None:
                yield Finding(Verdict.FAIL, "kept for ever")
            elif (kept := entry.closed_by_peer_at - seen.outcome.asked_at) > within:
                yield Finding(Verdict.PARTIAL, f"dropped after {kept:.0f} s")

    return check


def left(seen: Evidence) -> Iterator[Finding]:
    """The caller could leave before there was an answer, and nothing was asked for it afterwards."""
    if seen.outcome.ending is not Ending.LEFT:
        yield Finding(Verdict.FAIL, "over before the caller could leave")
    if any(entry.time > seen.outcome.over_at + 1.0 for entry in seen.entries):
        yield Finding(Verdict.FAIL, "asked upstream for a caller who had left")


def came_back(within: float) -> Check:
    """Every request is answered, and the primary has its traffic again soon after it recovered."""

    def check(seen: Evidence) -> Iterator[Finding]:
        if not seen.at_primary:
            return
        recovered = seen.at_primary[0].time + seen.behaviour.down_for
        back = next((entry.time for entry in seen.at_primary if entry.status == 200), None)
        if back is None:
            yield Finding(Verdict.FAIL, "never asked the recovered provider again")
        elif back - recovered > within:
            yield Finding(Verdict.PARTIAL, f"back {back - recovered:.0f} s after the recovery")

    return check


def probes(most: int) -> Check:
    """At most so many requests at a provider that is down; three times as many are a storm."""

    def check(seen: Evidence) -> Iterator[Finding]:
        refusals = sum(entry.status != 200 for entry in seen.at_primary)
        if refusals > most:
            verdict = Verdict.FAIL if refusals > 3 * most else Verdict.PARTIAL
            yield Finding(verdict, f"{refusals} requests while it was down")

    return check


def bounded(most_bytes: int) -> Check:
    """So many bytes are taken from a provider whose caller reads nothing."""

    def check(seen: Evidence) -> Iterator[Finding]:
        taken = sum(entry.bytes for entry in seen.at_primary)
        if taken > most_bytes:
            yield Finding(Verdict.FAIL, f"took {taken / 1e6:.0f} MB for a caller who reads nothing")

    return check


def undisturbed(within: float) -> Check:
    """Somebody else was answered meanwhile, as fast as ever."""

    def check(seen: Evidence) -> Iterator[Finding]:
        other = seen.companion
        if other is None or other.ending is not Ending.WHOLE:
            yield Finding(Verdict.FAIL, "somebody else's stream suffered")
        elif other.seconds > within:
            yield Finding(Verdict.PARTIAL, f"somebody else's stream took {other.seconds:.1f} s")

    return check


def well(seen: Evidence) -> Iterator[Finding]:
    """The gateway is alive and ready, and no stream is left running."""
    for path in ("/livez", "/readyz"):
        if seen.pages[path][0] != 200:
            yield Finding(Verdict.FAIL, f"{path} is {seen.pages[path][0]}")
    if b"\ncortex_streams_running 0.0\n" not in seen.pages["/metrics"][1]:
        yield Finding(Verdict.FAIL, "streams are left running")


def _honest(outcome: Outcome) -> Iterator[Finding]:
    """One honest error, where an answer was wished for."""
    if outcome.ending is Ending.HANG or outcome.reading.lies:
        return  # judged as what it is
    if outcome.status != 200 and outcome.status not in _HONEST:
        yield Finding(Verdict.FAIL, f"status {outcome.status}")
    elif outcome.ending is Ending.CUT:
        yield Finding(Verdict.SAFE, "cut short, and seen to be")
    else:
        yield Finding(Verdict.SAFE, f"one error: {outcome.code}")
