"""The runner: drives the rows of a drill against a running gateway, and has each judged.

Runs on:   a few threads; rows of one lane in turn, and last, one by one, rows that want the machine alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cortex_actors.drill.caller import NO_ANSWER, Asked, Caller, Ending, Outcome
from cortex_actors.drill.evidence import Evidence, Finding, Verdict
from cortex_actors.drill.honesty import HONESTY
from cortex_actors.drill.reading import Framing, Reading
from cortex_actors.drill.rows import FALLBACK
from cortex_actors.drill.scenario import Drive, Scenario
from cortex_actors.drill.silent_caller import SilentCaller
from cortex_actors.drill.wall_client import WallClient
from cortex_actors.drill.wall_log import MARK, Entry

#: How long the wall is watched for a socket that should close, in seconds.
_PATIENCE = 6.0

#: How long a caller who reads nothing may be kept, and a recovered provider left alone, in seconds.
_MOST_STALL = 40.0
_MOST_RETURN = 40.0

#: Between two looks at something that changes by itself, in seconds.
_LOOK = 0.1

_PAGES = ("/livez", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True)
class Case:
    """A row in one framing."""

    scenario: Scenario
    framing: Framing


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    case: Case
    verdict: Verdict
    findings: tuple[Finding, ...]
    #: How long its longest request took.
    seconds: float
    #: Requests that the wall saw for it.
    upstream: int


@dataclass(slots=True)
class Drill:
    """A gateway, a wall, and how to bring them together."""

    gateway: Caller
    wall: WallClient
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    marks: Callable[[], str] = field(default=lambda: secrets.token_hex(4))

    def run(self, rows: Iterable[Scenario], at_once: int = 12) -> Iterator[Result]:
        """Every case of these rows, as they are done."""
        cases = [Case(row, framing) for row in rows for framing in row.framings]
        together = _lanes([case for case in cases if not case.scenario.alone])
        with ThreadPoolExecutor(at_once, "drill") as pool:
            for done in as_completed([pool.submit(self._in_turn, lane) for lane in together]):
                yield from done.result()
        yield from self._in_turn([case for case in cases if case.scenario.alone])

    def try_out(self, case: Case) -> Result:
        """One case: driven, watched, judged."""
        mark = self.marks()
        seen = _DRIVES[case.scenario.drive](self, case, mark)
        findings = judged(seen, case.scenario)
        return Result(
            case,
            max((finding.verdict for finding in findings), default=Verdict.PASS),
            findings,
            max(outcome.seconds for outcome in seen.outcomes),
            len(seen.entries),
        )

    def _in_turn(self, cases: Sequence[Case]) -> list[Result]:
        return [self.try_out(case) for case in cases]

    # -- the ways to drive a case

    def _ask(self, case: Case, mark: str) -> Evidence:
        outcome = self.gateway.ask(asked(case, mark))
        return self._evidence(case, [outcome], self._watch(case.scenario, mark))

    def _look_around(self, case: Case, mark: str) -> Evidence:
        outcome = self.gateway.ask(asked(case, mark))
        give_up = self.clock() + _PATIENCE
        while True:
            pages = {path: self.gateway.get(path) for path in _PAGES}
            seen = self._evidence(case, [outcome], self._watch(case.scenario, mark), pages=pages)
            if self.clock() > give_up or not judged(seen, case.scenario):
                return seen
            self.sleep(_LOOK)

    def _keep_asking(self, case: Case, mark: str) -> Evidence:
        scenario = case.scenario
        began = self.clock()
        recovered = began + scenario.behaviour.down_for
        outcomes: list[Outcome] = []
        while self.clock() < recovered + _MOST_RETURN:
            outcomes.append(self.gateway.ask(asked(case, mark)))
            last = [outcome.reading.provider for outcome in outcomes[-2:]]
            if self.clock() > recovered and last == [scenario.provider] * 2:
                break
            self.sleep(max(0.0, began + len(outcomes) * scenario.every - self.clock()))
        return self._evidence(case, outcomes, self._watch(scenario, mark))

    def _read_nothing(self, case: Case, mark: str) -> Evidence:
        began, reading = self.clock(), Reading()
        companion = None
        try:
            with closing(SilentCaller(self.gateway.url, asked(case, mark))):
                companion = self.gateway.ask(asked(Case(_STEADY, case.framing), self.marks()))
                self._until_closed(mark, began + _MOST_STALL)
        except OSError:
            reading.lies.append(NO_ANSWER)
        outcome = Outcome(case.framing, Ending.LEFT, reading, None, "", b"", began, self.clock())
        return self._evidence(case, [outcome], self.wall.entries(mark), companion=companion)

    # -- what the wall saw

    def _watch(self, scenario: Scenario, mark: str) -> tuple[Entry, ...]:
        self.sleep(scenario.watch)
        if scenario.watch_sockets:
            self._until_closed(mark, self.clock() + _PATIENCE, scenario.behaviour.name)
        return self.wall.entries(mark)

    def _until_closed(self, mark: str, give_up: float, behaviour: str | None = None) -> None:
        """Waits until every socket of these requests was closed by the gateway."""
        while self.clock() < give_up:
            entries = [entry for entry in self.wall.entries(mark) if behaviour in (None, entry.behaviour)]
            if entries and all(entry.closed_by_peer_at is not None for entry in entries):
                return
            self.sleep(_LOOK)

    def _evidence(
        self, case: Case, outcomes: Sequence[Outcome], entries: tuple[Entry, ...], **more: Any
    ) -> Evidence:
        scenario = case.scenario
        return Evidence(scenario.provider, scenario.behaviour, tuple(outcomes), entries, **more)


_DRIVES: dict[Drive, Callable[[Drill, Case, str], Evidence]] = {
    Drive.ASK: Drill._ask,
    Drive.READ_NOTHING: Drill._read_nothing,
    Drive.KEEP_ASKING: Drill._keep_asking,
    Drive.LOOK_AROUND: Drill._look_around,
}

#: What somebody else asks for meanwhile.
_STEADY = Scenario("companion", "the whole answer", FALLBACK[0], ())


def asked(case: Case, mark: str) -> Asked:
    """The request of a case, with its mark on every model."""
    scenario = case.scenario
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "Say all numbers from one to sixty."}],
        "model": scenario.target + MARK + mark,
    }
    if scenario.fallbacks:
        body["fallbacks"] = [fallback + MARK + mark for fallback in scenario.fallbacks]
    if scenario.limits:
        body["limits"] = dict(scenario.limits)
    return Asked(body, case.framing, scenario.patience, scenario.leave_after, scenario.leave_at_word)


def judged(seen: Evidence, scenario: Scenario) -> tuple[Finding, ...]:
    """All that can be said about a case: by what is never allowed, then by what its row asks."""
    return tuple(finding for check in (*HONESTY, *scenario.checks) for finding in check(seen))


def _lanes(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases that must run in turn, together; the slowest first, so that they do not end last."""
    lanes: dict[str, list[Case]] = {}
    for number, case in enumerate(cases):
        lanes.setdefault(case.scenario.lane or str(number), []).append(case)
    return sorted(lanes.values(), key=lambda lane: lane[0].scenario.drive is not Drive.KEEP_ASKING)
