"""Generated modules: accepted by strict type checking, formatted, and harmless whatever a manifest says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cortex_actors.client import Context, Manifest, StreamResponse, load_manifest, shipped
from cortex_actors.client.codegen.module import generate
from cortex_actors.client.shipped import NAMES
from tests.client import LONG, PLAIN, STREAM, document, manifest
from tests.client.test_manifest import EVERYTHING
from tests.upstream import ScriptedUpstream, json_answer, sse_stream

ROOT = Path(__file__).parents[2]

#: Everything in a manifest that is awkward in Python.
AWKWARD = document(
    {
        **PLAIN,
        "id": "class",
        "path": "/{self}/:call",
        "request": "Any",
        "response": "list",
        "resource": "client",
    },
    {
        **STREAM,
        "id": "a-b",
        "resource": "from here",
        "description": 'Says """ and \\ and\n"quotes" \\',
        "event_types": {"unknown": "Any", "done": "list", "a.b": "string", "a b": "map"},
        "async": True,
        "poll_endpoint": "class",
    },
    {
        "id": "raw",
        "method": "PUT",
        "path": "/raw",
        "resource": "close",
        "request": "list",
        "deprecated": True,
    },
    types={
        "Any": {
            "description": 'It\'s """all""" here \\',
            "fields": {
                "from": {"type": "string", "required": True, "description": 'Where "from" \\'},
                "a b": {"type": "E", "optional": True},
                "__x": "integer",
                "import": {"value": 'q"uote\\'},
                "ok": {"type": "Literal"},
            },
        },
        "list": {"type": "array", "items": {"type": "array", "items": "Any"}},
        "Literal": {
            "kind": "union",
            "variants": ["Any", "null", {"value": True}, {"choices": [1, "x", None]}],
        },
        "E": {"type": "string", "choices": ["it's", '"', "\\", "a\nb"]},
        "Empty": {"fields": {}},
        "Deep": {"type": "map", "description": "x " * 200},
    },
)

USE = """
from concurrent.futures import Future
from typing import Any

from cortex_actors.client import Context, StreamResponse
from cortex_client import ChatAnswerEvents, Completion, CortexClient, Delta, Message
from ollama_client import OllamaClient
from openai_compatible_client import ChatCompletion, OpenaiCompatibleClient


class Words(ChatAnswerEvents):
    def on_delta(self, data: Delta) -> None:
        print(data.get("text", ""))


def use() -> tuple[Completion, StreamResponse, ChatCompletion]:
    question: Message = {"role": "user", "content": "Hi"}
    with CortexClient(Context(base_url="http://127.0.0.1:4000")) as cortex:
        cortex.chat.answer_stream([question], model="m", temperature=0.5).dispatch(Words())
        whole: Completion = cortex.chat.complete(messages=[question], call={"timeout": 3.0})
        text: str = cortex.chat.answer([question])
        print(text.upper(), whole["response"], cortex.gateway.providers()["providers"][0]["name"])
    stream = OllamaClient().chat.completions_stream([{"role": "user", "content": "Hi"}], "gemma3:4b")
    chat = OpenaiCompatibleClient().chat.completions([{"role": "user", "content": "Hi"}], "m", top_p=1)
    return whole, stream, chat
"""

MISUSE = """
from cortex_client import CortexClient

client = CortexClient()
client.chat.complete()
client.chat.complete([{"role": "user"}], modle="m")
client.chat.complete([{"role": "nobody"}])
client.chat.complete([{"role": "user"}]).get("respnse").upper()
client.gateway.helth()
"""


