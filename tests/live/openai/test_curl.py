"""`curl -N`: what somebody sees who tries the API by hand."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

import pytest

from tests.live.daemon import Daemon
from tests.live.openai.setup import cut, pausing
from tests.upstream import Gate, ScriptedUpstream, json_answer
from tests.upstream.dialects import DIALECTS

pytestmark = pytest.mark.needs("curl")

#: Nothing here takes longer unless it is broken, in seconds.
PATIENCE = 20.0


def curl(daemon: Daemon, model: str, *options: str, **fields: Any) -> subprocess.Popen[str]:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True, **fields}
    url = f"http://127.0.0.1:{daemon.port}/v1/chat/completions"
    return subprocess.Popen(
        ["curl", "-sN", *options, url, "-d", json.dumps(body)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )


def test_words_are_shown_as_they_are_made(daemon: Daemon, upstream: ScriptedUpstream, model: str) -> None:
    gate = threading.Event()
    upstream.on_model(model, pausing(DIALECTS["openai"], Gate(gate)))

    with curl(daemon, f"openai/{model}") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any('"content":"Ho"' in line for line in lines)  # waits for ever if it were held back
        gate.set()
        rest = [line for line in lines if line.strip() and not line.startswith(":")]

    assert process.wait(PATIENCE) == 0
    assert '"content":"la"' in rest[0]
    assert '"finish_reason":"stop"' in rest[1]
    assert rest[2:] == ["data: [DONE]\n"]


def test_a_failure_in_mid_stream_is_the_last_line_and_the_transfer_is_whole(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, cut(DIALECTS["openai"]))

    with curl(daemon, f"openai/{model}") as process:
        shown, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    last = json.loads(shown.strip().splitlines()[-1].removeprefix("data: "))
    assert last["error"]["code"] == "truncated_stream"
    assert "[DONE]" not in shown


def test_an_early_failure_is_a_status_and_no_stream(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(500))

    with curl(daemon, f"openai/{model}", "--fail") as process:
        shown, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 22
    assert shown == ""
