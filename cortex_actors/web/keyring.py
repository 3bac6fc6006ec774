"""The keyring: whose key this is, told from hashes alone, in a time that says nothing.

    Authorization: Bearer KEY     OpenAI's clients, and most others
    x-api-key: KEY                Anthropic's clients

No key itself is configured or kept.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from wsgiref.types import WSGIEnvironment

from cortex_actors.dispatch.permission import Permission
from cortex_actors.errors import Unauthorized
from cortex_actors.rate_limits import Quota
from cortex_actors.settings import CallerSettings, Settings
from cortex_actors.settings.caller_keys import digest_of
from cortex_actors.web.identity import Identity

#: Hex digits that stand for a credential: enough that no two have the same.
_FINGERPRINT = 16


@dataclass(frozen=True, slots=True)
class _Entry:
    """One credential: its hash, whose it is, and until when; in epoch seconds."""

    digest: str
    identity: Identity
    enabled: bool = True
    ends: float = inf


class Keyring:
    """Every credential of the settings."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries = [_of_caller(caller) for caller in settings.callers]
        #: Whether callers have keys, so that nobody is let in without one unless the settings say so.
        self.has_callers = bool(self._entries)
        self.has_admin = bool(settings.admin.token_sha256)
        if self.has_admin:
            self._entries.append(_of_admin(settings.admin.token_sha256))

    def identify(self, key: str) -> Identity | None:
        """Whose key this is; None for a stranger's. Raises Unauthorized when its time is over.

        Every entry is compared, and each in constant time: what it takes does not depend on the key.
        """
        digest = digest_of(key)
        found = None
        for entry in self._entries:
            if hmac.compare_digest(entry.digest, digest):
                found = entry
        if found is None:
            return None
        if not found.enabled:
            raise Unauthorized("This key is switched off.")
        if self._clock() >= found.ends:
            raise Unauthorized("This key has expired.")
        return found.identity


def credentials_of(environ: WSGIEnvironment) -> tuple[str, ...]:
    """The keys that a request shows; a scheme that is not ours is for somebody else, such as a proxy."""
    scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    shown = (bearer if scheme.lower() == "bearer" else "", environ.get("HTTP_X_API_KEY", ""))
    return tuple(filter(None, map(str.strip, shown)))


def _of_caller(caller: CallerSettings) -> _Entry:
    identity = Identity(
        caller.name,
        "key",
        caller.key_sha256[:_FINGERPRINT],
        Permission(frozenset(caller.providers), frozenset(caller.models)),
        operator=caller.operator,
        quota=Quota(caller.requests_per_minute, caller.tokens_per_minute, caller.streams),
    )
    ends = datetime.fromisoformat(caller.expires).timestamp() if caller.expires else inf
    return _Entry(caller.key_sha256, identity, caller.enabled, ends)


def _of_admin(digest: str) -> _Entry:
    return _Entry(digest, Identity("admin", "admin", digest[:_FINGERPRINT], operator=True))
