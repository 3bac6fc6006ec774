"""The runner: which case when, how each is driven, and that a gateway that lies is found out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.drill.caller import Asked, Caller, Outcome
from cortex_actors.drill.evidence import Verdict
from cortex_actors.drill.reading import SSE, TEXT
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.runner import Case, Drill, Result
from cortex_actors.drill.scenario import Drive, Scenario
from cortex_actors.drill.wall import Wall
from cortex_actors.drill.wall_client import WallClient
from cortex_actors.drill.wall_log import Entry
from cortex_actors.transport import HTTPTransport
from tests.drill.factories import whole
from tests.drill.wall_caller import ask
from tests.upstream import Chunk, Head, LastChunk, ScriptedUpstream, json_answer, refused_url

_ROWS = {row.name: row for row in ROWS}


class Desk:
    """A gateway, a wall and a clock that are none: they note what is asked, and answer from a list."""

    def __init__(self, answer: Callable[[Asked, float], Outcome] | None = None) -> None:
        self.url = "http://nowhere"
        self.now = 1_000.0
        self.asked: list[Asked] = []
        self.entries_after: Callable[[float], tuple[Entry, ...]] = lambda now: ()
        self._answer = answer or (lambda asked, now: whole(asked_at=now))
        self._lock = threading.Lock()

    @property
    def drill(self) -> Drill:
        """A drill between these two, on this clock."""
        gateway: Any = self
        return Drill(gateway, gateway, clock=lambda: self.now, sleep=self.sleep, marks=lambda: "m1")

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        with self._lock:
            self.now += max(seconds, 0.001)

    def ask(self, asked: Asked) -> Outcome:
        """The caller's side."""
        with self._lock:
            self.asked.append(asked)
            return self._answer(asked, self.now)

    def entries(self, mark: str) -> tuple[Entry, ...]:
        """The wall's side."""
        assert mark == "m1"
        return self.entries_after(self.now)


def row(name: str, **changes: Any) -> Scenario:
    """A row that asks `steady` once."""
    plain = Scenario(name, "the whole answer", "wall/steady", (), framings=(SSE,))
    return replace(plain, **changes)


def test_every_row_runs_once_in_each_of_its_framings() -> None:
    desk = Desk()

    results = list(desk.drill.run([row("a", framings=(SSE, TEXT)), row("b")]))

    assert sorted((each.case.scenario.name, each.case.framing.name) for each in results) == [
        ("a", "sse"),
        ("a", "text"),
        ("b", "sse"),
    ]
    assert len(desk.asked) == 3


def test_rows_that_want_the_machine_alone_run_after_all_others_in_their_order() -> None:
    rows = [row("last", alone=True), row("a"), row("b"), row("very-last", alone=True)]

    names = [each.case.scenario.name for each in Desk().drill.run(rows)]

    assert sorted(names[:2]) == ["a", "b"]
    assert names[2:] == ["last", "very-last"]


def test_rows_of_one_lane_run_in_their_order() -> None:
    rows = [row(str(number), lane="one") for number in range(8)]

    results = list(Desk().drill.run(rows, at_once=8))

    assert [each.case.scenario.name for each in results] == [str(number) for number in range(8)]


def test_the_result_has_the_worst_verdict_the_longest_time_and_the_requests_upstream() -> None:
    desk = Desk(lambda asked, now: whole(seconds=9.0, asked_at=now))
    desk.entries_after = lambda now: (Entry(1, "steady+m1", 0.0), Entry(2, "steady+m1", 5.0))

    (result,) = desk.drill.run([replace(_ROWS["steady"], framings=(SSE,))])

    assert (result.verdict, result.seconds, result.upstream) == (Verdict.FAIL, 9.0, 2)
    assert {finding.verdict for finding in result.findings} == {Verdict.PARTIAL, Verdict.FAIL}


def test_the_sockets_are_watched_until_they_are_closed() -> None:
    desk = Desk()
    desk.entries_after = lambda now: (
        Entry(1, "steady+m1", 1_000.0, closed_by_peer_at=1_002.0 if now >= 1_002.0 else None),
    )

    (result,) = desk.drill.run([row("a", watch_sockets=True)])

    assert result.upstream == 1
    assert 1_002.0 <= desk.now < 1_003.0


