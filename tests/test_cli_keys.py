"""`cortex keys new`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cortex_actors.cli import main
from cortex_actors.settings import Settings, load
from cortex_actors.settings.caller_keys import digest_of


def made(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """The key that was printed, and the settings to paste."""
    assert main(["keys", "new", *options]) == 0
    key, _, settings = capsys.readouterr().out.partition("\n")
    return key, settings


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "cortex.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def test_the_key_is_the_first_line_and_the_settings_let_it_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key, text = made(capsys, "--name", "alice")
    (caller,) = loaded(tmp_path, text).callers
    assert (caller.name, caller.key_sha256) == ("alice", digest_of(key))
    assert key not in text


def test_every_key_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert made(capsys)[0] != made(capsys)[0]


def test_what_it_may_is_among_the_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ("--provider", "mock", "--model", "a/b", "--model", 'c"d', "--operator")
    _, text = made(capsys, *options, "--expires", "2099-01-31T00:00:00Z")
    (caller,) = loaded(tmp_path, f'{text}[[providers]]\nname = "mock"\ntype = "mock"\n').callers
    assert (caller.providers, caller.models, caller.operator) == (("mock",), ("a/b", 'c"d'), True)
    assert caller.expires == "2099-01-31T00:00:00Z"


def test_a_token_of_the_admin_is_made_the_same_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key, text = made(capsys, "--admin")
    assert tomllib.loads(text).keys() == {"admin"}
    assert loaded(tmp_path, text).admin.token_sha256 == digest_of(key)
    assert load(None, {"CORTEX_ADMIN__TOKEN": key}).admin.token_sha256 == digest_of(key)


@pytest.mark.parametrize("options", [("--name", "No Name"), ("--expires", "soon"), ("--provider", "")])
def test_what_the_settings_would_refuse_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], options: tuple[str, str]
) -> None:
    assert main(["keys", "new", *options]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"cortex: {options[0]} must be ")
