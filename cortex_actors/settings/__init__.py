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

from cortex_actors.settings.access import (
    AdminSettings,
    AuthSettings,
    CallerSettings,
    RateLimitSettings,
    RedisSettings,
)
from cortex_actors.settings.journal import JournalSettings
from cortex_actors.settings.loading import load
from cortex_actors.settings.model import (
    ModelSettings,
    ProviderSettings,
    ProviderTypeName,
    Route,
    Settings,
)
from cortex_actors.settings.recovery import RecoverySettings
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
from cortex_actors.settings.stages import StageSettings, StreamingSettings
from cortex_actors.settings.tracing import TracingSettings

__all__ = [
    "IGNORED_ENVIRONMENT",
    "AdminSettings",
    "AuthSettings",
    "BreakerSettings",
    "CallerSettings",
    "CorsSettings",
    "HealthSettings",
    "JournalSettings",
    "KeySettings",
    "KeyStrategy",
    "Limits",
    "LogSettings",
    "ModelSettings",
    "ProviderSettings",
    "ProviderTypeName",
    "RateLimitSettings",
    "RecoverySettings",
    "RedisSettings",
    "RetrySettings",
    "Route",
    "RoutingSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "StageSettings",
    "Strategy",
    "StreamingSettings",
    "SupervisionSettings",
    "TracingSettings",
    "load",
    "render",
]