def _mypy(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Silent about the package itself, which has a run of its own.
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", *files],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def imported(manifest: Manifest, folder: Path) -> ModuleType:
    """The generated module, imported as any other."""
    file = folder / f"{manifest.name}_client.py"
    file.write_text(generate(manifest), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"generated_{manifest.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_modules_pass_strict_type_checking_and_catch_mistakes(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}_client.py").write_text(generate(shipped(name)), encoding="utf-8")
    for name, source in (("everything", EVERYTHING), ("awkward", AWKWARD)):
        (tmp_path / f"{name}_client.py").write_text(generate(load_manifest(source)), encoding="utf-8")
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    (tmp_path / "misuse.py").write_text(MISUSE, encoding="utf-8")
    files = sorted(path.name for path in tmp_path.glob("*.py") if path.name != "misuse.py")
    good = _mypy(tmp_path, *files)
    assert good.returncode == 0, good.stdout + good.stderr
    bad = _mypy(tmp_path, "misuse.py").stdout
    assert [line for line in range(5, 10) if f"misuse.py:{line}: error" not in bad] == [], bad


@pytest.mark.parametrize("name", NAMES)
def test_generated_modules_are_formatted_like_ours(tmp_path: Path, name: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(generate(shipped(name)), encoding="utf-8")
    config = ["--config", str(ROOT / "pyproject.toml")]
    for command in (["format", "--check", *config], ["check", "--no-cache", *config]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_module_of_awkward_names_can_be_imported_and_used(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    module = imported(load_manifest({**AWKWARD, "name": "awkward"}), tmp_path)
    upstream.default = json_answer(200, [[{"from": "x"}]])
    with module.AwkwardClient(Context(base_url=upstream.url, timeouts=LONG)) as client:
        answer = client.client_.class_("me", "now", "there", ok=1)
        assert answer == [[{"from": "x"}]]
        with pytest.warns(DeprecationWarning, match="raw is deprecated"):
            client.close_.raw([[{"from": "x"}]])
    assert upstream.request().path.startswith("/me/now?from=there")


def test_nothing_a_manifest_says_is_run_by_its_module(tmp_path: Path) -> None:
    # P-16: a description is text, whatever it looks like.
    trap = tmp_path / "trap"
    attack = f'"""\nopen({str(trap)!r}, "w")\n"""\' \\"\\"\\" """'
    read = manifest(
        {**STREAM, "description": attack, "event_types": {attack: None}, "resource": attack, "id": attack},
        description=attack,
        types={attack: {"description": attack, "fields": {attack: {"value": attack, "description": attack}}}},
        resources={attack: attack},
    )
    imported(read, tmp_path)
    assert not trap.exists()


def test_a_method_does_what_the_client_does(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    job = {**PLAIN, "id": "run", "path": "/run", "async": True, "poll_endpoint": "run"}
    read = manifest({**STREAM, "event_types": ["message"]}, job)
    module = imported(read, tmp_path)
    upstream.on_path("/chat/completions", sse_stream("1", "2"))
    upstream.on_path("/run", json_answer(200, {"status": "done"}))

    class Sum(module.ChatCompletionsEvents):  # type: ignore[name-defined,misc]
        total = 0

        def on_message(self, data: Any) -> None:
            self.total += data

    with module.DemoClient(Context(base_url=upstream.url, timeouts=LONG)) as client:
        stream = client.chat.completions_stream({"a": 1}, call={"headers": {"X-A": "1"}})
        assert isinstance(stream, StreamResponse)
        assert stream.dispatch(Sum()).total == 3
        assert client.things.run_async().result(LONG) == {"status": "done"}
    assert upstream.request().headers["x-a"] == "1"


def test_a_description_that_is_missing_is_no_trouble(tmp_path: Path) -> None:
    read = manifest({**PLAIN, "description": None}, types={"T": {"description": None, "fields": {"a": {}}}})
    assert imported(read, tmp_path).ThingsResource.get.__doc__ == "GET /things/{id}"


def test_endpoints_without_a_resource_have_no_method(tmp_path: Path) -> None:
    module = imported(manifest({**PLAIN, "resource": None}), tmp_path)
    assert [name for name in vars(module) if name.endswith("Resource")] == []
