"""`cortex loadtest` as somebody types it."""

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
from cortex_actors.cli_loadtest import scenario_of
from cortex_actors.loadtest.framings import FRAMINGS
from tests.loadtest.gateway import WORDS, gateway, said
from tests.upstream import ScriptedUpstream, json_answer, refused_url

PATIENCE = 30.0
QUICK = ("-d", "0.2", "-c", "2")


@pytest.fixture
def server() -> Iterator[ScriptedUpstream]:
    with gateway() as server:
        yield server


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["loadtest", "--help"])

    told = capsys.readouterr().out
    for word in (*FRAMINGS, "--rate", "--yes-remote", "open model", "closed model", "--max-errors"):
        assert word in told


def test_a_gateway_that_is_honest_passes(
    server: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["loadtest", server.url, *QUICK]) == 0

    told = capsys.readouterr().out
    assert "told the truth (every text, word for word)" in told
    assert "first chunk" in told
    assert {request.headers["accept"] for request in server.requests} == {
        framing.accept for framing in FRAMINGS.values()
    }


def test_a_gateway_that_lies_fails(server: ScriptedUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    def forgetful(request: object) -> object:
        return said(request, WORDS if len(server.requests) > 4 else (*WORDS, "more"))  # type: ignore[arg-type]

    server.on_path("/api/chat", forgetful)  # type: ignore[arg-type]

    assert main(["loadtest", server.url, *QUICK, "--framing", "sse,text"]) == 1
    assert "LIE" in capsys.readouterr().out


def test_errors_fail_the_test_only_beyond_the_share_that_is_allowed(
    server: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    server.on_path("/api/chat", json_answer(503))
    command = ["loadtest", server.url, *QUICK, "--framing", "sse"]

    assert main(command) == 0
    assert main([*command, "--max-errors", "10%"]) == 1
    assert "x error 503" in capsys.readouterr().out


def test_everything_is_written_as_json_and_as_a_page(
    server: ScriptedUpstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "report.json", tmp_path / "report.html"]

    assert main(["loadtest", server.url, *QUICK, "--json", str(files[0]), "--html", str(files[1])]) == 0

    assert json.loads(files[0].read_text())["exactness"]["lied"] == 0
    assert files[1].read_text().startswith("<!doctype html>")


def test_json_can_be_printed_instead_of_the_table(
    server: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["loadtest", server.url, *QUICK, "--json", "-", "--rate", "20"]) == 0

    assert json.loads(capsys.readouterr().out)["arrivals"]["model"] == "open"


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (["http://192.0.2.1:4000"], "--yes-remote"),
        (["https://127.0.0.1"], "only http://"),
        ([refused_url()], "nobody answers"),
        (["http://127.0.0.1:1", "--leave", "60%", "--slow", "0.5"], "more than all callers"),
        (["http://127.0.0.1:1", "--ramp", "20"], "--ramp"),
    ],
)
def test_a_test_that_cannot_be_held_says_why(
    wrong: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["loadtest", *wrong]) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--leave", "120%"], ["--framing", "smtp"], ["--connections", "0"], ["--rate", "0"],
        ["--duration", "nan"], ["--header", "nothing"], ["--header", "A: b\r\nC: d"],
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["loadtest", "http://127.0.0.1:1", *wrong])

    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_an_open_model_has_room_for_many_callers_and_a_closed_one_for_few() -> None:
    def connections(*more: str) -> int:
        from cortex_actors.cli import _parser

        options = _parser().parse_args(["loadtest", "http://127.0.0.1:1", *more])
        return scenario_of(options).connections

    assert connections() == 16
    assert connections("--rate", "5") == 1000
    assert connections("--rate", "5", "-c", "7") == 7


def test_whoever_watches_sees_how_it_goes(
    server: ScriptedUpstream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert main(["loadtest", server.url, "-d", "1.3", "-c", "1"]) == 0

    told = capsys.readouterr().err
    assert "1 s of 1.3" in told
    assert "0 failed, 0 lies" in told
    assert "first chunk p50" in told


def test_an_interrupt_ends_it_with_a_report(server: ScriptedUpstream) -> None:
    command = [str(Path(sys.executable).with_name("cortex")), "loadtest", server.url, "-d", "60", "-c", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        server.request(5)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=PATIENCE)
        assert "interrupted" in told
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
