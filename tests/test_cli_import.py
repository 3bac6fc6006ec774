"""`cortex import-litellm`, as somebody types it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.migration import FILES, keys_for

ROOT = Path(__file__).parent.parent

WITHOUT_YAML = """
import sys
sys.modules["yaml"] = None
from cortex_actors.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(environ or {})},
        check=False,
    )


def cortex(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return run("-m", "cortex_actors.cli", *arguments, environ=environ)


@pytest.mark.parametrize("name", ["team.yaml", "home.yaml", "open.yaml"])
def test_what_it_prints_passes_check_config(name: str, tmp_path: Path) -> None:
    done = cortex("import-litellm", str(FILES / name))
    file = tmp_path / "cortex.toml"
    file.write_text(done.stdout, encoding="utf-8")

    check = cortex("check-config", "--config", str(file), environ=keys_for(done.stdout))

    assert (done.returncode, check.returncode) == (0, 0), done.stderr + check.stderr


def test_what_is_left_out_is_on_standard_error_line_by_line() -> None:
    done = cortex("import-litellm", str(FILES / "team.yaml"))

    assert "model_list[1] of gpt-4o" in done.stderr
    assert all(line.startswith("cortex: ") for line in done.stderr.splitlines())
    assert "CANARY" not in done.stdout + done.stderr


def test_a_file_of_which_nothing_remains_is_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("model_list: [{model_name: m, litellm_params: {model: bedrock/x}}]", encoding="utf-8")

    done = cortex("import-litellm", str(file))

    assert (done.returncode, done.stdout) == (1, "")
    assert "no model of it could be carried over" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model_list:\n  - api_key: sk-CANARY: no\n", "config.yaml:2: is not valid YAML"),
        ("key: !sk-CANARY x\n", "config.yaml:1: is not valid YAML"),
        ("sk-CANARY\n", "has no model_list"),
        ("providers: []\n", "has no model_list"),
        ("", "has no model_list"),
        ("\x00", "is not valid YAML"),
        (f"model_list: []\n# {'x' * 2**20}", "is larger than"),
    ],
    ids=["no YAML", "a tag", "a text", "another file", "empty", "binary", "large"],
)
def test_another_kind_of_file_is_refused_and_not_quoted(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")

    done = cortex("import-litellm", str(file))

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "CANARY" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    done = cortex("import-litellm", str(tmp_path / "nowhere.yaml"))

    assert done.returncode == 2
    assert "nowhere.yaml: cannot be read" in done.stderr


def test_without_pyyaml_it_says_how_to_get_it() -> None:
    done = run("-c", WITHOUT_YAML, "import-litellm", str(FILES / "team.yaml"))

    assert done.returncode == 2
    assert "pip install 'cortex-actors[litellm]'" in done.stderr


def test_every_other_command_does_without_pyyaml() -> None:
    assert run("-c", WITHOUT_YAML, "version").returncode == 0
