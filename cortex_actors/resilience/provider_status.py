"""One word for people about a provider, derived from its breakers, its keys and the last thing it did.

Nothing is stored under this word and nothing is decided by it: what may be tried is the breakers' and the
key ring's to say. It is a function of the time too, so a view that is a minute old still tells the truth.

May import: breaker_board, breaker_states, key_ring, errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cortex_actors.errors import FailureClass
from cortex_actors.resilience.breaker_board import BoardView
from cortex_actors.resilience.breaker_states import BreakerState
from cortex_actors.resilience.key_ring import RingView

ProviderStatus = Literal["available", "degraded", "unavailable", "rate_limited", "quota_exceeded", "unknown"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The last thing a provider did: an attempt of a caller, or the answer to a free health check."""

    source: Literal["attempt", "check"]
    #: None when it went well. What was cancelled is no evidence: the one before it stays.
    failure_class: FailureClass | None


#: What a failed health check says. An attempt that failed like this says only "degraded", for breakers and
#: keys know the rest; any other failure is the caller's own, from a provider that is well enough to tell.
_FAILED_CHECK: Mapping[FailureClass, ProviderStatus] = {
    "key": "unavailable",
    "money": "quota_exceeded",
    "rate_limit": "rate_limited",
    "server": "unavailable",
    "silence": "unavailable",
}


def provider_status(
    board: BoardView, ring: RingView, evidence: Evidence | None, now: float
) -> ProviderStatus:
    """The first of these that has something to say: the keys, the breakers, the last evidence."""
    return _by_keys(ring, now) or _by_breakers(board, now) or _by_evidence(evidence)


def _by_keys(ring: RingView, now: float) -> ProviderStatus | None:
    if ring.is_ready(now):
        return None
    reasons = {key.resting_for for key in ring.keys if not key.disabled}
    if not reasons:
        return "unavailable"
    return "rate_limited" if "rate_limit" in reasons else "quota_exceeded"


def _by_breakers(board: BoardView, now: float) -> ProviderStatus | None:
    if board.provider.is_shut(now):
        return "unavailable"
    models = tuple(board.models.values())
    shut = [model for model in models if model.is_shut(now)]
    limited = [model for model in models if model.is_rate_limited(now) and not model.is_shut(now)]
    if models and len(shut) + len(limited) == len(models):
        return "rate_limited" if limited else "unavailable"
    if limited or any(view.state is not BreakerState.CLOSED for view in (board.provider, *models)):
        return "degraded"
    return None


def _by_evidence(evidence: Evidence | None) -> ProviderStatus:
    if evidence is None:
        return "unknown"
    if evidence.failure_class is None or evidence.failure_class not in _FAILED_CHECK:
        return "available"
    return _FAILED_CHECK[evidence.failure_class] if evidence.source == "check" else "degraded"
