"""The witness of a request: who is told of each of its attempts, for the books, while it goes on.

Runs on:   the request's own thread, which it must not keep: no waiting, no I/O.

    begun(attempt, after)      an attempt begins; `after` is the one before it, None for the first
    settled(attempt, record)   it is over

What the caller is told, and what is tried next, is never a witness's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cortex_actors.dispatch.messages import AttemptRecord

if TYPE_CHECKING:
    from cortex_actors.dispatch.attempt import Attempt


class Witness(Protocol):
    """Sees the attempts of one request."""

    def begun(self, attempt: Attempt, after: AttemptRecord | None) -> None:
        """When an attempt has begun."""
        ...

    def settled(self, attempt: Attempt, record: AttemptRecord) -> None:
        """When an attempt is over, and how."""
        ...


class Unwitnessed:
    """Nobody looks."""

    def begun(self, attempt: Attempt, after: AttemptRecord | None) -> None:
        """Nothing is noted."""

    def settled(self, attempt: Attempt, record: AttemptRecord) -> None:
        """Nothing is noted."""


UNWITNESSED = Unwitnessed()
