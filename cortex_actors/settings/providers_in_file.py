"""`[[providers]]`, as the file has them.

Imports:  document, given, keys, lines, mistakes, model, provider_draft, provider_types, sections, texts.
Imported by: provider_list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from cortex_actors.settings import texts
from cortex_actors.settings.document import Document
from cortex_actors.settings.given import Table, no_keys_here, read_table
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.lines import Path
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.model import ProviderSettings
from cortex_actors.settings.provider_draft import ProviderDraft
from cortex_actors.settings.provider_types import provider_type
from cortex_actors.settings.sections import Limits


def from_file(document: Document, mistakes: Mistakes) -> list[ProviderDraft]:
    """A draft for every entry whose type is known; whatever is wrong with the others is a mistake."""
    entries = document.data.get("providers", [])
    if not isinstance(entries, list):
        mistakes.add(document.where("providers"), "providers is a list of tables: write [[providers]]")
        return []
    drafts = (_draft(document, position, entry, mistakes) for position, entry in enumerate(entries))
    return [draft for draft in drafts if draft is not None]


def _draft(document: Document, position: int, entry: object, mistakes: Mistakes) -> ProviderDraft | None:
    content = entry if isinstance(entry, dict) else {}
    row = provider_type(content.get("type"), content.get("keys_env"))
    label = _label(content, position)
    place = partial(document.where, "providers", position)
    keys_env = row.keys_env if row else ""
    table = Table(label, entry, place, keys_env)
    given = read_table(table, keys_of(ProviderSettings), mistakes, also=("limits",))
    for name in ("name", "type"):
        if name not in content and isinstance(entry, dict):
            mistakes.add(place(), f"{label} needs a {name}")
    _check_headers(label, content, place, mistakes)
    _check_credentials(label, content, place, keys_env, mistakes)
    limits = Table(f"{label}.limits", content.get("limits", {}), partial(place, "limits"))
    overrides = read_table(limits, keys_of(Limits), mistakes)
    return ProviderDraft(row, label, place(), given, overrides, from_file=True) if row else None


def _label(content: Mapping[str, Any], position: int) -> str:
    name = content.get("name")
    fits = isinstance(name, str) and not texts.provider_name(name)
    return f"providers.{name if fits else position + 1}"


def _check_headers(
    label: str, content: Mapping[str, Any], place: Callable[..., str], mistakes: Mistakes
) -> None:
    headers = content.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if isinstance(value, str) and (complaint := texts.header(name, value)):
            mistakes.add(place("headers", name), f"{label}.headers.{name} {complaint}")


def _check_credentials(
    label: str, content: Mapping[str, Any], place: Callable[..., str], keys_env: str, mistakes: Mistakes
) -> None:
    """Refuses what carries a credential among the extra headers and the options, at any depth."""
    for key in ("headers", "options"):
        for path, value in _walk(content.get(key), (key,)):
            name = str(path[-1])
            if texts.names_a_secret(name) or texts.looks_secret(value):
                dotted = ".".join(map(str, path))
                mistakes.add(place(*path), f"{label}.{dotted}: {no_keys_here(keys_env)}")


def _walk(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), item
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield (*path, position), item
            yield from _walk(item, (*path, position))
