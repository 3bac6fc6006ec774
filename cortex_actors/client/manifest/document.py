"""From a file, or from plain data, to a manifest.

A manifest is JSON or TOML. Both are only read: there is no form of manifest that could run anything.

Imports:  every reader of this package.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cortex_actors.client.manifest.endpoints import read_endpoints
from cortex_actors.client.manifest.mistakes import ManifestError, Mistake, Report
from cortex_actors.client.manifest.model import Manifest
from cortex_actors.client.manifest.references import check_references
from cortex_actors.client.manifest.section import Section
from cortex_actors.client.manifest.sections import (
    read_address,
    read_auth,
    read_error_types,
    read_rate_limits,
    read_resources,
    read_retry_policies,
    read_servers,
)
from cortex_actors.client.manifest.type_reader import read_types

_REQUIRED = (("name", "is"), ("version", "is"), ("endpoints", "are"), ("types", "are"))


def load_manifest(source: Path | str | Mapping[str, Any]) -> Manifest:
    """The manifest in a file, or in plain data; raises ManifestError with every mistake.

    >>> manifest = load_manifest({"name": "demo", "version": "1", "types": {}, "endpoints": [
    ...     {"id": "get_user", "method": "get", "path": "/users/{id}"}]})
    >>> manifest.endpoint("get_user").method
    'GET'
    """
    data = read_file(Path(source)) if isinstance(source, Path | str) else source
    if not isinstance(data, Mapping):
        raise ManifestError([Mistake("", "manifest must be an object")])
    report = Report()
    manifest = _manifest(Section(data, "", report))
    check_references(manifest, report)
    report.raise_if_any()
    return manifest


def read_file(path: Path) -> Any:
    """What a file holds; raises ManifestError when it is not there or not what its name says."""
    readers = {".json": parse_json, ".toml": _parse_toml}
    if path.suffix.lower() not in readers:
        kind = path.suffix or "a file without a suffix"
        raise ManifestError(
            [Mistake("", f"{kind} is not read as a manifest; write JSON (.json) or TOML (.toml)")]
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ManifestError([Mistake("", f"{path.name} cannot be read: {reason}")]) from error
    return readers[path.suffix.lower()](text)


def parse_json(text: str) -> Any:
    """JSON in which no object says the same thing twice: the standard lets the last one win."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return found

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ManifestError([Mistake("", f"is not JSON: {error}")]) from error
    if twice:
        raise ManifestError(Mistake("", f"an object has the field {name!r} twice") for name in twice)
    return data


def _parse_toml(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError([Mistake("", f"is not TOML: {error}")]) from error


def _manifest(section: Section) -> Manifest:
    for key, verb in _REQUIRED:
        if not section.has(key):
            section.wrong(key, f"{key} {verb} required")
    errors = read_error_types(section)
    manifest = Manifest(
        name=section.text("name") or "",
        version=section.text("version") or "",
        description=section.text("description") or "",
        base_url=read_address(section, "base_url"),
        servers=read_servers(section),
        auth=read_auth(section),
        error_types=errors,
        retry_policies=read_retry_policies(section),
        rate_limits=read_rate_limits(section),
        resources=read_resources(section),
        middleware=section.texts("middleware") or (),
        endpoints=read_endpoints(section, errors),
        types=read_types(section),
        document=dict(section.values),
    )
    section.finish()
    return manifest
