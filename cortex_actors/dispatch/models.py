"""What a model name means: which providers can answer to it, and what they call the model.

Pure: settings and views in, candidates out. In this order a name is
    nothing or `auto`    every provider that has a default model, with that one
    a public model       its routes
    `provider/model`     that provider, that model
    a bare name          every provider that lists it, or whose list nobody knows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.dispatch.permission import EVERYTHING, Permission
from cortex_actors.dispatch.selection import Candidate
from cortex_actors.errors import Forbidden, UnknownModel, UnknownProvider
from cortex_actors.settings import ModelSettings

AUTO = "auto"

#: Who owns the names that are made here.
GATEWAY = "cortex"

#: What a caller hears who may not have everything: near names might not be for it.
_NOTHING_NEAR = "There is no such model or provider, or it is not for this key."

#: Types whose models are whatever somebody has loaded there.
_OWN_SERVERS = frozenset({"ollama", "openai_compatible"})


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A name that a request may ask for, and whose it is: a provider's, or the gateway's own."""

    name: str
    owner: str


class ModelNames:
    """The public models of the settings, and the providers that stand behind every other name."""

    def __init__(self, public: Sequence[ModelSettings], defaults: Mapping[str, str]) -> None:
        self._public = {model.name: model for model in public}
        self._defaults = dict(defaults)

    def public(self, name: str | None) -> ModelSettings | None:
        """The public model of this name, if there is one."""
        return self._public.get(name) if name else None

    def candidates(
        self, name: str | None, provider: str | None, views: Mapping[str, ProviderView]
    ) -> list[Candidate]:
        """Who can answer to this name. Raises UnknownProvider and UnknownModel, with near names."""
        if provider is not None:
            return [self._pinned(name, provider, views)]
        if name is None or name == AUTO:
            return self._unnamed(views)
        if name in self._public:
            return [
                Candidate(view, route.model or self._default(view), route.weight)
                for route in self._public[name].routes
                if (view := views.get(route.provider))
            ]
        owner, _, model = name.partition("/")
        if model and owner in views:
            return [Candidate(views[owner], model)]
        return self._bare(name, views)

    def permitted(
        self, name: str | None, provider: str | None, views: Mapping[str, ProviderView], may: Permission
    ) -> list[Candidate]:
        """Who of the candidates may answer this caller. Raises Forbidden where none may, and as they do."""
        try:
            found = self.candidates(name, provider, views)
        except (UnknownModel, UnknownProvider) as error:
            if may == EVERYTHING:
                raise
            raise type(error)(_NOTHING_NEAR) from error
        asked = name or AUTO
        allowed = [each for each in found if may.admits(asked, each.view.name, each.model)]
        if found and not allowed:
            raise Forbidden(f"This key may not have {asked if provider is None else provider!r}.")
        return allowed

    def listed(self, views: Mapping[str, ProviderView], may: Permission) -> tuple[KnownModel, ...]:
        """Every name worth telling, each once: `provider/model` is another way to say what is here."""
        ours = (AUTO, *self._public)
        owners = {name: GATEWAY for name in ours if may == EVERYTHING or self._may_have(name, views, may)}
        for view in sorted(views.values(), key=lambda view: (view.priority, view.name)):
            for name in filter(None, (*view.models, self._default(view))):
                if may.admits(name, view.name, name):
                    owners.setdefault(name, view.name)
        return tuple(KnownModel(name, owner) for name, owner in owners.items())

    def known(self, name: str, views: Mapping[str, ProviderView], may: Permission) -> KnownModel:
        """One name, if a request may ask for it. Raises UnknownModel, with near names, and Forbidden."""
        candidates = self.permitted(name, None, views, may)
        ours = name == AUTO or name in self._public
        return KnownModel(name, GATEWAY if ours or not candidates else candidates[0].view.name)

    def _may_have(self, name: str, views: Mapping[str, ProviderView], may: Permission) -> bool:
        with suppress(Forbidden, UnknownModel):
            return bool(self.permitted(name, None, views, may))
        return False

    def _default(self, view: ProviderView) -> str:
        """The model a provider is asked for when nobody names one.

        A server of one's own serves what it serves: if that is known and lacks our default, its first is
        taken.
        """
        default = self._defaults[view.name]
        if view.type in _OWN_SERVERS and view.models and default not in view.models:
            return view.models[0]
        return default

    def _pinned(self, name: str | None, provider: str, views: Mapping[str, ProviderView]) -> Candidate:
        if provider not in views:
            raise UnknownProvider(_near(f"There is no provider {provider!r}.", provider, views))
        if name is None or name == AUTO:
            return self._unnamed({provider: views[provider]})[0]
        for route in self._public[name].routes if name in self._public else ():
            if route.provider == provider:
                return Candidate(views[provider], route.model)
        return Candidate(views[provider], name.removeprefix(f"{provider}/"))

    def _unnamed(self, views: Mapping[str, ProviderView]) -> list[Candidate]:
        """Each provider with its default model; one that has none is no candidate."""
        found = [
            Candidate(view, model, view.weight) for view in views.values() if (model := self._default(view))
        ]
        if views and not found:
            raise UnknownModel(f"Name a model: {', '.join(views)} has no default one.")
        return found

    def _bare(self, name: str, views: Mapping[str, ProviderView]) -> list[Candidate]:
        found = [view for view in views.values() if name in (*view.models, self._default(view))]
        found = found or [view for view in views.values() if not view.models]
        if not found:
            listed = {model: f"{view.name}/{model}" for view in views.values() for model in view.models}
            known = {*(listed.values() if "/" in name else listed), *self._public}
            raise UnknownModel(_near(f"No provider has the model {name!r}.", name, known))
        return [Candidate(view, name, view.weight) for view in found]


def _near(sentence: str, name: str, known: Sequence[str] | set[str] | Mapping[str, object]) -> str:
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.4)
    return f"{sentence} Near names: {', '.join(near)}." if near else sentence