def test_a_socket_that_stays_open_is_watched_for_a_while_only() -> None:
    desk = Desk()
    desk.entries_after = lambda now: (Entry(1, "steady+m1", 1_000.0),)

    list(desk.drill.run([row("a", watch_sockets=True)]))

    assert 1_005.0 < desk.now < 1_010.0


def test_an_outage_is_asked_through_until_the_primary_answered_twice_again() -> None:
    back_at = 1_013.0

    def answer(asked: Asked, now: float) -> Outcome:
        return whole(provider="wall" if now >= back_at else "wall-healthy", asked_at=now)

    desk = Desk(answer)
    outage = row("a", drive=Drive.KEEP_ASKING, target="wall/down-for-8s", every=1.0)

    list(desk.drill.run([outage]))

    assert len(desk.asked) == 15
    assert desk.now == pytest.approx(1_014.0, abs=0.5)


def test_a_primary_that_never_comes_back_is_not_waited_for_for_ever() -> None:
    desk = Desk(lambda asked, now: whole(provider="wall-healthy", asked_at=now))
    outage = row("a", drive=Drive.KEEP_ASKING, target="wall/down-for-8s", every=4.0)

    list(desk.drill.run([outage]))

    assert desk.now < 1_060.0


# -- a gateway that lies


@pytest.fixture
def wall() -> Iterator[Wall]:
    with Wall() as wall:
        yield wall


@pytest.fixture
def try_out(wall: Wall) -> Iterator[Callable[[str], Result]]:
    """Tries a row out on a gateway that calls everything a success that the wall says."""

    def lie(request: Any) -> Any:
        model = request.json["model"].partition("/")[2]
        heard = ask(wall, model)
        frames = [
            ("delta", {"text": heard.text if heard.status == 200 else ""}),
            ("end", {"end": "complete", "provider": "wall", "model": model, "attempts": [1]}),
        ]
        body = "".join(f"event: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in frames).encode()
        head = Head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        return [head, Chunk(body), LastChunk()]

    transport = HTTPTransport()
    with ScriptedUpstream() as gateway:
        gateway.on_path("/api/chat", lie)
        for page in ("/livez", "/readyz", "/metrics"):
            gateway.on_path(page, json_answer(200))
        drill = Drill(Caller(gateway.url, transport), WallClient(wall.url, transport))
        yield lambda name: drill.try_out(Case(_ROWS[name], SSE))
    transport.close()


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("cut-at-40", "a success that stops after 40 of 60 words"),
        ("reset-at-40", "a success that stops after 40 of 60 words"),
        ("error-event", "a success that stops after 20 of 60 words"),
        ("clean-end-without-finish", "an invented end"),
        ("zero-deltas", "an empty success"),
        ("503-forever", "an empty success"),
        ("content-policy", "an empty success"),
    ],
)
def test_a_gateway_that_lies_is_found_out(try_out: Callable[[str], Result], name: str, lie: str) -> None:
    result = try_out(name)

    assert result.verdict is Verdict.FAIL
    assert lie in [finding.text for finding in result.findings]
    assert result.upstream == 1


@pytest.mark.parametrize("name", ["steady", "bad-json-event", "utf8-every-byte", "huge-delta"])
def test_it_passes_where_it_has_no_reason_to_lie(try_out: Callable[[str], Result], name: str) -> None:
    result = try_out(name)

    assert result.verdict is Verdict.PASS, result.findings


def test_the_walls_clock_is_set_right(wall: Wall) -> None:
    ask(wall, "steady+m1")
    transport = HTTPTransport()
    ahead = wall.entries[0].time + 100.0

    (entry,) = WallClient(wall.url, transport, clock=lambda: ahead).entries("m1")

    assert entry.time == pytest.approx(ahead, abs=5.0)
    transport.close()


def test_a_gateway_that_is_gone_fails_its_rows_and_ends_no_drill(wall: Wall) -> None:
    transport = HTTPTransport()
    drill = Drill(Caller(refused_url(), transport), WallClient(wall.url, transport))
    rows = [replace(_ROWS[name], framings=(SSE,)) for name in ("steady", "reads-nothing", "afterwards")]

    results = list(drill.run(rows))

    assert [each.verdict for each in results] == [Verdict.FAIL] * 3
    transport.close()
