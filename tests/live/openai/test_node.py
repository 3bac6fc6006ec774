"""The npm package `openai`, unmodified, with nothing changed but its base URL, in front of every dialect."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.daemon import Daemon
from tests.live.openai.setup import CALLS, TOOLS, cut, pausing
from tests.upstream import Hang, ScriptedUpstream, json_answer, openai_stream
from tests.upstream.dialects import DIALECTS, Dialect, Said

#: A client that says nothing for longer is broken, in seconds.
PATIENCE = 60.0

SOURCE = Path(__file__).parent / "node"

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client with its package, installed. A machine without Node.js fails here, by design."""
    npm = shutil.which("npm")
    assert npm is not None, "npm is missing: apt-get install npm"
    assert shutil.which("node") is not None, "Node.js is missing: apt-get install nodejs"
    folder = tmp_path_factory.mktemp("node")
    for file in SOURCE.iterdir():
        shutil.copy(file, folder)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=5 * PATIENCE)
    return folder / "client.mjs"


@pytest.fixture
def started(script: Path, daemon: Daemon) -> Callable[..., subprocess.Popen[str]]:
    """Starts a client."""

    def start(what: str, model: str, **fields: Any) -> subprocess.Popen[str]:
        base_url = f"http://127.0.0.1:{daemon.port}/v1"
        return subprocess.Popen(
            ["node", str(script), base_url, what, model, json.dumps(fields)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )

    return start


@pytest.fixture
def run(started: Callable[..., subprocess.Popen[str]]) -> Run:
    """Runs a client to its end, and gives what it printed."""

    def told(what: str, model: str, **fields: Any) -> Any:
        with started(what, model, **fields) as process:
            printed, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        return json.loads(printed)

    return told


def test_an_answer_is_the_same_whole_and_streamed(
    run: Run, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("Año", " 新年", " 🎉"), usage=(9, 3))))

    whole, streamed = (run(what, f"{dialect.type}/{model}") for what in ("whole", "stream"))

    for told in (whole, streamed):
        assert (told["message"]["role"], told["message"]["content"]) == ("assistant", "Año 新年 🎉")
        assert told["finish_reason"] == "stop"
        assert told["usage"]["total_tokens"] == 12
    assert streamed["words"] == ["Año", " 新年", " 🎉"]
    assert whole["headers"]["x-cortex-provider"] == dialect.type


@pytest.mark.parametrize("what", ["whole", "stream"])
def test_two_tool_calls_and_their_results_are_the_same_everywhere(
    run: Run, upstream: ScriptedUpstream, dialect: Dialect, model: str, what: str
) -> None:
    first, last = Said(("Let me see.",), CALLS), Said(("Sunny, noon.",))
    dialect.script(upstream, model, dialect.answer(first), dialect.answer(last))
    question = {"role": "user", "content": "Weather and time?"}

    told = run(what, f"{dialect.type}/{model}", tools=TOOLS, messages=[question])
    calls = told["message"]["tool_calls"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": content}
        for call, content in zip(calls, ("sunny", "noon"), strict=True)
    ]
    turns = [question, told["message"], *results]
    answer = run(what, f"{dialect.type}/{model}", tools=TOOLS, messages=turns)

    assert told["finish_reason"] == "tool_calls"
    named = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
    assert named == [(call.name, call.arguments) for call in CALLS]
    assert answer["message"]["content"] == "Sunny, noon."
    _, request = dialect.requests(upstream, model)
    assert dialect.heard(request.json)[-2:] == [("result", "weather", "sunny"), ("result", "time", "noon")]


def test_an_image_reaches_whoever_answers(
    run: Run, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("A pixel.",))))
    pixel = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}}

    run("whole", f"{dialect.type}/{model}", messages=[{"role": "user", "content": [image]}])

    (request,) = dialect.requests(upstream, model)
    assert dialect.heard(request.json) == [("image", pixel)]


@pytest.mark.parametrize("what", ["whole", "stream"])
def test_a_refusal_is_the_exception_that_the_package_has_for_it(
    run: Run, upstream: ScriptedUpstream, dialect: Dialect, model: str, what: str
) -> None:
    dialect.script(upstream, model, json_answer(400, dict(dialect.refusal)))

    told = run(what, f"{dialect.type}/{model}")

    assert (told["failed"], told["status"]) == ("BadRequestError", 400)
    assert told["requestID"]


@pytest.mark.parametrize(
    ("status", "failed", "code"),
    [
        (401, "InternalServerError", "upstream_key_rejected"),
        (404, "NotFoundError", "model_not_found"),
        (422, "UnprocessableEntityError", "scripted"),
        (500, "InternalServerError", "upstream_failure"),
    ],
)
def test_a_failure_upstream_is_one_too(
    run: Run, upstream: ScriptedUpstream, model: str, status: int, failed: str, code: str
) -> None:
    upstream.on_model(model, json_answer(status))

    told = run("stream", f"openai_compatible/{model}")

    assert (told["failed"], told["code"]) == (failed, code)


def test_a_mistake_names_its_field(run: Run) -> None:
    told = run("whole", "usual", n=3)

    assert (told["failed"], told["param"]) == ("BadRequestError", "n")


def test_a_model_that_nobody_has_is_not_found(run: Run) -> None:
    assert run("whole", "nobody")["failed"] == "NotFoundError"


def test_a_failure_in_mid_stream_is_an_exception(
    run: Run, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, cut(dialect))

    told = run("stream", f"{dialect.type}/{model}")

    assert (told["failed"], told["code"]) == ("APIError", "truncated_stream")


def test_a_client_that_leaves_frees_the_upstream(
    started: Callable[..., subprocess.Popen[str]], upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, pausing(dialect, Hang()))

    with started("leave", f"{dialect.type}/{model}") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"word": "Ho"}
        (request,) = dialect.requests(upstream, model)
        assert request.closed.wait(2)
        printed, _ = process.communicate(timeout=PATIENCE)

    assert json.loads(printed) == {"left": True}


def test_a_client_that_gives_up_frees_the_upstream(run: Run, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, openai_stream(["Ho"]).pause(0, Hang()))

    assert run("timeout", f"openai/{model}")["failed"] == "APIConnectionTimeoutError"
    (request,) = DIALECTS["openai"].requests(upstream, model)
    assert request.closed.wait(2)


def test_texts_become_vectors(run: Run, upstream: ScriptedUpstream) -> None:
    vectors = [[0.5, -0.25], [2.0, 0.125]]
    upstream.on_path("/api/embed", json_answer(200, {"embeddings": vectors, "prompt_eval_count": 5}))

    told = run("embed", "ollama/m")

    assert told == {"vectors": vectors, "usage": {"prompt_tokens": 5, "total_tokens": 5}}


def test_models_are_listed_and_found(run: Run) -> None:
    told = run("models", "groq/any/new-model")

    assert "auto" in told["names"]
    assert told["one"]["owned_by"] == "groq"
