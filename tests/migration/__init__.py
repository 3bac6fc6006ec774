"""Tests of `cortex_actors.migration`, and the way that what it writes is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cortex_actors.migration import litellm
from cortex_actors.providers.catalog import create
from cortex_actors.settings import Settings, load
from cortex_actors.settings.provider_types import provider_type

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Imported:
    """What came out of a file: the text, what it means to the gateway, and what was said of the rest."""

    text: str
    settings: Settings
    notes: tuple[str, ...]

    def provider(self, name: str) -> Any:
        """One provider of the settings."""
        (found,) = (each for each in self.settings.providers if each.name == name)
        return found

    def model(self, name: str) -> Any:
        """One public model of the settings."""
        (found,) = (each for each in self.settings.models if each.name == name)
        return found

    def noted(self, *words: str) -> bool:
        """Whether one note has all these words."""
        return any(all(word in note for word in words) for note in self.notes)


def imported(document: Mapping[str, Any], folder: Path, environ: Mapping[str, str] | None = None) -> Imported:
    """Converts a parsed file, and reads the result as the gateway and `check-config` would."""
    converted = litellm.convert(document, "config.yaml", environ or {})
    file = folder / "cortex.toml"
    file.write_text(converted.settings, encoding="utf-8")
    settings = load(file, {**(environ or {}), **keys_for(converted.settings)})
    for each in settings.providers:
        create(each.name, each.type, each.base_url, each.headers, each.options)
    return Imported(converted.settings, settings, converted.notes)


def imported_file(name: str, folder: Path, environ: Mapping[str, str] | None = None) -> Imported:
    """The same with a file of `files`."""
    return imported(yaml.safe_load((FILES / name).read_text(encoding="utf-8")), folder, environ)


def keys_for(text: str) -> dict[str, str]:
    """An environment with a key for every provider of a settings file."""
    found = {}
    for each in tomllib.loads(text).get("providers", []):
        row = provider_type(each["type"])
        name = each.get("keys_env") or (row.keys_env if row and row.needs_key else "")
        found |= {name: f"key-in-{name}"} if name else {}
    return found
