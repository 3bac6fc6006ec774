"""The lies: each is found, and nothing honest is taken for one."""

from __future__ import annotations

import pytest

from cortex_actors.drill import honesty
from cortex_actors.drill.caller import Ending, Outcome
from cortex_actors.drill.evidence import Check, Evidence, Verdict
from cortex_actors.drill.honesty import HONESTY
from cortex_actors.drill.reading import COMPLETE, NDJSON, SSE, TEXT, Framing
from cortex_actors.drill.wall_log import fingerprint
from cortex_actors.drill.words import TEXT as WORDS
from tests.drill.factories import broken, entry, error, evidence, findings, verdict, whole


def _garbled() -> Outcome:
    outcome = error(words=3)
    outcome.reading.pieces.insert(0, "seven ")
    return outcome


#: A lie, and the line of the file that must find it.
LIES: dict[str, tuple[Check, Evidence]] = {
    "a hang": (honesty.no_hang, evidence(broken(Ending.HANG, seconds=20.0))),
    "an error after the end": (honesty.no_broken_form, evidence(whole(lies=["a frame after the last one"]))),
    "a page of HTML": (
        honesty.no_broken_form,
        evidence(error("x", status=502, content_type="text/html; charset=utf-8")),
    ),
    "a truncated success": (honesty.no_false_success, evidence(whole("one two three"))),
    "an empty success": (honesty.no_false_success, evidence(whole(""), behaviour="zero-deltas")),
    "a word twice": (honesty.no_false_success, evidence(whole(WORDS.replace(" two", " two two")))),
    "a word missing": (honesty.no_false_success, evidence(whole(WORDS.replace(" two", "")))),
    "a word moved": (honesty.no_false_success, evidence(whole(WORDS.replace("one two", "two one")))),
    "foreign words before an error": (honesty.no_false_words, evidence(_garbled())),
    "seven requests upstream": (
        honesty.no_storm,
        evidence(error(status=503), [entry(after=number) for number in range(7)]),
    ),
    "a tight loop": (honesty.no_storm, evidence(whole(), [entry(after=0.0), entry(after=0.01)])),
    "a request that nobody tells of": (
        honesty.no_hidden_request,
        evidence(whole(attempts=1), [entry(after=0.0), entry("503-forever", after=1.0)]),
    ),
    "a key in the answer": (
        honesty.no_key_shown,
        evidence(error(shown=b'"details": "Bad key sk-secret-1."'), [entry(key=fingerprint("sk-secret-1"))]),
    ),
}
HONEST: dict[str, Evidence] = {
    "a whole answer": evidence(whole()),
    "the fallback's answer": evidence(
        whole(provider="wall-healthy", attempts=2),
        [entry("503-forever", status=503), entry("steady", 0.2)],
        behaviour="503-forever",
    ),
    "strange characters": evidence(
        whole(evidence(behaviour="utf8-every-byte").behaviour.text, model="utf8-every-byte+m1"),
        behaviour="utf8-every-byte",
    ),
    "one error in the middle": evidence(error(words=40), [entry("cut-at-40")], behaviour="cut-at-40"),
    "a text cut short": evidence(broken(Ending.CUT, words=40, framing=TEXT), behaviour="cut-at-40"),
    "a refusal": evidence(error("no_workers_available", status=503, attempts=None)),
    "a caller who left": evidence(broken(Ending.LEFT, words=5)),
    "six spaced attempts": evidence(
        error("upstream_rate_limited", status=503, attempts=6), [entry(after=number) for number in range(6)]
    ),
    "two keys at once": evidence(
        whole(attempts=2), [entry(key="aaaaaaaa"), entry(after=0.001, key="bbbbbbbb")]
    ),
    "an answer that holds some other word": evidence(
        error(shown=b'"details": "sk-secret-2"'), [entry(key=fingerprint("sk-secret-1"))]
    ),
    "many answers, as many requests": evidence(
        [whole(), whole()], [entry(after=number) for number in range(2)]
    ),
    "a text, whose attempts were told too early to know": evidence(
        whole(framing=TEXT, attempts=1), [entry(after=0.0), entry("503-forever", after=1.0)]
    ),
}


@pytest.mark.parametrize(("check", "seen"), LIES.values(), ids=LIES.keys())
def test_a_lie_fails(check: Check, seen: Evidence) -> None:
    assert verdict(check, seen) is Verdict.FAIL


@pytest.mark.parametrize("seen", HONEST.values(), ids=HONEST.keys())
def test_what_is_honest_passes_every_line(seen: Evidence) -> None:
    for check in HONESTY:
        assert findings(check, seen) == []


@pytest.mark.parametrize("framing", [SSE, NDJSON, COMPLETE], ids=lambda framing: framing.name)
def test_a_hidden_request_is_found_where_attempts_are_told_at_the_end(framing: Framing) -> None:
    seen = evidence(error(attempts=1, framing=framing), [entry(after=0.0), entry(after=1.0)])

    assert verdict(honesty.no_hidden_request, seen) is Verdict.FAIL


def test_a_fault_that_nobody_met_is_no_failure_and_is_noted() -> None:
    (note,) = findings(honesty.fault_met, evidence(whole(), [entry("steady")], behaviour="bad-key"))

    assert note.verdict is Verdict.PASS
    assert "not met" in note.text
