"""What the wall saw: one entry for each request, as it keeps them and as it shows them at `/_wall/log`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

#: Between the name of a behaviour and the mark that tells one request's attempts from another's.
MARK = "+"


@dataclass(slots=True)
class Entry:
    """One request at the wall; times are epoch seconds."""

    number: int
    #: As the request named it, with its mark.
    model: str
    time: float
    #: The fingerprint of the key it came with; None for none.
    key: str | None = None
    #: None when no status was ever sent.
    status: int | None = None
    #: When the caller hung up before its answer was over; None when it did not.
    closed_by_peer_at: float | None = None
    #: Bytes of the answer that the caller's side took.
    bytes: int = 0

    @property
    def behaviour(self) -> str:
        """The model without its mark."""
        return self.model.partition(MARK)[0]

    @property
    def mark(self) -> str:
        """What follows the behaviour in the model's name."""
        return self.model.partition(MARK)[2]

    def payload(self) -> dict[str, Any]:
        """The entry as JSON."""
        return asdict(self)


def entry(payload: Mapping[str, Any], skew: float = 0.0) -> Entry:
    """An entry out of its JSON; `skew` is how many seconds the wall's clock is ahead of ours."""
    found = Entry(**payload)
    found.time -= skew
    if found.closed_by_peer_at is not None:
        found.closed_by_peer_at -= skew
    return found


def fingerprint(key: str) -> str:
    """Enough to tell two keys apart, and the same that the gateway shows."""
    return sha256(key.encode()).hexdigest()[:8]
