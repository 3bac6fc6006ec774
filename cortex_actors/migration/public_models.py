"""`[[models]]`: the names that callers use, their routes, and who steps in for whom.

Imports:  deployments, notes, providers.
Imported by: litellm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cortex_actors.migration.deployments import Deployment
from cortex_actors.migration.notes import Notes
from cortex_actors.migration.providers import Providers
from cortex_actors.settings import Strategy, texts
from cortex_actors.settings.toml_text import toml_value

#: Above this our settings take no weight.
_HEAVIEST = 1_000_000
_EVERYTHING = "*"

Route = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PublicModel:
    """One name and what is behind it; no strategy is that of [routing]."""

    name: str
    routes: tuple[Route, ...]
    strategy: Strategy | None = None
    fallbacks: tuple[str, ...] = ()
    larger: str = ""


class PublicModels:
    """The models in the making: their routes, then who steps in for whom, then their second names."""

    def __init__(self, providers: Providers, strategy: Strategy, notes: Notes) -> None:
        self._providers = providers
        self._strategy = strategy
        self._notes = notes
        self._models: dict[str, PublicModel] = {}
        self._aliases: dict[str, str] = {}

    def __iter__(self) -> Iterator[PublicModel]:
        return iter(self._models.values())

    @property
    def longest_chain(self) -> int:
        """Models that may be asked for one request."""
        return max((1 + len(model.fallbacks) for model in self), default=1)

    def add(self, deployments: Sequence[Deployment]) -> None:
        """Makes a model of all deployments of one name."""
        groups: dict[str, list[Deployment]] = defaultdict(list)
        for each in deployments:
            if not each.is_wildcard:
                groups[each.public].append(each)
        for name, group in groups.items():
            self._models[name] = self._model(name, group)

    def note_aliases(self, aliases: Mapping[str, Any]) -> None:
        """Keeps second names of models for `add_aliases`, so that fallbacks may name them."""
        for alias, target in aliases.items():
            name = target.get("model") if isinstance(target, Mapping) else target
            unusable = texts.model_name(alias) or alias in self._models or alias == "auto"
            if unusable or not isinstance(name, str) or name not in self._models:
                told = "it is no new name for a model of the list"
                self._notes.left_out("router_settings.model_group_alias", told, alias)
            else:
                self._aliases[alias] = name

    def add_aliases(self) -> None:
        """Makes a model of each second name, with all that its first name has."""
        for alias, name in self._aliases.items():
            self._models[alias] = replace(self._models[name], name=alias)

    def add_fallbacks(self, source: str, entries: Sequence[Any], defaults: Sequence[Any] = ()) -> None:
        """`fallbacks: [{model: [others]}]`, and those of every model that has none of its own."""
        for name, others in self._pairs(source, entries):
            if name == _EVERYTHING:
                defaults = [*defaults, *others]
            elif name in self._models and not self._models[name].fallbacks:
                self._step_in(source, name, others)
            elif name not in self._models:
                self._notes.left_out(source, "there is no such model in the list", name)
        for name, model in self._models.items():
            if defaults and not model.fallbacks:
                self._step_in(source, name, [other for other in defaults if other != name])

    def add_larger(self, source: str, entries: Sequence[Any]) -> None:
        """`context_window_fallbacks: [{model: [others]}]`: here one model steps in for a request too long."""
        for name, others in self._pairs(source, entries):
            known = [other for other in others if self._is_other(other, name)]
            if name not in self._models or not known:
                self._notes.left_out(source, "there is no such model in the list", name)
                continue
            self._models[name] = replace(self._models[name], larger=known[0])
            if len(others) > 1:
                self._notes.left_out(source, "only the first is asked when a request is too long", name)

    def _model(self, name: str, group: Sequence[Deployment]) -> PublicModel:
        metric = next((metric for metric in group[0].weights), "")
        weights = [each.weights.get(metric, 0.0) for each in group] if metric else []
        ordered = any(each.order is not None for each in group)
        weighs = self._strategy == "random" and not ordered and any(weights) and len(group) > 1
        strategy: Strategy | None = "priority_first" if ordered else "weighted" if weighs else None
        if ordered and len({each.order for each in group}) < len(group):
            told = "routes of the same order are tried by the names of their providers, not shuffled"
            self._notes.left_out("litellm_params.order", told, name)
        scale = max(1.0, max(weights) / _HEAVIEST) if weights else 1.0
        routes = [
            self._route(each, weights[number] / scale if weighs else None)
            for number, each in enumerate(group)
        ]
        unique = [route for number, route in enumerate(routes) if route not in routes[:number]]
        strategy = strategy if len(unique) > 1 and strategy != self._strategy else None
        return PublicModel(name, tuple(unique), strategy)

    def _route(self, deployment: Deployment, weight: float | None) -> Route:
        route: dict[str, object] = {
            "provider": self._providers.of(deployment).name,
            "model": deployment.model,
        }
        return route if weight is None else {**route, "weight": weight}

    def _pairs(self, source: str, entries: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
        for entry in entries:
            if not isinstance(entry, Mapping):
                self._notes.left_out(source, "an entry is not a table")
                continue
            for name, others in entry.items():
                yield str(name), others if isinstance(others, list) else [others]

    def _step_in(self, source: str, name: str, others: Sequence[Any]) -> None:
        known = [other for other in others if self._is_other(other, name)]
        if len(known) < len(others):
            self._notes.left_out(source, "some of its fallbacks are no models of the list", name)
        self._models[name] = replace(self._models[name], fallbacks=tuple(dict.fromkeys(known)))

    def _is_other(self, other: object, name: str) -> bool:
        return self._is_known(other) and name not in (other, self._aliases.get(str(other)))

    def _is_known(self, name: object) -> bool:
        """Whether our settings take it for a model: one of the list, or `provider/model`."""
        if not isinstance(name, str) or texts.model_name(name):
            return False
        owner, _, model = name.partition("/")
        of_a_provider = bool(model) and owner in self._providers.names
        return name in self._models or name in self._aliases or of_a_provider


def lines(model: PublicModel) -> Iterator[str]:
    """A model as TOML."""
    yield "[[models]]"
    yield f"name = {toml_value(model.name)}"
    if model.strategy:
        yield f"strategy = {toml_value(model.strategy)}"
    if model.fallbacks:
        yield f"fallbacks = {toml_value(model.fallbacks)}"
    if model.larger:
        yield f"larger = {toml_value(model.larger)}"
    yield "routes = ["
    yield from (f"    {toml_value(route)}," for route in model.routes)
    yield "]"
