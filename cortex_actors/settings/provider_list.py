"""All providers, complete: what file and environment say, over what their types say.

Imports:  checks, document, environment, keys, mistakes, model, provider_draft, provider_keys, provider_types,
          providers_in_environment, providers_in_file, sections.
Imported by: loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cortex_actors.settings import providers_in_environment, providers_in_file
from cortex_actors.settings.checks import check_order
from cortex_actors.settings.document import Document
from cortex_actors.settings.environment import Environment
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.model import ProviderSettings
from cortex_actors.settings.provider_draft import ProviderDraft
from cortex_actors.settings.provider_keys import Keychain
from cortex_actors.settings.provider_types import MOCK
from cortex_actors.settings.sections import Limits


@dataclass(frozen=True, slots=True)
class ProviderList:
    """The providers, where each was made, and what is worth a line in the log."""

    providers: tuple[ProviderSettings, ...]
    origins: Mapping[str, str]
    notes: tuple[str, ...]
    demo: bool = False


def provider_list(
    document: Document, environ: Environment, limits: Limits, mistakes: Mistakes
) -> ProviderList:
    """The configured providers; where nobody configured any, the embedded mock alone."""
    keychain = Keychain(environ, mistakes)
    in_file = providers_in_file.from_file(document, mistakes)
    made, notes = providers_in_environment.apply(in_file, environ, keychain, mistakes)
    drafts = [*in_file, *made]
    _check_names(drafts, mistakes)
    if not document.data.get("providers") and not made:
        return ProviderList((_mock(limits),), {}, tuple(notes), demo=True)
    providers = tuple(_finished(draft, limits, keychain, mistakes) for draft in drafts)
    if not any(provider.enabled for provider in providers):
        notes.append("every provider is disabled, so no request can be answered")
    return ProviderList(providers, {draft.label: draft.where for draft in drafts}, tuple(notes))


def one_provider(table: Mapping[str, Any], environ: Environment, limits: Limits) -> ProviderSettings:
    """A provider that is no part of a file: one [[providers]] table, read by the same rules.

    Raises SettingsError with every mistake.
    """
    mistakes = Mistakes()
    drafts = providers_in_file.from_file(Document("providers", {"providers": [dict(table)]}), mistakes)
    providers = [_finished(draft, limits, Keychain(environ, mistakes), mistakes) for draft in drafts]
    mistakes.raise_if_any()  # such as a type that there is not, which makes no draft
    return providers[0]


def _mock(limits: Limits) -> ProviderSettings:
    return ProviderSettings(
        name=MOCK.name,
        type=MOCK.type,
        model=MOCK.model,
        priority=MOCK.priority,
        local=MOCK.local,
        limits=limits,
    )


def _check_names(drafts: Sequence[ProviderDraft], mistakes: Mistakes) -> None:
    first: dict[str, ProviderDraft] = {}
    for draft in drafts:
        other = first.setdefault(draft.name, draft)
        if other is not draft and draft.name:
            mistakes.add(draft.where, f"{draft.label} has the name of another provider ({other.where})")


def _finished(
    draft: ProviderDraft, limits: Limits, keychain: Keychain, mistakes: Mistakes
) -> ProviderSettings:
    row = draft.row
    values: dict[str, Any] = {name: key.default for name, key in keys_of(ProviderSettings).items()}
    values |= {"type": row.type, "base_url": row.base_url, "priority": row.priority, "local": row.local}
    values |= {name: given.value for name, given in draft.given.items()}
    values |= {"keys_env": draft.keys_env, "base_url": (values["base_url"] or row.base_url).rstrip("/")}
    values |= _models(values["model"], values["models"], row.model)
    if not values["base_url"] and row is not MOCK:
        mistakes.add(draft.where, f"{draft.label} needs a base_url; the type {row.type} has none of its own")
    own = replace(limits, **{name: given.value for name, given in draft.limits.items()})
    if draft.limits:
        check_order("limits", own, draft.limits, draft.where, f"{draft.label}.limits", mistakes)
    keys = keychain.keys(draft.keys_env, row) if values["enabled"] else ()
    if values["enabled"] and not keys and (row.needs_key or not draft.usual_keys):
        mistakes.add(
            draft.where,
            f"{draft.label} has no key: set {draft.keys_env}, or {draft.keys_env}_FILE, or enabled = false",
        )
    return ProviderSettings(**values, limits=own, keys=keys)


def _models(model: str, models: tuple[str, ...], usual: str) -> dict[str, Any]:
    """Makes default and list agree: a list holds the default, or gives it its first where none is named.

    No list stays no list: it means the models that the provider itself says it has.
    """
    default = model or (models[0] if models else usual)
    return {"model": default, "models": models if not models or default in models else (default, *models)}
