"""`cortex wall` and `cortex drill` as commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cortex_actors.cli import main
from cortex_actors.cli_drill import chosen
from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.wall import Wall
from cortex_actors.errors import SettingsError
from tests.drill.wall_caller import PATIENCE
from tests.upstream import ScriptedUpstream, json_answer, refused_url


@pytest.fixture
def wall() -> Iterator[Wall]:
    with Wall() as wall:
        yield wall


@pytest.fixture
def gateway() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as gateway:
        names = ["wall", "wall-healthy"]
        gateway.on_path("/api/providers", json_answer(200, {"providers": [{"name": name} for name in names]}))
        gateway.on_path("/api/chat", json_answer(503, {"error": "No", "code": "no_workers_available"}))
        gateway.on_path("/api/chat/complete", json_answer(500, {"error": "No", "code": "internal_error"}))
        yield gateway


@pytest.mark.parametrize("command", ["wall", "drill"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])

    told = capsys.readouterr().out
    assert "config/drill.toml" in told
    for name in BEHAVIOURS if command == "wall" else (row.name for row in ROWS):
        assert f"  {name}" in told


def test_rows_are_all_but_the_long_ones_unless_told_otherwise() -> None:
    assert not any(row.long for row in chosen([], long=False))
    assert chosen([], long=True) == ROWS
    assert [row.name for row in chosen(["outage-60s", "steady"], long=False)] == ["steady", "outage-60s"]


def test_a_row_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="no-such-row"):
        chosen(["steady", "no-such-row"], long=False)


def test_a_drill_without_a_wall_says_so(
    gateway: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "--url", gateway.url, "--wall", refused_url()]) == 2
    assert "cortex wall" in capsys.readouterr().err


def test_a_drill_without_a_gateway_says_so(wall: Wall, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", "--url", refused_url(), "--wall", wall.url]) == 2
    assert "cortex serve" in capsys.readouterr().err


def test_a_drill_of_a_gateway_with_other_providers_names_those_that_are_missing(
    wall: Wall, gateway: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "--url", gateway.url, "--wall", wall.url, "bad-key", "steady"]) == 2
    assert "wall-locked" in capsys.readouterr().err
    assert not any(request.path.startswith("/api/chat") for request in gateway.requests)


def test_a_drill_prints_a_table_and_ends_with_one_when_the_gateway_lied(
    wall: Wall, gateway: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "--url", gateway.url, "--wall", wall.url, "steady"]) == 1

    told = capsys.readouterr().out
    assert "status 500 (complete)" in told
    assert "0 pass, 0 partial, 0 safe, 1 fail" in told


def test_a_drill_prints_json_and_ends_well_when_nobody_lied(
    wall: Wall, gateway: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "--json", "--url", gateway.url, "--wall", wall.url, "cut-no-prefill"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["verdicts"]["safe"] == 3
    assert {case["framing"] for case in told["cases"]} == {"text", "sse", "ndjson"}


def test_a_port_that_is_taken_is_a_mistake_and_no_traceback(
    wall: Wall, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wall", "--port", str(wall.port)]) == 2
    assert str(wall.port) in capsys.readouterr().err


def test_the_wall_stands_until_it_is_interrupted() -> None:
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("cortex")), "wall", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        assert process.stderr is not None
        assert "the wall stands at http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()
