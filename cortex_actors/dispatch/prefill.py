"""What was learned about a provider's models: which of them refuse a trailing assistant message.

    may_try(model)     whether nobody has refused it yet
    refused(model)     it has, and is asked in a user turn from now on

Runs on:   any thread; it is kept as long as its provider is.
"""

from __future__ import annotations

#: Models that are remembered; callers may name any, so the oldest is forgotten for a new one.
_MOST_MODELS = 256


class PrefillMemory:
    """The models of one provider that refused."""

    def __init__(self) -> None:
        self._refused: dict[str, None] = {}

    def may_try(self, model: str) -> bool:
        """Whether this model may still turn out to continue an assistant message."""
        return model not in self._refused

    def refused(self, model: str) -> None:
        """Remembers a refusal."""
        self._refused[model] = None
        if len(self._refused) > _MOST_MODELS:
            self._refused.pop(next(iter(self._refused)), None)
