"""What README shows of stages and the coordinator works as it stands there."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from pathlib import Path

import pytest

from cortex_actors.dispatch.staging import Staging
from cortex_actors.settings import load
from cortex_actors.streaming.stages.catalog import READY_MADE
from tests.streaming.stages_at_work import Bench, text_of, texts

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Stages\n") : README.index("## Around it\n")]


def _block(kind: str, mark: str) -> str:
    blocks = re.findall(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)
    (found,) = (block for block in blocks if mark in block)
    return str(found)


def test_the_stages_of_the_example_do_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_stages.py").write_text(_block("python", "def loud"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "cortex.toml"
    file.write_text(_block("toml", "[[stages]]"), encoding="utf-8")
    settings = load(file, {})
    assert tomllib.loads(file.read_text())["streaming"]["stages"] == list(settings.streaming.stages)
    stages = tuple(Staging.of(settings).stages.values())
    said = Bench(stages).through([texts("my key: sk-abcdefgh"), texts("ijklmnopqrst, ok")])
    assert text_of(said) == "MY KEY: [key], OK"


def test_every_stage_that_is_there_already_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", SECTION, re.MULTILINE)
    assert listed == ["use", *READY_MADE]


def test_the_example_without_the_gateway_prints_an_answer_and_what_it_took() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(_block("python", "stream_chat"), {})
    assert re.search(r"You said: Hola .*stop [1-9]\d*\n$", printed.getvalue(), re.DOTALL)
