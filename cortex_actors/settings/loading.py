"""`load`: file and environment become one checked `Settings`, or one error with every mistake.

Imports:  the readers of this package, model, mistakes.
Imported by: the package's `__init__`.

Precedence, from weakest: defaults, the file, older names (`PORT`, `GROQ_MODEL`, ...), the `CORTEX_` names.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cortex_actors.settings import document as documents
from cortex_actors.settings import environment, section_reader, seed_names
from cortex_actors.settings.callers import caller_list, check_reach
from cortex_actors.settings.checks import check_order
from cortex_actors.settings.environment import CONFIG_NAME, Environment, said
from cortex_actors.settings.journal import check_backend
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.model import Settings
from cortex_actors.settings.provider_list import provider_list
from cortex_actors.settings.public_models import PublicModels
from cortex_actors.settings.section_secrets import section_secrets, with_token
from cortex_actors.settings.stages import check_stage_names, stage_list


def load(path: Path | None, environ: Environment) -> Settings:
    """The settings of a file and an environment; without a path, the file that CORTEX_CONFIG names, if any.

    Raises SettingsError with every mistake, each with its place, its key and the nearest known name.
    """
    mistakes = Mistakes()
    configured = said(environ, CONFIG_NAME)
    file = path or (Path(configured) if configured else None)
    document = documents.read(file, mistakes)
    draft = section_reader.from_file(document, mistakes)
    draft |= seed_names.from_seed_names(environ, mistakes)
    draft |= environment.from_cortex_names(environ, mistakes)
    secrets = section_secrets(environ, mistakes)
    draft = with_token(draft, secrets.get("admin"), mistakes)
    sections = section_reader.complete(draft)
    if "redis" in secrets:
        sections["redis"] = replace(sections["redis"], password=secrets["redis"].value)
    for section, value in sections.items():
        given = {key: item for (home, key), item in draft.items() if home == section}
        check_order(section, value, given, document.label, section, mistakes)
    listed = provider_list(document, environ, sections["limits"], mistakes)
    models = PublicModels(document, listed.providers, sections["routing"].strategy, mistakes).read()
    callers = caller_list(document, sections["rate_limits"], sections["admin"], listed.providers, mistakes)
    listening = draft.get(("server", "host"))
    where = listening.where if listening else document.label
    check_reach(sections["server"].host, sections["auth"], callers, where, mistakes)
    chosen = draft.get(("journal", "backend"))
    where = chosen.where if chosen else document.label
    check_backend(sections["journal"], sections["redis"], where, mistakes)
    origins = {f"{section}.{key}": item.where for (section, key), item in draft.items()}
    origins |= listed.origins
    stages = stage_list(document, mistakes)
    named = {f"providers.{provider.name}": provider.stages for provider in listed.providers}
    named["streaming"] = sections["streaming"].stages
    check_stage_names(named, stages, origins, document.label, mistakes)
    mistakes.raise_if_any()
    return Settings(
        **sections,
        providers=listed.providers,
        models=models,
        callers=callers,
        stages=stages,
        demo=listed.demo,
        notes=(*seed_names.ignored(environ), *listed.notes),
        origins=origins,
    )
