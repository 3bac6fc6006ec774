"""A secret: a text that is shown only to whoever asks for it by name.

Imports nothing of the package. Adapters call `reveal` when they write a header; everyone else, every log line
and every report sees the mask and a fingerprint, enough to tell two keys apart.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

#: Hex digits of the fingerprint: tells keys apart, gives nothing away about a key with real entropy.
FINGERPRINT_DIGITS = 8


class Secret:
    """A masked text. By design not a dataclass: `dataclasses.asdict` would unfold it into clear text."""

    __slots__ = ("_value", "fingerprint")

    def __init__(self, value: str) -> None:
        self._value = value
        self.fingerprint = sha256(value.encode()).hexdigest()[:FINGERPRINT_DIGITS]

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __str__(self) -> str:
        return f"***{self.fingerprint}"

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)
