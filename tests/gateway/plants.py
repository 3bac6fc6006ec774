"""Gateways for tests of this package: whole, without a fuse, and with settings that a test may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cortex_actors.errors import SettingsError
from cortex_actors.gateway import Gateway
from cortex_actors.settings import (
    HealthSettings,
    ProviderSettings,
    RecoverySettings,
    Settings,
    SupervisionSettings,
)
from tests.dispatch.plant import settings

#: No fuse: a test that is debugged may stand still.
SUPERVISION = SupervisionSettings(stall_limit=0.0, backoff_min=0.01, backoff_max=0.02)


def quiet(*providers: ProviderSettings, **sections: Any) -> Settings:
    """Settings under which nobody is probed."""
    plain = {
        "health": HealthSettings(interval=0.0),
        "supervision": SUPERVISION,
        "recovery": RecoverySettings(enabled=False),
    }
    return settings(*providers, **(plain | sections))


class Source:
    """What a gateway reads its settings from."""

    def __init__(self, settings: Settings) -> None:
        self.says: Settings | SettingsError = settings

    def read(self) -> Settings:
        if isinstance(self.says, SettingsError):
            raise self.says
        return self.says


Run = Callable[..., tuple[Gateway, Source]]
