"""Owners: a stream belongs to the credential that opened it, known by its fingerprint."""

from __future__ import annotations

import hmac


def same_owner(one: str, other: str) -> bool:
    """Whether two fingerprints are of the same credential; it takes as long if they are not."""
    return hmac.compare_digest(one.encode(), other.encode())
