"""LiteLLM's configuration file as settings of ours.

    model_list          one [[providers]] for each place, one [[models]] for each name
    router_settings     [routing], [limits], [retry], [breaker], fallbacks, aliases
    litellm_settings    the same where the router says nothing; [logs]
    the rest            is told by name and left out

Imports:  every module of the package.
Imported by: cli_import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cortex_actors.migration import providers, public_models, sections
from cortex_actors.migration.deployments import DeploymentReader
from cortex_actors.migration.fields import Fields
from cortex_actors.migration.notes import Notes
from cortex_actors.migration.providers import Providers
from cortex_actors.migration.public_models import PublicModels
from cortex_actors.settings import Limits
from cortex_actors.settings.toml_text import toml_value

_RATES = "the breaker counts a share of the calls: [breaker] failure_rate"
_FILES = "put what it includes into one file"
_REASONS: Mapping[str, str] = {
    "allowed_fails": _RATES,
    "allowed_fails_policy": _RATES,
    "content_policy_fallbacks": "a refusal is an answer, and nobody else is asked",
    "master_key": "keys of callers are not carried over",
    "include": _FILES,
}


@dataclass(frozen=True, slots=True)
class Converted:
    """What came out of a file."""

    #: TOML; without providers where nothing could be carried over.
    settings: str
    #: One line for each thing that was left out, and for each that is left to do.
    notes: tuple[str, ...]
    providers: int


def convert(document: Mapping[str, Any], source: str, environ: Mapping[str, str]) -> Converted:
    """The settings that stand for a parsed file; `source` is its name, for the first line."""
    notes = Notes()
    top = Fields(document, "the file", notes, environ)
    router = Fields(top.raw("router_settings"), "router_settings", notes, environ)
    library = Fields(top.raw("litellm_settings"), "litellm_settings", notes, environ)
    credentials = _credentials(top.entries("credential_list"))
    deployments = DeploymentReader(credentials, notes, environ).read(top.entries("model_list"))
    found = Providers(deployments, notes)
    strategy = sections.strategy(router)
    models = PublicModels(found, strategy, notes)
    models.add(deployments)
    _add_relations(models, router, library)
    tables = {
        "routing": {"strategy": strategy},
        "limits": sections.limits(router, library),
        "retry": sections.retry(router, library, models.longest_chain),
        "breaker": sections.breaker(router, library),
        "logs": sections.logs(library),
    }
    _note_rest(top, router, library, notes, environ)
    text = "\n".join(_text(source, tables, found, models)) + "\n"
    return Converted(text, notes.lines, len(list(found)))


def _credentials(entries: list[Any]) -> dict[str, Mapping[str, Any]]:
    """The parameters that `credential_list` keeps under a name."""
    named = (
        (entry.get("credential_name"), entry.get("credential_values"))
        for entry in entries
        if _is_table(entry)
    )
    return {str(name): values for name, values in named if _is_table(values)}


def _add_relations(models: PublicModels, router: Fields, library: Fields) -> None:
    models.note_aliases(router.table("model_group_alias"))
    for fields, label in ((router, "router_settings"), (library, "litellm_settings")):
        defaults = fields.entries("default_fallbacks")
        models.add_fallbacks(f"{label}.fallbacks", fields.entries("fallbacks"), defaults)
        models.add_larger(f"{label}.context_window_fallbacks", fields.entries("context_window_fallbacks"))
    models.add_aliases()


def _note_rest(
    top: Fields, router: Fields, library: Fields, notes: Notes, environ: Mapping[str, str]
) -> None:
    if library.raw("drop_params") is False:
        library.refuse("drop_params", "what a provider does not take is always left out, and listed")
    variables = top.table("environment_variables")
    if variables:
        notes.to_do(f"set what environment_variables of the file sets: {', '.join(variables)}")
    general = Fields(top.raw("general_settings"), "general_settings", notes, environ)
    for fields in (router, library, general, top):
        fields.refuse_rest(_REASONS)


def _text(
    source: str, tables: Mapping[str, Mapping[str, Any]], found: Providers, models: PublicModels
) -> Iterator[str]:
    yield f"# From {toml_value(source)} of LiteLLM. What is left out has its default: config/cortex.toml."
    for name, table in tables.items():
        if table:
            yield f"\n[{name}]"
            yield from (f"{key} = {toml_value(value)}" for key, value in table.items())
    around = Limits(**tables["limits"])
    for provider in found:
        yield ""
        yield from providers.lines(provider, around)
    for model in models:
        yield ""
        yield from public_models.lines(model)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)
