"""`[[models]]`: names of your own for what several providers offer.

Imports:  checks, document, given, keys, mistakes, model, sections; chat (RequestLimits).
Imported by: loading, reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cortex_actors.chat import RequestLimits
from cortex_actors.settings.checks import check_order
from cortex_actors.settings.document import Document
from cortex_actors.settings.given import Given, Table, read_table
from cortex_actors.settings.keys import Key, keys_of
from cortex_actors.settings.mistakes import Mistakes, did_you_mean
from cortex_actors.settings.model import ModelSettings, ProviderSettings, Route
from cortex_actors.settings.sections import Limits, Strategy

#: A connection is the provider's affair, so a public model has three limits, as a request has.
LIMIT_KEYS: Mapping[str, Key] = {name: key for name, key in keys_of(Limits).items() if name != "connect"}


class PublicModels:
    """Reads the list with what it refers to at hand."""

    def __init__(
        self,
        document: Document,
        providers: Sequence[ProviderSettings],
        strategy: Strategy,
        mistakes: Mistakes,
    ) -> None:
        self._document = document
        self._providers = {provider.name: provider for provider in providers}
        self._strategy = strategy
        self._mistakes = mistakes

    def read(self) -> tuple[ModelSettings, ...]:
        """Every public model; a reference to something that is not configured is a mistake."""
        entries = self._document.data.get("models", [])
        if not isinstance(entries, list):
            where = self._document.where("models")
            self._mistakes.add(where, "models is a list of tables: write [[models]]")
            return ()
        models = [self._model(position, entry) for position, entry in enumerate(entries)]
        for position, model in enumerate(models):
            self._check_name(position, model, models[:position])
            self._check_references(position, model, models)
        return tuple(models)

    def _model(self, position: int, entry: object) -> ModelSettings:
        content: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        label = _label(content, position)
        place = partial(self._document.where, "models", position)
        table = Table(label, entry, place)
        given = read_table(table, keys_of(ModelSettings), self._mistakes, also=("routes", "limits"))
        if isinstance(entry, dict) and "name" not in content:
            self._mistakes.add(place(), f"{label} needs a name")
        routes = self._routes(label, position, content.get("routes"))
        limits_table = Table(f"{label}.limits", content.get("limits", {}), partial(place, "limits"))
        limits = read_table(limits_table, LIMIT_KEYS, self._mistakes)
        self._check_limits(limits_table, routes, limits)
        values = {"strategy": self._strategy} | {name: item.value for name, item in given.items()}
        overrides = RequestLimits(**{name: item.value for name, item in limits.items()})
        return ModelSettings(**values, routes=routes, limits=overrides)

    def _routes(self, label: str, position: int, entries: object) -> tuple[Route, ...]:
        place = partial(self._document.where, "models", position, "routes")
        if not isinstance(entries, list) or not entries:
            self._mistakes.add(place(), f'{label} needs routes, such as [{{ provider = "groq-primary" }}]')
            return ()
        routes = []
        for number, entry in enumerate(entries):
            table = Table(f"{label}.routes.{number + 1}", entry, partial(place, number))
            given = read_table(table, keys_of(Route), self._mistakes)
            route = Route(**{name: item.value for name, item in given.items()})
            routes.append(self._named(route))
            if isinstance(entry, dict) and "provider" not in entry:
                self._mistakes.add(place(number), f"{table.label} needs a provider")
            elif route.provider and route.provider not in self._providers:
                near = did_you_mean(route.provider, self._providers)
                self._mistakes.add(
                    place(number, "provider"), f"{table.label}: there is no provider {route.provider}{near}"
                )
        return tuple(routes)

    def _named(self, route: Route) -> Route:
        """The route with the provider's default model where it names none."""
        provider = self._providers.get(route.provider)
        return replace(route, model=provider.model) if provider and not route.model else route

    def _check_limits(self, table: Table, routes: Sequence[Route], limits: Mapping[str, Given]) -> None:
        """The limits of a model tighten those of each provider it may go to, in an order that can be kept."""
        for name in dict.fromkeys(route.provider for route in routes) if limits else ():
            if name not in self._providers:
                continue
            outer = self._providers[name].limits
            own = {key: given.value for key, given in limits.items()}
            for key, given in limits.items():
                if given.value > getattr(outer, key):
                    loose = f"{table.label}.{key} is longer than that of {name} ({getattr(outer, key):g} s)"
                    self._mistakes.add(given.where, f"{loose}; a model can only tighten it")
            total = own.get("total", outer.total)
            tightened = Limits(
                connect=outer.connect,
                first_token=own.get("first_token", min(outer.first_token, total)),
                idle=own.get("idle", min(outer.idle, total)),
                total=total,
            )
            check_order("limits", tightened, limits, table.place(""), table.label, self._mistakes)

    def _check_name(self, position: int, model: ModelSettings, earlier: Sequence[ModelSettings]) -> None:
        if model.name and any(other.name == model.name for other in earlier):
            where = self._document.where("models", position, "name")
            self._mistakes.add(where, f"models.{model.name} has the name of another model")

    def _check_references(self, position: int, model: ModelSettings, models: Sequence[ModelSettings]) -> None:
        known = {other.name for other in models}
        known |= {
            name for provider in self._providers.values() for name in (*provider.models, provider.model)
        }
        references = [("fallbacks", name) for name in model.fallbacks]
        references += [("larger", model.larger)] if model.larger else []
        for key, name in references:
            where = self._document.where("models", position, key)
            if name == model.name:
                self._mistakes.add(where, f"models.{name}.{key} names the model itself")
            elif name not in known and name.partition("/")[0] not in self._providers:
                near = did_you_mean(name, known)
                self._mistakes.add(where, f"models.{model.name}.{key}: there is no model {name}{near}")


def _label(content: Mapping[str, Any], position: int) -> str:
    name = content.get("name")
    return f"models.{name if isinstance(name, str) and name else position + 1}"
