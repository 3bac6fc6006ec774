"""The mandate of one provider's actors: by what they work. It outlives them, and changes under them.

    terms     the provider as configured, and the settings its books are kept by; replaced by a reload
    orders    what an operator made of its breakers; replaced by its worker

An actor reads its mandate when it starts, so a restarted one works by what is in force now; one that runs is
told `TermsChanged` when it has to look again.

Runs on:   any thread; everything in here is replaced by assignment, never edited in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cortex_actors.dispatch.provider import Provider
from cortex_actors.resilience.breaker_states import Mode
from cortex_actors.resilience.circuit_breaker import BreakerLimits
from cortex_actors.settings import BreakerSettings, HealthSettings, KeySettings, Settings

#: Model -> who decides; None is the provider itself, and every model it has or will have.
Orders = Mapping[str | None, Mode]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one provider's actors work by."""

    provider: Provider
    breaker: BreakerLimits = field(default_factory=BreakerLimits)
    keys: KeySettings = field(default_factory=KeySettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    #: It is configured no more: its streams may finish, and then its actors leave.
    leaving: bool = False

    @classmethod
    def of(cls, provider: Provider, settings: Settings) -> Terms:
        """The terms of a provider under these settings."""
        return cls(provider, _breaker_limits(settings.breaker), settings.keys, settings.health)

    @property
    def upstream(self) -> tuple[str, str]:
        """Whom its breakers speak of: the same name may lead somewhere else after a reload."""
        return self.provider.upstream


class Mandate:
    """Where the actors of one provider find their terms."""

    __slots__ = ("held", "orders", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.orders: Orders = {}
        #: Somebody is about to change it: its actors stay, even if they would leave otherwise.
        self.held = False

    @property
    def name(self) -> str:
        """The name of the provider, which never changes."""
        return self.terms.provider.name


def _breaker_limits(said: BreakerSettings) -> BreakerLimits:
    return BreakerLimits(
        window=said.window,
        minimum_calls=said.minimum_calls,
        failure_rate=said.failure_rate,
        slow_first_token=said.slow_first_token,
        slow_rate=said.slow_rate,
        open_for=said.open_for,
        open_max=said.open_max,
    )
