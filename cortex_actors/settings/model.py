"""The settings as one value: the plain sections, the providers, and the public models in front of them.

Imports:  keys, sections, texts, secret; chat (the limits of a public model are those a request may carry).
Imported by: the rest of this package, and through `cortex_actors.settings` by every layer above.
"""

# ruff: noqa: RUF009  (`setting` declares a dataclass field, it does not share a value)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cortex_actors.chat import RequestLimits
from cortex_actors.settings import texts
from cortex_actors.settings.access import (
    AdminSettings,
    AuthSettings,
    CallerSettings,
    RateLimitSettings,
    RedisSettings,
)
from cortex_actors.settings.journal import JournalSettings
from cortex_actors.settings.keys import setting
from cortex_actors.settings.recovery import ProviderRecovery, RecoverySettings
from cortex_actors.settings.secret import Secret
from cortex_actors.settings.sections import (
    BreakerSettings,
    CorsSettings,
    HealthSettings,
    KeySettings,
    Limits,
    LogSettings,
    RetrySettings,
    RoutingSettings,
    ServerSettings,
    Strategy,
    SupervisionSettings,
)
from cortex_actors.settings.stages import StageSettings, StreamingSettings
from cortex_actors.settings.tracing import TracingSettings

ProviderTypeName = Literal[
    "openai", "anthropic", "xai", "groq", "gemini", "cohere", "mistral", "ollama", "openai_compatible", "mock"
]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider; the name is yours, the type says which dialect it speaks."""

    name: str = setting("", "Your name for it: a-z 0-9 _ . -, at most 64.", complaint=texts.provider_name)
    type: ProviderTypeName = setting(
        "openai_compatible",
        "One of openai, anthropic, xai, groq, gemini, cohere, mistral, ollama, openai_compatible, mock.",
    )
    base_url: str = setting("", "Root of its API; left out, the type's own.", complaint=texts.base_url)
    model: str = setting(
        "",
        "Model for requests that name none; left out, the type's usual one, or the first the server lists.",
        complaint=texts.optional_model_name,
    )
    models: tuple[str, ...] = setting(
        (), "Models it serves; left out, those it says it has.", complaint=texts.model_name
    )
    priority: int = setting(60, "Lower is tried first; left out, the type's own.", least=0, most=1_000_000)
    max_streams: int = setting(100, "Streams on this provider at once.", least=1, most=100_000)
    weight: float = setting(
        1.0, "Share of the requests under the weighted strategy; 0 is tried last.", least=0, most=1_000_000
    )
    enabled: bool = setting(True, "Whether it is used at all.")
    local: bool = setting(False, "Whether it runs on your own machines; left out, true for ollama and mock.")
    keys_env: str = setting(
        "",
        "Environment variable with its keys, comma-separated; <NAME>_FILE names a file instead.",
        complaint=texts.environment_name,
    )
    recovery: ProviderRecovery = setting(
        "",
        "How its answers that break off are gone on with: off, exact, paragraph, summarize; left out, as "
        "[recovery] says.",
    )
    stages: tuple[str, ...] = setting(
        (), "Names of [[stages]] that its answers pass, besides those of [streaming]."
    )
    headers: Mapping[str, str] = setting({}, "Extra request headers; no credentials here.")
    options: Mapping[str, Any] = setting({}, 'For the dialect, such as { api = "v1" } for cohere.')
    #: The effective limits: those of `[limits]`, with what `[providers.limits]` sets instead.
    limits: Limits = Limits()
    #: From the environment alone, never from a file.
    keys: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One provider that serves a public model, and under which name."""

    provider: str = setting("", "Name of a configured provider.", complaint=texts.provider_name)
    model: str = setting(
        "",
        "The provider's name for the model; left out, its default model.",
        complaint=texts.optional_model_name,
    )
    weight: float = setting(
        1.0, "Share of the requests under the weighted strategy; 0 is tried last.", least=0, most=1_000_000
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model name of your own, and the providers behind it."""

    name: str = setting("", "The name callers ask for.", complaint=texts.model_name)
    strategy: Strategy = setting(
        "priority_first", "In which order its routes are tried; left out, as [routing] says."
    )
    fallbacks: tuple[str, ...] = setting(
        (), "Models to ask when every route of this one failed.", complaint=texts.model_name
    )
    larger: str = setting(
        "",
        "Model to ask when a request is too long for this one; empty for none.",
        complaint=texts.optional_model_name,
    )
    routes: tuple[Route, ...] = ()
    #: What `[models.limits]` sets; it tightens the limits of its providers and never loosens them.
    limits: RequestLimits = RequestLimits()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, complete and checked."""

    server: ServerSettings = ServerSettings()
    limits: Limits = Limits()
    routing: RoutingSettings = RoutingSettings()
    health: HealthSettings = HealthSettings()
    breaker: BreakerSettings = BreakerSettings()
    keys: KeySettings = KeySettings()
    retry: RetrySettings = RetrySettings()
    recovery: RecoverySettings = RecoverySettings()
    streaming: StreamingSettings = StreamingSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    logs: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    cors: CorsSettings = CorsSettings()
    auth: AuthSettings = AuthSettings()
    admin: AdminSettings = AdminSettings()
    rate_limits: RateLimitSettings = RateLimitSettings()
    redis: RedisSettings = RedisSettings()
    journal: JournalSettings = JournalSettings()
    providers: tuple[ProviderSettings, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    #: What may be named as a stage.
    stages: tuple[StageSettings, ...] = ()
    #: Who has a key; with nobody here, only this machine may call.
    callers: tuple[CallerSettings, ...] = ()
    #: Nothing is configured; the one provider is the embedded mock.
    demo: bool = False
    #: Worth one log line each at the start, such as a variable that is set and has no effect.
    notes: tuple[str, ...] = ()
    #: Where each setting that is not a default was made, for `render`.
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret, for the redaction of logs."""
        password = self.redis.password
        keys = tuple(key for provider in self.providers for key in provider.keys)
        return (*keys, password) if password else keys
