"""Who may call, and how much: the sections about callers, a frozen dataclass each.

Imports:  keys, secret, texts.
Imported by: model, callers, and through `cortex_actors.settings` by every layer above.

A key of a caller is never here, only its SHA-256: `cortex keys new` makes both.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.settings import texts
from cortex_actors.settings.keys import seconds, setting
from cortex_actors.settings.secret import Secret

_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Whether callers need a key. [[callers]] lists who has one; with none, only this machine may call."""

    allow_anonymous: bool = setting(
        False, "Whether callers without a key are served, also from other machines; wrong keys never are."
    )
    public_metrics: bool = setting(
        False, "Whether /metrics needs no key of an operator where callers have keys."
    )


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """What /api/admin wants: a token of its own. CORTEX_ADMIN__TOKEN in the environment may hold it too."""

    token_sha256: str = setting(
        "",
        "SHA-256 of the token, in hex; `cortex keys new --admin` makes both. Empty: nobody is let in.",
        complaint=texts.optional_sha256,
    )


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """How much one caller may ask for: each key has these limits, and each address without a key."""

    requests_per_minute: int = setting(60, "Requests in any minute; 0 for no limit.", least=0, most=_MOST)
    tokens_per_minute: int = setting(
        0, "Tokens of questions and answers in a minute; 0 for no limit.", least=0, most=_MOST
    )
    streams: int = setting(0, "Requests at once, at each instance; 0 for no limit.", least=0, most=100_000)
    local: bool = setting(
        False, "Whether they hold for callers without a key from this machine too, with no proxy between."
    )


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """What instances share; without it each counts for itself. Its password is in CORTEX_REDIS__PASSWORD."""

    url: str = setting(
        "", "Such as redis://10.0.0.7:6379/0; empty for none.", complaint=texts.optional_redis_url
    )
    timeout: float = seconds(
        0.025, "Longest that a request waits for it; then, and until it is back, memory is used instead."
    )
    retry_every: float = seconds(1.0, "Time between two looks at whether it is back.")
    #: From the environment alone, never from a file.
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class CallerSettings:
    """One caller with a key of its own."""

    name: str = setting("", "Your name for it: a-z 0-9 _ . -, at most 64.", complaint=texts.provider_name)
    key_sha256: str = setting(
        "", "SHA-256 of its key, in hex; `cortex keys new` makes both.", complaint=texts.sha256
    )
    enabled: bool = setting(True, "Whether it is let in.")
    expires: str = setting(
        "", 'When its key ends, such as "2027-01-31T00:00:00Z"; empty for never.', complaint=texts.moment
    )
    providers: tuple[str, ...] = setting(
        (), "Providers that may answer it; empty for all.", complaint=texts.provider_name
    )
    models: tuple[str, ...] = setting(
        (),
        "Models it may have: public names, or those of providers; empty for all.",
        complaint=texts.model_name,
    )
    operator: bool = setting(False, "Whether it may look inside: actors, streams, events, metrics.")
    requests_per_minute: int = setting(
        60, "Left out, as [rate_limits] says, like the two after it.", least=0, most=_MOST
    )
    tokens_per_minute: int = setting(0, "See there.", least=0, most=_MOST)
    streams: int = setting(0, "See there.", least=0, most=100_000)
