"""`cortex loadtest` against the daemon: every kind of caller at once, and every answer honest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cortex_actors.cli import main
from tests.live.conftest import Launch
from tests.live.settings_file import provider, settings

EVERY_CALLER = ["--chunked", "50%", "--leave", "20%", "--slow", "10%", "--slow-rate", "20000"]


def loaded(launch: Launch, folder: Path, *options: str) -> tuple[int, dict[str, dict[str, object]]]:
    """The exit status of a load test of a fresh daemon with the mock behind it, and its report."""
    mock = provider("mock", "http://mock.invalid/v1", "mock", options={"chunk_delay": 0.002})
    daemon = launch(settings(mock))
    file = folder / "report.json"
    url = f"http://127.0.0.1:{daemon.port}"
    status = main(["loadtest", url, "-c", "20", "-d", "1.5", "--json", str(file), *options])
    daemon.assert_no_traceback()
    return status, json.loads(file.read_text())


def test_callers_of_every_kind_get_honest_answers(
    launch: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = loaded(launch, tmp_path, *EVERY_CALLER)

    assert status == 0, capsys.readouterr().out
    requests = found["requests"]
    assert requests["failed"] == 0
    assert requests["begun"] == requests["whole"] + requests["left"]  # type: ignore[operator]
    assert set(requests["by_manners"]) == {"read", "leave", "slow"}  # type: ignore[call-overload]
    assert set(requests["by_framing"]) == {"text", "sse", "ndjson", "openai"}  # type: ignore[call-overload]
    assert found["exactness"]["checked"] == "every text, word for word"
    assert found["exactness"]["lied"] == 0


def test_a_provider_that_cuts_every_answer_makes_failures_and_no_lies(launch: Launch, tmp_path: Path) -> None:
    status, found = loaded(launch, tmp_path, "--model", "mock/mock-cut", "--max-errors", "50%")

    assert status == 1
    assert found["requests"]["whole"] == 0
    assert set(found["errors"]) == {"cut", "error truncated_stream"}
    assert found["exactness"]["lied"] == 0
