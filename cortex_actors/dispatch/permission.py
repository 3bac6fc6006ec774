"""Permission: which providers and models a caller may be answered by.

Pure. It is asked about what a name resolves to, candidate by candidate, so that no fallback, no public model
and no default leads around it. A public model that is allowed includes its own routes; its fallbacks and its
larger model are names of their own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permission:
    """What a caller may use; an empty set is everything."""

    providers: frozenset[str] = frozenset()
    #: Names as callers ask for them, as providers know them, or `provider/model`.
    models: frozenset[str] = frozenset()

    def admits_provider(self, provider: str) -> bool:
        """Whether this provider may answer at all."""
        return not self.providers or provider in self.providers

    def admits(self, asked: str, provider: str, model: str) -> bool:
        """Whether this provider may answer with this model, where the caller said `asked`."""
        if not self.admits_provider(provider):
            return False
        return not self.models or not self.models.isdisjoint((asked, model, f"{provider}/{model}"))


EVERYTHING = Permission()
