"""Operators and providers: one more, one less, none of its new streams; its breakers, its keys.

Runs on:   the thread of the request; it waits for a provider's worker, or for actors to start, and not long.
Sends:     ForceBreaker and UnblockKey to a provider's worker.

What joins or goes does so as in a reload, and lasts until the next one. What is decided about a provider that
stays lasts until it is lifted: a roster that drains and the orders in a mandate outlive the actors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from cortex_actors.dispatch.messages import ForceBreaker, UnblockKey
from cortex_actors.dispatch.provider import Provider
from cortex_actors.errors import (
    Conflict,
    GatewayBusy,
    InvalidRequest,
    NotFound,
    SettingsError,
    SettingsRefused,
    StillUnderWay,
    UnknownModel,
    UnknownProvider,
)
from cortex_actors.gateway.changes import Changes
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.reload import Reload
from cortex_actors.otp import registry
from cortex_actors.otp.errors import ActorError, ActorUnavailable, CallTimeout
from cortex_actors.resilience.breaker_states import BreakerState, Mode
from cortex_actors.settings import ProviderSettings, Settings
from cortex_actors.settings.provider_list import one_provider

#: How long a provider's worker may take to obey, in seconds; it does in microseconds, or it is in trouble.
_ANSWER = 2.0

#: The id of a key as it is shown: never its text. Three stars may stand before it, as in a log.
_KEY_ID = re.compile(r"(?:\*\*\*)?([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Drained:
    """A provider that takes no more streams, or takes them again, and how many it still has."""

    provider: str
    streams: int


class ProviderOrders:
    """The hands of operators on providers."""

    def __init__(self, parts: Parts, reload: Reload, environ: Mapping[str, str]) -> None:
        self._parts = parts
        self._reload = reload
        self._environ = environ

    def read(self, table: Mapping[str, Any]) -> ProviderSettings:
        """The provider that a [[providers]] table means. Raises SettingsRefused, InvalidRequest."""
        try:
            provider = one_provider(table, self._environ, self._parts.settings.limits)
        except SettingsError as error:
            raise SettingsRefused(error.mistakes, field=_field(error.mistakes[0])) from error
        if not provider.enabled:
            raise InvalidRequest("A provider that is added is used.", field="enabled")
        return provider

    def add(self, provider: ProviderSettings) -> Provider:
        """One more provider. Raises SettingsRefused, Conflict, GatewayBusy, StillUnderWay."""
        changed(lambda: self._reload.change(lambda settings: _with(settings, provider)))
        return self._parts.providers[provider.name]

    def remove(self, name: str) -> Drained:
        """One less, once its last stream is over. Raises UnknownProvider, GatewayBusy."""
        provider = self._provider(name)
        changed(lambda: self._reload.change(lambda settings: _without(settings, name)))
        return Drained(name, provider.streams.count)

    def drain(self, name: str) -> Drained:
        """No new streams. Raises UnknownProvider."""
        streams = self._provider(name).streams
        streams.drain()
        return Drained(name, streams.count)

    def undrain(self, name: str) -> Drained:
        """New streams again. Raises UnknownProvider."""
        streams = self._provider(name).streams
        streams.resume()
        return Drained(name, streams.count)

    def force_breaker(self, name: str, mode: Mode, model: str | None) -> BreakerState:
        """Who decides about a breaker from now on; its state.

        Raises UnknownProvider, UnknownModel, GatewayBusy, StillUnderWay.
        """
        provider = self._provider(name)
        if model is not None:
            self._check_model(provider, model)
        state: BreakerState = self._ask(provider, ForceBreaker(mode, model))
        return state

    def key_of(self, name: str, key: str) -> str:
        """The id of a key, as it was sent. Raises UnknownProvider, InvalidRequest."""
        self._provider(name)
        found = _KEY_ID.fullmatch(key)
        if found is None:  # and it is not repeated: it may be a key itself
            raise InvalidRequest("key must be the id of a key as it is shown, 8 hex digits.", field="key")
        return found[1]

    def unblock(self, name: str, key_id: str) -> None:
        """A key is good again. Raises UnknownProvider, NotFound, GatewayBusy, StillUnderWay."""
        if not self._ask(self._provider(name), UnblockKey(key_id)):
            raise NotFound(f"{name} has no key {key_id}.")

    def _provider(self, name: str) -> Provider:
        providers = self._parts.providers
        if name not in providers:
            raise UnknownProvider(f"There is no provider {name!r}.{_near(name, providers)}")
        return providers[name]

    def _check_model(self, provider: Provider, model: str) -> None:
        """A breaker for a name that nobody has would stay there for nothing."""
        view = self._parts.board.view(provider.name)
        known = {*view.models, *view.breakers.models, provider.settings.model}
        if view.models and model not in known:
            raise UnknownModel(f"{provider.name} has no model {model!r}.{_near(model, known)}")

    def _ask(self, provider: Provider, message: object) -> Any:
        try:
            return registry.call(self._parts.names, provider.worker_name, message, _ANSWER)
        except CallTimeout as error:
            raise StillUnderWay(f"{error}.") from error
        except ActorUnavailable as error:
            raise GatewayBusy(f"{provider.worker_name} is being restarted.") from error


def changed(change: Callable[[], Changes]) -> Changes:
    """Changes the settings, with the errors that an operator is told."""
    try:
        return change()
    except SettingsError as error:
        raise SettingsRefused(error.mistakes) from error
    except CallTimeout as error:
        raise StillUnderWay(f"The settings are as they were: {error}.") from error
    except ActorError as error:
        raise GatewayBusy(f"The settings are as they were: {error}.") from error


def _with(settings: Settings, provider: ProviderSettings) -> Settings:
    if any(other.name == provider.name and other.enabled for other in settings.providers):
        raise Conflict(f"There is a provider {provider.name} already.")
    # The demo answers only where nobody else does.
    kept = () if settings.demo else settings.providers
    others = tuple(other for other in kept if other.name != provider.name)
    return replace(settings, providers=(*others, provider), demo=False)


def _without(settings: Settings, name: str) -> Settings:
    others = tuple(other for other in settings.providers if other.name != name)
    return replace(settings, providers=others)


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.4)
    return f" Near names: {', '.join(near)}." if near else ""


def _field(mistake: str) -> str | None:
    """The field that a mistake of one provider's table is about: `providers.NAME.field ...`."""
    found = re.match(r"providers: providers\.[a-z0-9_.-]+?\.([a-z_]+)[ :]", mistake)
    return found[1] if found else None
