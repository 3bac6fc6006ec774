"""The answers to health questions, as values: what the web renders, and nothing that has to be asked for.

Runs on:   any thread; immutable.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.dispatch.health import OverallStatus
from cortex_actors.dispatch.messages import ProviderView


@dataclass(frozen=True, slots=True)
class HealthView:
    """What GET /api/health tells; `since` is when each provider got its status, in epoch seconds."""

    status: OverallStatus
    providers: tuple[ProviderView, ...]
    since: dict[str, float]
    uptime: float

    @property
    def http_status(self) -> int:
        """200 while somebody can be asked, else 503."""
        return 200 if self.status in ("healthy", "degraded") else 503


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer to a liveness or readiness probe."""

    ok: bool
    reasons: tuple[str, ...] = ()
    #: What an operator should know, and is no reason to send nothing here.
    notes: tuple[str, ...] = ()
