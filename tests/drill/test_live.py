"""The drill held on the real daemon, in both modes: nobody lies, nothing is asked twice, no key is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cortex_actors.drill import scorecard
from cortex_actors.drill.caller import Asked, Caller, Outcome
from cortex_actors.drill.evidence import Verdict
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.runner import Drill, Result
from cortex_actors.drill.wall import Wall
from cortex_actors.drill.wall_client import WallClient
from cortex_actors.drill.wall_log import fingerprint
from cortex_actors.transport import HTTPTransport
from tests.live.daemon import Daemon

#: One that looks like a key, and one that nobody would take for one.
CANARIES = ("sk-CANARY-0123456789abcdef", "canary/plain+words")

_CONFIG = (Path(__file__).parents[2] / "config" / "drill.toml").read_text(encoding="utf-8")
_PAGES = (
    "/",
    "/api/providers",
    "/api/health",
    "/api/actors",
    "/livez",
    "/readyz",
    "/metrics",
    "/api/nothing",
)

#: Under gevent the rows that take longest or move most are left to the other mode.
_THREADS_ONLY = {"outage-8s", "many-deltas"}

#: One row for each class of failure, and how many requests it makes upstream, fallbacks included.
_CLASSES = {
    "steady": {1},
    "content-policy": {1},  # the caller's fault
    "context-length": {1},
    "bad-key": {1 + 1},  # the key; the other one was refused in the row before
    "insufficient-quota": {2 + 1},  # money
    "429-forever": {1 + 1},  # a rate limit
    "429-forever-alone": {3},
    "500-once": {2},  # the server
    "503-forever": {2 + 1},
    "reset-before-headers": {2},
    "json-error-200": {2},
    "zero-deltas": {2},
    "silence": {1 + 1},  # silence
    "leave-before-headers": {1},  # the caller left
    "leave-midway": {1},
}


#: Rows whose answer breaks off where somebody else knows the rest.
_GONE_ON_WITH = {
    "cut-at-40",
    "reset-at-40",
    "cut-no-prefill",
    "cut-prefill",
    "cut-prefill-refused",
    "cut-replayed",
    "stall-at-20",
    "error-event",
    "clean-end-without-finish",
}


class Listener(Caller):
    """A caller that keeps everything it was shown."""

    def __init__(self, url: str, transport: HTTPTransport) -> None:
        super().__init__(url, transport)
        self.shown: list[bytes] = []

    def ask(self, asked: Asked) -> Outcome:
        outcome = super().ask(asked)
        self.shown.append(outcome.shown)
        return outcome


@dataclass
class Held:
    """A drill that was held, and all that anybody could see of it."""

    mode: str
    results: list[Result]
    shown: list[bytes]
    pages: dict[str, str]
    keys_used: set[str | None]
    log: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", params=["threads", "gevent"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """One drill of all short rows on a daemon of its own."""
    mode: str = request.param
    rows = [row for row in ROWS if not row.long and (mode == "threads" or row.name not in _THREADS_ONLY)]
    transport = HTTPTransport()
    with Wall() as wall:
        settings = _CONFIG.replace("http://127.0.0.1:9900", wall.url)
        environ = {"WALL_KEYS": ",".join(CANARIES)}
        with Daemon(settings, tmp_path_factory.mktemp("drill"), mode=mode, environ=environ) as daemon:
            listener = Listener(f"http://127.0.0.1:{daemon.port}", transport)
            results = list(Drill(listener, WallClient(wall.url, transport)).run(rows))
            pages = {path: daemon.get(path) for path in _PAGES}
            seen = {path: f"{answer.headers}{answer.text}" for path, answer in pages.items()}
        keys = {entry.key for entry in wall.entries}
        yield Held(mode, results, listener.shown, seen, keys, daemon.log)
    transport.close()


def card(held: Held) -> str:
    """What to show when an assertion fails."""
    return "\n".join([*scorecard.lines(held.results), *held.log[-20:]])


def test_nobody_lies(held: Held) -> None:
    assert [_name(each) for each in held.results if each.verdict is Verdict.FAIL] == [], card(held)
    assert scorecard.exit_code(held.results) == 0


def test_no_success_is_truncated_and_no_end_invented(held: Held) -> None:
    said = [finding.text for each in held.results for finding in each.findings]

    assert not [text for text in said if "success" in text or "invented" in text], card(held)


def test_what_breaks_off_has_all_its_words_in_every_framing(held: Held) -> None:
    rows = [each for each in held.results if each.case.scenario.name in _GONE_ON_WITH]

    assert {each.case.scenario.name for each in rows} == _GONE_ON_WITH
    assert [_name(each) for each in rows if each.verdict is not Verdict.PASS] == [], card(held)


def test_every_fault_was_met(held: Held) -> None:
    unmet = [_name(each) for each in held.results if any("not met" in it.text for it in each.findings)]

    assert unmet == []


def test_one_request_by_a_caller_is_one_request_upstream_for_each_attempt(held: Held) -> None:
    for row, expected in _CLASSES.items():
        counts = {each.upstream for each in held.results if each.case.scenario.name == row}
        assert counts <= expected, f"{row}\n{card(held)}"
        assert counts, row


def test_no_key_is_ever_shown(held: Held) -> None:
    texts = [*(shown.decode("utf-8", "replace") for shown in held.shown), *held.pages.values(), *held.log]

    assert {fingerprint(key) for key in CANARIES} <= held.keys_used, "the canaries were in use"
    assert len(held.shown) > 80
    assert len(held.log) > 80
    for canary in (*CANARIES, "CANARY", "canary"):
        assert [text for text in texts if canary in text] == []


def test_nothing_unexpected_is_in_the_log(held: Held) -> None:
    assert [line for line in held.log if "Traceback" in line or " ERROR " in line] == []


def _name(result: Result) -> str:
    return f"{result.case.scenario.name} ({result.case.framing.name})"
