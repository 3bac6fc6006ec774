"""From a file, or from plain data, to a manifest.

A manifest is JSON or TOML. Both are only read: there is no form of manifest that could run anything.

Imports:  every reader of this package.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cortex_actors.client.manifest.endpoints import read_endpoints
from cortex_actors.client.manifest.mistakes import ManifestError, Mistake, Report, step
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
    report = Report()
    try:
        data = read_file(Path(source), report) if isinstance(source, Path | str) else source
        if not isinstance(data, Mapping):
            raise ManifestError([*report.mistakes, Mistake("", "manifest must be an object")])
        manifest = _manifest(Section(data, "", report))
        check_references(manifest, report)
    except RecursionError as error:
        raise ManifestError([Mistake("", "is nested too deeply")]) from error
    report.raise_if_any()
    return manifest


def read_file(path: Path, report: Report) -> Any:
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
    return readers[path.suffix.lower()](text, report)


def parse_json(text: str, report: Report) -> Any:
    """JSON; notes where an object says the same thing twice: the standard lets the last one win."""
    try:
        data = json.loads(text, object_pairs_hook=_Object)
    except ValueError as error:
        raise ManifestError([Mistake("", f"is not JSON: {error}")]) from error
    for pointer in _said_twice(data, ""):
        report.add(pointer, "is here twice")
    return data


class _Object(dict[str, Any]):
    """An object of JSON that knows what it was told twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = Counter(name for name, _ in pairs)
        self.twice = [name for name, times in names.items() if times > 1]


def _said_twice(value: Any, pointer: str) -> Iterator[str]:
    """The pointers of all that is there twice."""
    match value:
        case _Object():
            yield from (step(pointer, name) for name in value.twice)
            for name, inner in value.items():
                yield from _said_twice(inner, step(pointer, name))
        case list():
            for index, inner in enumerate(value):
                yield from _said_twice(inner, step(pointer, index))


def _parse_toml(text: str, report: Report) -> Any:
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
