"""The changeover: from the settings in force to others, in two steps, the first of which may fail.

    prepare    makes every provider that is new or different, and starts the actors of the new ones: nobody
               knows of them yet, and when one cannot be made all of them are taken back
    commit     one assignment, after which requests see the new settings; it cannot fail

A stream that runs notices neither: it holds the provider and the settings that it began with.

Runs on:   whoever changes the settings, one at a time; `prepare` waits for actors to start.
Sends:     StartChild to the supervisor of the providers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cortex_actors.dispatch.directory import Directory
from cortex_actors.dispatch.mandate import Mandate, Terms
from cortex_actors.dispatch.provider import Provider
from cortex_actors.dispatch.staging import Staging
from cortex_actors.errors import SettingsError
from cortex_actors.gateway.composition import provider_spec
from cortex_actors.gateway.parts import Parts
from cortex_actors.gateway.roll import PROVIDERS
from cortex_actors.otp.errors import ActorUnavailable, ChildRefused
from cortex_actors.otp.supervisor import start_child
from cortex_actors.settings import ProviderSettings, Settings

#: How long the actors of one provider may take to start, in seconds.
_START = 10.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is needed to go over to these settings; every provider of them has its actors."""

    settings: Settings
    providers: Sequence[Provider]
    staging: Staging


def prepare(parts: Parts, settings: Settings) -> Prepared:
    """Raises SettingsError for a provider or stage that cannot be made, ActorError when no actors start."""
    wanted = [each for each in settings.providers if each.enabled]
    staging = Staging.of(settings)
    held = {each.name: mandate for each in wanted if (mandate := parts.roll.hold(each.name)) is not None}
    joined: list[Mandate] = []
    try:
        providers = _made(parts, wanted, held)
        for provider in providers:
            if provider.name not in held:
                joined.append(Mandate(Terms.of(provider, settings)))
                _start(parts, joined[-1])
    except BaseException:
        for mandate in joined:
            parts.roll.strike(mandate.name)
        for mandate in held.values():
            mandate.held = False
        raise
    return Prepared(settings, providers, staging)


def commit(parts: Parts, prepared: Prepared) -> None:
    """From here on requests see these settings."""
    settings, roll = prepared.settings, parts.roll
    wanted = {provider.name for provider in prepared.providers}
    for provider in prepared.providers:
        roll.change(roll.mandates[provider.name], Terms.of(provider, settings))
    parts.board.replace(prepared.providers)
    parts.directory.value = Directory.of(settings, prepared.providers, prepared.staging)
    parts.dispatchers.max_children = settings.server.max_streams
    for name, mandate in roll.mandates.items():
        if name not in wanted and not mandate.terms.leaving:
            roll.leave(mandate)


def _made(
    parts: Parts, wanted: Sequence[ProviderSettings], held: Mapping[str, Mandate]
) -> tuple[Provider, ...]:
    """The providers as they are wanted; one that is wanted as it is stays the same. All mistakes at once."""
    providers: list[Provider] = []
    mistakes: list[str] = []
    for each in wanted:
        before = held[each.name].terms.provider if each.name in held else None
        if before is not None and before.settings == each:
            providers.append(before)
            continue
        try:
            providers.append(parts.provider(each, before.streams if before else None))
        except SettingsError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SettingsError(tuple(mistakes))
    return tuple(providers)


def _start(parts: Parts, mandate: Mandate) -> None:
    """Starts the actors of a provider that nobody is sent to yet."""
    parts.roll.join(mandate)
    supervisor = parts.names.whereis(PROVIDERS)
    if supervisor is None:
        raise ActorUnavailable(f"{PROVIDERS} is being restarted")
    try:
        start_child(supervisor, provider_spec(parts, mandate), _START)
    except ChildRefused as refusal:
        if refusal.word != "already_started":  # by a supervisor that restarted at this moment
            raise
