"""`render`: the settings in effect, as TOML a person can read and a file could hold; secrets are masked.

Imports:  keys, mistakes (printable), model, section_reader (the order of sections), sections, toml_text.
Imported by: the package's `__init__`; `cortex check-config` prints it.

The text can be read back: with the same keys in the environment it gives the same settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from cortex_actors.settings.access import CallerSettings
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.mistakes import printable
from cortex_actors.settings.model import ModelSettings, ProviderSettings, Route, Settings
from cortex_actors.settings.section_reader import SECTIONS
from cortex_actors.settings.sections import Limits
from cortex_actors.settings.stages import StageSettings
from cortex_actors.settings.toml_text import toml_value


def render(settings: Settings) -> str:
    """The effective settings; what was set says where, what was not is a default."""
    return "\n".join(printable(line) for line in _lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[str]:
    yield "# The settings in effect. A comment says where a value was set; without one it is the default."
    yield from (f"# {note}" for note in settings.notes)
    for section, cls in SECTIONS.items():
        yield ""
        yield f"[{section}]"
        for key in keys_of(cls):
            value = toml_value(getattr(getattr(settings, section), key))
            yield f"{key} = {value}{_origin(settings.origins, f'{section}.{key}')}"
    for provider in settings.providers:
        yield from _provider(provider, settings)
    for model in settings.models:
        yield from _model(model)
    for stage in settings.stages:
        yield from ("", "[[stages]]")
        yield from (f"{key} = {toml_value(getattr(stage, key))}" for key in keys_of(StageSettings))
    for caller in settings.callers:
        yield from ("", "[[callers]]")
        yield from (f"{key} = {toml_value(getattr(caller, key))}" for key in keys_of(CallerSettings))


def _origin(origins: Mapping[str, str], name: str) -> str:
    return f"  # {origins[name]}" if name in origins else ""


def _provider(provider: ProviderSettings, settings: Settings) -> Iterator[str]:
    yield ""
    if settings.demo:
        yield "# Nothing is configured, so the embedded demo answers."
    yield f"[[providers]]{_origin(settings.origins, f'providers.{provider.name}')}"
    for key in keys_of(ProviderSettings):
        value = getattr(provider, key)
        if value != "":
            yield f"{key} = {toml_value(value)}"
    if provider.keys:
        yield f"# keys, from the environment: {', '.join(map(str, provider.keys))}"
    limits = {name: getattr(provider.limits, name) for name in keys_of(Limits)}
    yield f"limits = {toml_value(limits)}"


def _model(model: ModelSettings) -> Iterator[str]:
    yield ""
    yield "[[models]]"
    for key in keys_of(ModelSettings):
        yield f"{key} = {toml_value(getattr(model, key))}"
    yield f"routes = {toml_value([_route(route) for route in model.routes])}"
    limits = {name: value for name, value in asdict(model.limits).items() if value is not None}
    yield f"limits = {toml_value(limits)}"


def _route(route: Route) -> dict[str, object]:
    return {name: getattr(route, name) for name in keys_of(Route)}
