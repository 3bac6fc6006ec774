"""What the environment says about providers: `GROQ_MODEL` and its kin, and providers that need no file.

Imports:  environment, given, keys, mistakes, model, ollama_urls, provider_draft, provider_keys,
          provider_types, seed_names, sections, texts.
Imported by: provider_list.

The names of a type (`GROQ_MODEL`, `GROQ_TIMEOUT`, `GROQ_API_BASE`) speak of the provider that the environment
makes, or of the one the file has with the usual keys; of several such, the one with the usual name.
`GROQ_TIMEOUT` is the longest silence: it sets the first_token and idle limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from cortex_actors.settings import texts
from cortex_actors.settings.environment import Environment, place, said
from cortex_actors.settings.given import Given, take
from cortex_actors.settings.keys import Unfit, keys_of
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.model import ProviderSettings
from cortex_actors.settings.ollama_urls import ollama_urls
from cortex_actors.settings.provider_draft import ProviderDraft
from cortex_actors.settings.provider_keys import Keychain
from cortex_actors.settings.provider_types import MOCK, PROVIDER_TYPES, ProviderType
from cortex_actors.settings.sections import Limits
from cortex_actors.settings.seed_names import duration

ORGANIZATION_NAME = "OPENAI_ORGANIZATION"
_PROVIDER_KEYS = keys_of(ProviderSettings)
#: Ending of a name -> the key it sets, for every type; and the names that one type has besides.
_ENDINGS = {"MODEL": "model", "API_BASE": "base_url"}
_OLLAMA_ENDINGS = {"MODEL": "model", "MODELS": "models", "MAX_CONCURRENT": "max_streams"}
#: The Ollama server keeps its models in a directory of this name's value.
_DIRECTORY = re.compile(r"[/~.]|[A-Za-z]:\\")


@dataclass(slots=True)
class Overlay:
    """What the names of one type say, before it is known of which provider."""

    given: dict[str, Given] = field(default_factory=dict)
    limits: dict[str, Given] = field(default_factory=dict)
    options: dict[str, Given] = field(default_factory=dict)
    #: Ollama only: one provider each.
    urls: list[Given] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        """Every name that said something."""
        tables = (self.given, self.limits, self.options)
        sources = [given for table in tables for given in table.values()]
        return list(dict.fromkeys(given.where for given in [*sources, *self.urls]))


def apply(
    in_file: Sequence[ProviderDraft], environ: Environment, keychain: Keychain, mistakes: Mistakes
) -> tuple[list[ProviderDraft], list[str]]:
    """Writes the environment over the drafts of the file; the drafts it makes itself, and notes."""
    made: list[ProviderDraft] = []
    notes: list[str] = []
    for row in PROVIDER_TYPES:
        if row is MOCK:
            continue
        overlay = read_overlay(row, environ, mistakes, notes)
        bound = [draft for draft in in_file if draft.row is row and draft.usual_keys]
        own = [] if bound else _made(row, overlay, keychain.source(row))
        made += own
        targets = own or _spoken_of(row, bound)
        for draft in targets:
            _write_over(draft, overlay)
        if bound and len(overlay.urls) > 1:
            mistakes.add(
                overlay.urls[1].where, f"{row.type} providers are in the file; list the servers there"
            )
        if not targets:
            _unheard(row, overlay, bool(bound), mistakes, notes)
    return made, notes


def read_overlay(row: ProviderType, environ: Environment, mistakes: Mistakes, notes: list[str]) -> Overlay:
    """Everything the names of one type say."""
    overlay = Overlay()
    for ending, key in (_OLLAMA_ENDINGS if row.type == "ollama" else _ENDINGS).items():
        name = f"{row.prefix}_{ending}"
        text = said(environ, name)
        if ending == "MODELS" and _DIRECTORY.match(text):
            notes.append(f"{name} has no effect: it names a directory, which is the Ollama server's affair")
        elif text:
            given = take(key, partial(_PROVIDER_KEYS[key].from_text, text), place(name), mistakes)
            overlay.given |= {key: given} if given else {}
    if text := said(environ, f"{row.prefix}_TIMEOUT"):
        convert = partial(duration, keys_of(Limits)["idle"], text)
        given = take("the longest silence", convert, place(f"{row.prefix}_TIMEOUT"), mistakes)
        overlay.limits = {"first_token": given, "idle": given} if given else {}
    if row.type == "openai" and (text := said(environ, ORGANIZATION_NAME)):
        given = take("the organization", partial(_header_value, text), place(ORGANIZATION_NAME), mistakes)
        overlay.options = {"organization": given} if given else {}
    if row.type == "ollama":
        overlay.urls = ollama_urls(environ, mistakes)
    return overlay


def _header_value(text: str) -> str:
    if texts.header("OpenAI-Organization", text):
        raise Unfit("must be printable ASCII")
    return text


def _made(row: ProviderType, overlay: Overlay, keys_name: str) -> list[ProviderDraft]:
    """The providers that exist because the environment speaks of them."""
    if row.type == "ollama":
        asked_for = "model" in overlay.given or "models" in overlay.given
        default = [Given(row.base_url, overlay.places[0])] if asked_for else []
        return [_draft(row, number, url) for number, url in enumerate(overlay.urls or default, 1)]
    base_url = overlay.given.get("base_url")
    if keys_name:
        return [_draft(row, 1, base_url or Given(row.base_url, place(keys_name)))]
    return [_draft(row, 1, base_url)] if base_url and not row.needs_key else []


def _draft(row: ProviderType, number: int, base_url: Given) -> ProviderDraft:
    name = row.name if number == 1 else f"{row.name}-{number}"
    given = {"name": Given(name, base_url.where), "base_url": base_url}
    return ProviderDraft(row, f"providers.{name}", base_url.where, given)


def _spoken_of(row: ProviderType, bound: Sequence[ProviderDraft]) -> list[ProviderDraft]:
    """Of the providers the file has with the usual keys, the one that the names of the type mean."""
    named = [draft for draft in bound if draft.name == row.name]
    return named or (list(bound) if len(bound) == 1 else [])


def _write_over(draft: ProviderDraft, overlay: Overlay) -> None:
    draft.given |= overlay.given
    draft.limits |= overlay.limits
    if draft.from_file and overlay.urls:
        draft.given["base_url"] = overlay.urls[0]
    for name, given in overlay.options.items():
        before = draft.given["options"].value if "options" in draft.given else {}
        draft.given["options"] = Given({**before, name: given.value}, given.where)


def _unheard(
    row: ProviderType, overlay: Overlay, ambiguous: bool, mistakes: Mistakes, notes: list[str]
) -> None:
    """What was said and meant nobody: a mistake where it could mean several, else a note."""
    for where in overlay.places:
        if ambiguous:
            mistakes.add(where, f"the file has several {row.type} providers, and none is called {row.name}")
        else:
            notes.append(
                f"{where.removeprefix(place(''))} has no effect: there is no {row.type} provider to read it"
            )
