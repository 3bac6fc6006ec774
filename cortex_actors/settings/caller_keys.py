"""Keys of callers: how one is made, and what is kept of it.

Imports nothing of the package. Keys have 256 bits of chance, so one plain SHA-256 hides them well.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

#: How keys begin, so that a person, or a scanner of leaks, knows one on sight.
PREFIX = "sk-cortex-"

_BYTES = 32


def new_key() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def digest_of(key: str) -> str:
    """The SHA-256 of a key, in hex."""
    return sha256(key.encode(errors="replace")).hexdigest()
