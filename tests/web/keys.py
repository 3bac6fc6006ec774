"""Keys of callers, as tests of the front end use them."""

from __future__ import annotations

from typing import Any

from cortex_actors.settings import AdminSettings, CallerSettings, Settings
from cortex_actors.settings.caller_keys import digest_of

ALICE = "sk-cortex-alice-0123456789abcdef0123456789abcdef"
OPERATOR = "sk-cortex-operator-0123456789abcdef0123456789ab"
ADMIN = "sk-cortex-admin-0123456789abcdef0123456789abcdef"


def caller(name: str, key: str, **changes: Any) -> CallerSettings:
    """A caller with this key."""
    return CallerSettings(name=name, key_sha256=digest_of(key), **changes)


def with_keys(**changes: Any) -> Settings:
    """Settings under which Alice has a key, an operator has one, and there is an admin token."""
    return Settings(
        callers=(caller("alice", ALICE), caller("ops", OPERATOR, operator=True)),
        admin=AdminSettings(token_sha256=digest_of(ADMIN)),
        **changes,
    )


def bearer(key: str) -> dict[str, str]:
    """The header of most clients."""
    return {"Authorization": f"Bearer {key}"}
