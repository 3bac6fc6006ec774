"""The configuration file: read once, with the line of every key at hand.

Imports:  mistakes, lines.
Imported by: section_reader, providers_in_file, provider_list, public_models, loading.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cortex_actors.settings import lines
from cortex_actors.settings.mistakes import Mistakes

#: Bytes; a configuration beyond this is some other file.
LARGEST_FILE = 2**20
_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says; empty when there is none."""

    label: str = "defaults"
    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[lines.Path, int] = field(default_factory=dict)

    def where(self, *path: str | int) -> str:
        """The place of a key, or of the nearest thing around it, for a message."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.label}:{self.lines[path]}" if path else self.label


def read(path: Path | None, mistakes: Mistakes) -> Document:
    """The document at a path; an unreadable one is a mistake and counts as empty."""
    if path is None:
        return Document()
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ValueError(f"larger than {LARGEST_FILE} bytes")
        return parse(data.decode("utf-8-sig"), str(path), mistakes)
    except OSError as error:
        mistakes.add(str(path), f"cannot be read: {error.strerror}")
    except ValueError as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        mistakes.add(str(path), f"is not a configuration file: {reason}")
    return Document(str(path))


def parse(text: str, label: str, mistakes: Mistakes) -> Document:
    """The document in a text; broken TOML is a mistake and counts as empty."""
    try:
        data = tomllib.loads(text)
        return Document(label, data, lines.line_numbers(text.replace("\r\n", "\n")))
    except tomllib.TOMLDecodeError as error:
        position = _POSITION.search(str(error))
        line = (position and position[1]) or str(text.rstrip().count("\n") + 1)
        mistakes.add(f"{label}:{line}", f"is not valid TOML: {_POSITION.sub('', str(error))}")
    except RecursionError:
        mistakes.add(label, "is nested too deeply")
    return Document(label)
