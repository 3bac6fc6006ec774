"""`cortex manifest`, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cortex_actors.cli import main
from cortex_actors.client.shipped import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_validate_sums_up_a_good_manifest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "validate", name]) == 0
    assert capsys.readouterr().out.startswith(f"{name} ")


def test_validate_tells_every_mistake_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "api.json"
    file.write_text('{"name": "a", "endpoints": [{"id": "b"}], "types": {}, "nmae": 1}', encoding="utf-8")
    assert main(["manifest", "validate", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"{file}: /") for line in lines)
    for told in ("/version: version is required", "/endpoints/0/method", "/nmae: is not a field here"):
        assert any(told in line for line in lines)


@pytest.mark.parametrize("file", ["nothing.json", "petstore", "api.yaml"])
def test_a_manifest_that_is_not_there_is_one_line(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "validate", file]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("action", "begins"), [("docs", "# ollama 1"), ("generate", '"""ollama 1'), ("openapi", "{")]
)
def test_what_is_written_goes_to_a_file_or_to_standard_output(
    action: str, begins: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifest", action, "ollama"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(begins)
    file = tmp_path / "out"
    assert main(["manifest", action, "config/manifests/ollama.json", "-o", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == printed
    assert capsys.readouterr().out == ""


def test_openapi_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "openapi", "cortex"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere" / "api.py"
    assert main(["manifest", "generate", "cortex", "-o", str(nowhere)]) == 2
    assert capsys.readouterr().err == f"{nowhere}: cannot be written: No such file or directory\n"


def test_nothing_is_written_for_a_manifest_that_cannot_be_used(tmp_path: Path) -> None:
    file, module = tmp_path / "api.json", tmp_path / "api.py"
    file.write_text('{"name": "a"}', encoding="utf-8")
    assert main(["manifest", "generate", str(file), "-o", str(module)]) == 2
    assert not module.exists()
