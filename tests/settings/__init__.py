"""Tests of `cortex_actors.settings`, and the two ways in that they share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from cortex_actors.errors import SettingsError
from cortex_actors.settings import Settings, load


def written(folder: Path, text: str) -> Path:
    """A configuration file with this text."""
    path = folder / "cortex.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def settings_of(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file with this text."""
    return load(written(folder, text), environ or {})


def mistakes_of(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with a file of this text; paths are cut down to the name of the file."""
    with pytest.raises(SettingsError) as caught:
        settings_of(folder, text, environ)
    return [mistake.replace(f"{folder}/", "") for mistake in caught.value.mistakes]
