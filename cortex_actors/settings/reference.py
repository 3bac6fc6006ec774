"""The reference file: every key at its default, with its unit and its meaning, written from the declarations.

Imports:  keys, model, provider_types, public_models, section_reader, sections, toml_text.
Imported by: nobody. It is a command:

    python -m cortex_actors.settings.reference > config/cortex.toml

A test compares the file with this text, so that neither can promise what the other does not keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cortex_actors.settings.access import CallerSettings
from cortex_actors.settings.keys import Key, keys_of
from cortex_actors.settings.model import ModelSettings, ProviderSettings, Route
from cortex_actors.settings.provider_types import provider_type
from cortex_actors.settings.public_models import LIMIT_KEYS
from cortex_actors.settings.section_reader import SECTIONS
from cortex_actors.settings.sections import Limits
from cortex_actors.settings.stages import StageSettings
from cortex_actors.settings.toml_text import toml_value

_HEAD = """\
# Every setting of Cortex Actors, at its default. Copy what you want to change.
#
# Later wins: these defaults, your file (CORTEX_CONFIG=FILE names it), the older names in the environment
# (PORT, GROQ_MODEL, ...), and CORTEX_SECTION__KEY, such as CORTEX_SERVER__PORT=8080. A name that is not
# listed here is refused. `cortex check-config` shows what is in effect, and where it was set.
#
# Keys of providers are never read from a file. GROQ_API_KEYS=key1,key2 in the environment, or
# GROQ_API_KEYS_FILE with the path of a file, is enough to have groq; a [[providers]] table is needed only to
# change its defaults. With no provider at all, an embedded demo answers.
"""
_PROVIDERS = """\
# One table for each provider. Shown is groq as its key in the environment makes it.
#[[providers]]"""
_MODELS = """\
# A model name of your own, and the providers behind it.
#[[models]]"""
_STAGES = """\
# One table for each stage that may be named: something that is done to answers on their way to the caller.
#[[stages]]"""
_STAGE = {
    "name": "no-keys",
    "use": "deny_patterns",
    "policy": "replace",
    "replacement": "[key]",
    "options": {"patterns": ["sk-[A-Za-z0-9]{20,60}"]},
}
_CALLERS = """\
# One table for each caller with a key of its own; then nobody is served without one.
#[[callers]]"""
_CALLER = {
    "name": "alice",
    "key_sha256": "0" * 64,
    "expires": "2099-01-31T00:00:00Z",
    "providers": ("groq-primary",),
    "models": ("chat",),
}
_EXAMPLE = {
    "name": "chat",
    "fallbacks": ("openai/gpt-oss-20b",),
    "provider": "groq-primary",
    "model": "openai/gpt-oss-20b",
}


def reference() -> str:
    """The text of config/cortex.toml."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for section, cls in SECTIONS.items():
        yield f"# {(cls.__doc__ or '').strip()}"
        yield f"[{section}]"
        yield from _keys(keys_of(cls), {})
        yield ""
    yield _PROVIDERS
    yield from _keys(keys_of(ProviderSettings), _groq(), "#")
    yield "# Limits of this provider alone; left out, those of [limits]."
    yield "#[providers.limits]"
    yield from _keys(keys_of(Limits), {}, "#")
    yield ""
    yield _MODELS
    yield from _keys(keys_of(ModelSettings), _EXAMPLE, "#")
    yield "# Limits of this model alone; they tighten those of its providers, and cannot loosen them."
    yield "#[models.limits]"
    yield from _keys(LIMIT_KEYS, {}, "#")
    yield "# One table for each provider behind it."
    yield "#[[models.routes]]"
    yield from _keys(keys_of(Route), _EXAMPLE, "#")
    yield ""
    yield _STAGES
    yield from _keys(keys_of(StageSettings), _STAGE, "#")
    yield ""
    yield _CALLERS
    yield from _keys(keys_of(CallerSettings), _CALLER, "#")


def _keys(keys: Mapping[str, Key], example: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    for name, key in keys.items():
        unit = f" [{key.rule.unit}]" if key.rule.unit else ""
        yield f"# {key.rule.about}{unit}"
        yield f"{prefix}{name} = {toml_value(example.get(name, key.default))}"


def _groq() -> dict[str, object]:
    row = provider_type("groq")
    assert row is not None, "groq is in the table"
    return {
        "name": row.name,
        "type": row.type,
        "base_url": row.base_url,
        "model": row.model,
        "priority": row.priority,
        "keys_env": row.keys_env,
    }


if __name__ == "__main__":
    print(reference(), end="")
