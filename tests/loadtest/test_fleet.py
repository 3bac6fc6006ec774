"""Several processes that make one test."""

from __future__ import annotations

from cortex_actors.loadtest import fleet
from cortex_actors.loadtest.judgement import Expectation
from cortex_actors.loadtest.tally import Tally
from tests.loadtest.gateway import gateway, scenario


def test_two_processes_do_what_one_would_and_their_counts_are_added_up() -> None:
    with gateway() as server:
        asked = scenario(server, processes=2, rate=20, duration=1.5, connections=10)
        told: list[Tally] = []

        tally = fleet.run(asked, Expectation("You said: Say something about \0."), told.append)

        assert tally.whole == tally.begun == 30
        assert tally.liars == 0
        assert len(tally.cpu) == 2
        assert told
        assert len({request.json["messages"][0]["content"] for request in server.requests}) == 30
