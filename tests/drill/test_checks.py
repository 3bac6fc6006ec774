"""What rows ask for: each check reaches each of its verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.drill import checks
from cortex_actors.drill.caller import Ending
from cortex_actors.drill.evidence import Check, Evidence, Verdict
from cortex_actors.drill.reading import TEXT
from tests.drill.factories import ASKED, broken, entry, error, evidence, verdict, whole

PASS, PARTIAL, SAFE, FAIL = Verdict

_FALLBACK: dict[str, Any] = {"provider": "wall-healthy", "attempts": 2}


def _attempts(*after: float, **how: Any) -> Evidence:
    return evidence(entries=[entry(after=each, **how) for each in after])


def _outage(*requests: tuple[float, int]) -> Evidence:
    """A provider that is down for 8 s, and when it was asked, with what status."""
    entries = [entry("down-for-8s", after, status=status) for after, status in requests]
    return evidence(entries=entries, behaviour="down-for-8s")


def _pages(running: str = "0.0", ready: int = 200) -> Evidence:
    pages = {
        "/livez": (200, b""),
        "/readyz": (ready, b""),
        "/metrics": (200, f"# HELP ...\ncortex_streams_running {running}\n".encode()),
    }
    return evidence(pages=pages)


CASES: list[tuple[str, Check, Evidence, Verdict]] = [
    # an answer
    ("whole", checks.answered(), evidence(whole()), PASS),
    ("in time", checks.answered(within=1.0), evidence(whole(seconds=0.9)), PASS),
    ("late", checks.answered(within=1.0), evidence(whole(seconds=1.1)), PARTIAL),
    ("by the fallback", checks.answered(by="wall-healthy"), evidence(whole(**_FALLBACK)), PASS),
    ("by the wrong one", checks.answered(by="wall-healthy"), evidence(whole()), FAIL),
    ("an error instead", checks.answered(), evidence(error(words=40)), SAFE),
    ("a refusal instead", checks.answered(), evidence(error("x", status=502)), SAFE),
    ("a text cut short instead", checks.answered(), evidence(broken(Ending.CUT, framing=TEXT)), SAFE),
    ("our own fault", checks.answered(), evidence(error("internal_error", status=500)), FAIL),
    ("blamed on the caller", checks.answered(), evidence(error("x", status=400)), FAIL),
    # an answer with a seam
    ("announced", checks.announced, evidence(whole(seams=1)), PASS),
    ("hidden", checks.announced, evidence(whole()), FAIL),
    ("no place to announce it", checks.announced, evidence(whole(framing=TEXT)), PASS),
    ("an error has no seam", checks.announced, evidence(error(words=40)), PASS),
    ("unanswerable", checks.unanswerable, evidence(error(words=40)), PASS),
    ("answered all the same", checks.unanswerable, evidence(whole()), FAIL),
    ("the key's fault told to the caller", checks.answered(), evidence(error("x", status=401)), FAIL),
    ("one of many is late", checks.answered(within=1.0), evidence([whole(seconds=9), whole()]), PARTIAL),
    # a refusal
    ("refused", checks.refused(400, saying="why"), evidence(error(status=400, details="why")), PASS),
    ("refused without a word", checks.refused(400, saying="why"), evidence(error(status=400)), PARTIAL),
    ("refused as somebody else's fault", checks.refused(400), evidence(error(status=502)), FAIL),
    ("answered from elsewhere", checks.refused(400), evidence(whole(**_FALLBACK)), FAIL),
    ("either: answered", checks.answered_or_refused(502), evidence(whole()), PASS),
    ("either: refused", checks.answered_or_refused(502), evidence(error(status=502)), PASS),
    ("either: wrong status", checks.answered_or_refused(502), evidence(error(status=400)), FAIL),
    (
        "an invented end",
        checks.earned,
        evidence(whole(), [entry("clean-end-without-finish")], behaviour="clean-end-without-finish"),
        FAIL,
    ),
    (
        "an end that somebody else earned",
        checks.earned,
        evidence(
            whole(**_FALLBACK),
            [entry("clean-end-without-finish"), entry("steady", 0.1)],
            behaviour="clean-end-without-finish",
        ),
        PASS,
    ),
    ("no end at all", checks.earned, evidence(error(words=60)), PASS),
    ("the first failure", checks.not_about_the_fallback, evidence(error(words=40)), PASS),
    ("the fallback's 400", checks.not_about_the_fallback, evidence(error("upstream_rejected")), FAIL),
    # attempts
    ("few attempts", checks.attempts(2), _attempts(0.0, 1.0), PASS),
    ("more attempts", checks.attempts(1), _attempts(0.0, 1.0), PARTIAL),
    ("one a key", checks.attempts_with_a_key(1), evidence(entries=[entry(), entry(key="b")]), PASS),
    ("two with one key", checks.attempts_with_a_key(1), _attempts(0.0, 1.0), PARTIAL),
    ("nobody asked", checks.attempts_with_a_key(1), evidence(entries=[]), PASS),
    ("far apart", checks.spaced(2.0), _attempts(0.0, 2.05), PASS),
    ("too close", checks.spaced(2.0), _attempts(0.0, 0.5), PARTIAL),
    ("billed once", checks.billed_once, evidence(whole()), PASS),
    ("billed twice", checks.billed_once, evidence(whole(usage={"prompt_tokens": 18})), FAIL),
    ("not billed", checks.billed_once, evidence(whole(usage=None)), FAIL),
    ("a text tells no usage", checks.billed_once, evidence(whole(usage=None, framing=TEXT)), PASS),
    # sockets
    ("let go", checks.let_go(1.0), evidence(entries=[entry(closed_after=1.0)]), PASS),
    ("let go late", checks.let_go(1.0), evidence(entries=[entry(closed_after=3.0)]), PARTIAL),
    ("held", checks.let_go(1.0), evidence(entries=[entry()]), FAIL),
    ("dropped", checks.dropped(5.0), evidence(entries=[entry(closed_after=4.0)]), PASS),
    ("dropped late", checks.dropped(5.0), evidence(entries=[entry(closed_after=30.0)]), PARTIAL),
    ("never dropped", checks.dropped(5.0), evidence(entries=[entry()]), FAIL),
    ("left", checks.left, evidence(broken(Ending.LEFT)), PASS),
    ("could not leave", checks.left, evidence(whole()), FAIL),
    (
        "asked for a caller who had left",
        checks.left,
        evidence(broken(Ending.LEFT), [entry(), entry(after=2.0)]),
        FAIL,
    ),
    ("little taken", checks.bounded(100), evidence(entries=[entry(size=100)]), PASS),
    ("all taken", checks.bounded(100), evidence(entries=[entry(size=101)]), FAIL),
    ("undisturbed", checks.undisturbed(1.0), evidence(companion=whole()), PASS),
    ("slowed down", checks.undisturbed(1.0), evidence(companion=whole(seconds=3.0)), PARTIAL),
    ("disturbed", checks.undisturbed(1.0), evidence(companion=error()), FAIL),
    ("nobody else there", checks.undisturbed(1.0), evidence(), FAIL),
    # an outage
    ("back", checks.came_back(30.0), _outage((0.0, 503), (13.0, 200)), PASS),
    ("back late", checks.came_back(30.0), _outage((0.0, 503), (39.0, 200)), PARTIAL),
    ("never back", checks.came_back(30.0), _outage((0.0, 503)), FAIL),
    ("never asked", checks.came_back(30.0), _outage(), PASS),
    ("few probes", checks.probes(2), _outage((0.0, 503), (1.0, 503), (13.0, 200)), PASS),
    ("more probes", checks.probes(1), _outage((0.0, 503), (1.0, 503)), PARTIAL),
    ("a storm", checks.probes(1), _outage(*((each, 503) for each in range(4))), FAIL),
    # the rest
    (
        "word by word",
        checks.as_it_comes(0.5),
        evidence(whole(arrivals=tuple(number / 20 for number in range(1, 61)))),
        PASS,
    ),
    ("all at once", checks.as_it_comes(0.5), evidence(whole(arrivals=(3.0,))), PARTIAL),
    ("well", checks.well, _pages(), PASS),
    ("a stream left running", checks.well, _pages(running="1.0"), FAIL),
    ("not ready", checks.well, _pages(ready=503), FAIL),
]


@pytest.mark.parametrize(
    ("check", "seen", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_check_says_what_an_outcome_is_worth(check: Check, seen: Evidence, expected: Verdict) -> None:
    assert verdict(check, seen) is expected


@pytest.mark.parametrize("ending", [Ending.HANG, Ending.CUT])
def test_a_lie_is_not_called_an_honest_error(ending: Ending) -> None:
    seen = evidence(broken(ending, lies=["no answer at all"]))

    assert verdict(checks.answered(), seen) is not SAFE


def test_the_moment_of_leaving_counts_not_the_moment_of_asking() -> None:
    left = broken(Ending.LEFT, seconds=5.0)
    seen = evidence(left, [entry(closed_after=5.5)])

    assert left.over_at == ASKED + 5.0
    assert verdict(checks.let_go(1.0), seen) is PASS
