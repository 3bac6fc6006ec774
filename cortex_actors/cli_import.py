"""`cortex import-litellm`: prints settings from LiteLLM's file, and on standard error what they do not have.

Runs on:   the main thread of a short-lived process.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cortex_actors.errors import SettingsError
from cortex_actors.migration import litellm

#: Bytes; a configuration beyond this is some other file.
_LARGEST_FILE = 2**20


def import_litellm(options: argparse.Namespace) -> int:
    """Prints the settings; 1 when nothing in the file could be carried over."""
    converted = litellm.convert(_document(options.file), options.file.name, os.environ)
    for note in converted.notes:
        print(f"cortex: {note}", file=sys.stderr)
    if not converted.providers:
        print(f"cortex: {options.file}: no model of it could be carried over", file=sys.stderr)
        return 1
    print(converted.settings, end="")
    return 0


def _document(path: Path) -> Mapping[str, Any]:
    """The parsed file. Its text is never quoted in a mistake: it may hold keys."""
    try:
        import yaml
    except ImportError:
        raise SettingsError(("import-litellm needs PyYAML: pip install 'cortex-actors[litellm]'",)) from None
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) > _LARGEST_FILE:
            raise SettingsError((f"{path}: is larger than {_LARGEST_FILE} bytes",))
        document = yaml.safe_load(data)
    except OSError as error:
        raise SettingsError((f"{path}: cannot be read: {error.strerror}",)) from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError((f"{path}{line}: is not valid YAML",)) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise SettingsError((f"{path}: is not valid YAML",)) from None
    if not isinstance(document, dict) or "model_list" not in document:
        raise SettingsError((f"{path}: has no model_list, so it is not a configuration of LiteLLM",))
    return document
