"""What is configured: read once at the start, checked as a whole, immutable afterwards.

Belongs here:  every key with its default, unit and meaning; reading the file and the environment; the report.
May import:    chat, errors, the standard library.
Imported by:   every layer above. It re-exports its values, as nearly everyone needs one of them.

    from pathlib import Path
    settings = load(Path("cortex.toml"), os.environ)        # SettingsError: every mistake at once
    print(render(settings))                                 # what is in effect, and where it was set

To read the package, follow a key: `sections` declares it, `keys` says what may stand there, `document` and
`environment` find what was written, `loading` puts it together. Providers have a draft on the way.
"""

from cortex_actors.settings.loading import load
from cortex_actors.settings.model import (
    ModelSettings,
    ProviderSettings,
    ProviderTypeName,
    Route,
    Settings,
)
from cortex_actors.settings.report import render
from cortex_actors.settings.secret import Secret
from cortex_actors.settings.sections import (
    BreakerSettings,
    CorsSettings,
    HealthSettings,
    KeySettings,
    KeyStrategy,
    Limits,
    LogSettings,
    RetrySettings,
    RoutingSettings,
    ServerSettings,
    Strategy,
    SupervisionSettings,
)
from cortex_actors.settings.seed_names import IGNORED_ENVIRONMENT

__all__ = [
    "IGNORED_ENVIRONMENT",
    "BreakerSettings",
    "CorsSettings",
    "HealthSettings",
    "KeySettings",
    "KeyStrategy",
    "Limits",
    "LogSettings",
    "ModelSettings",
    "ProviderSettings",
    "ProviderTypeName",
    "RetrySettings",
    "Route",
    "RoutingSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "Strategy",
    "SupervisionSettings",
    "load",
    "render",
]
