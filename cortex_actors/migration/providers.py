"""`[[providers]]`: one for each place that deployments go to, with a name of its own.

Imports:  deployments, limits, notes, places.
Imported by: litellm, public_models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cortex_actors.migration.deployments import Deployment
from cortex_actors.migration.limits import limits_within
from cortex_actors.migration.notes import Notes
from cortex_actors.migration.places import Upstream
from cortex_actors.settings import Limits, texts
from cortex_actors.settings.provider_types import PROVIDER_TYPES, provider_type
from cortex_actors.settings.toml_text import toml_value

#: Names of providers that the environment may make without a word in the file.
_MADE_BY_ENVIRONMENT = frozenset(row.name for row in PROVIDER_TYPES)


@dataclass(slots=True)
class Provider:
    """One provider: its name, where it is, and the models that are asked of it."""

    name: str
    upstream: Upstream
    keys_env: str
    models: list[str] = field(default_factory=list)
    #: Whether a wildcard opens all of its models.
    is_open: bool = False


class Providers:
    """The providers, by where they are; each gets its name when it is first asked for."""

    def __init__(self, deployments: Sequence[Deployment], notes: Notes) -> None:
        self._notes = notes
        self._found: dict[Upstream, Provider] = {}
        self._names: set[str] = set()
        self._variables = {name for row in PROVIDER_TYPES for name in (row.keys_env, row.keys_env[:-1])}
        self._variables |= {each.upstream.keys_env for each in deployments}
        for each in sorted(deployments, key=lambda each: not each.is_wildcard):
            self._add(each)

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._found.values())

    def of(self, deployment: Deployment) -> Provider:
        """Where a deployment goes."""
        return self._found[deployment.upstream]

    @property
    def names(self) -> frozenset[str]:
        """All their names."""
        return frozenset(self._names)

    def _add(self, deployment: Deployment) -> None:
        upstream = deployment.upstream
        if upstream not in self._found:
            name = self._name(deployment)
            keys_env = self._variable(name, deployment) if upstream.secret else upstream.keys_env
            self._found[upstream] = Provider(name, upstream, keys_env)
        provider = self._found[upstream]
        if not deployment.is_wildcard:
            provider.models += [deployment.model] if deployment.model not in provider.models else []
            return
        provider.is_open = True
        if deployment.public != f"{provider.name}/*":
            told = f"callers name its models as {provider.name}/MODEL, or as the provider itself lists them"
            self._notes.left_out("the wildcard", told, deployment.public)

    def _name(self, deployment: Deployment) -> str:
        """The name before the wildcard, so that callers can keep theirs; otherwise what is usual here."""
        owner, _, rest = deployment.public.partition("/")
        upstream = deployment.upstream
        stem = owner if rest == "*" and not texts.provider_name(owner) else _usual_name(upstream)
        # Keys under their usual names may make a provider of this name; one that has others must not be it.
        taken = self._names if upstream.has_usual_keys else self._names | _MADE_BY_ENVIRONMENT
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem[:56]}-{number}", number + 1
        self._names.add(name)
        return name

    def _variable(self, name: str, deployment: Deployment) -> str:
        """A name in the environment for a key that stands in the file."""
        stem = re.sub(r"[^A-Z0-9]", "_", name.upper())
        stem = stem if stem[0].isalpha() else f"KEY_{stem}"
        variable, number = f"{stem}_API_KEYS", 1
        # The settings look under the singular too.
        while {variable, variable[:-1]} & self._variables:
            variable, number = f"{stem}_{number}_API_KEYS", number + 1
        self._variables.add(variable)
        self._notes.to_do(
            f"set {variable} to the key of {deployment.public}, which stands in the file itself"
        )
        return variable


def lines(provider: Provider, around: Limits) -> Iterator[str]:
    """A provider as TOML; `around` are the limits of all providers."""
    upstream = provider.upstream
    own = upstream.total is not None or upstream.first_token is not None
    limits = limits_within(upstream.total, upstream.first_token, around) if own else {}
    values: dict[str, object] = {
        "name": provider.name,
        "type": upstream.type,
        "base_url": upstream.base_url,
        "model": provider.models[0] if provider.models else "",
        "models": [] if provider.is_open else provider.models,
        "priority": upstream.priority,
        "max_streams": upstream.max_streams,
        "keys_env": provider.keys_env,
        "headers": dict(upstream.headers),
    }
    yield "[[providers]]"
    for key, value in values.items():
        if value not in ("", None, [], {}):
            yield f"{key} = {toml_value(value)}"
    if upstream.options:
        yield f"options = {upstream.options}"
    if limits:
        yield f"limits = {toml_value(limits)}"


def _usual_name(upstream: Upstream) -> str:
    row = provider_type(upstream.type)
    assert row is not None, "every type has a row"
    if upstream.type == "openai_compatible":
        return "openai-like" if upstream.prefix == "openai" else upstream.prefix.replace("_", "-")
    return row.name if upstream.has_usual_keys else row.type
