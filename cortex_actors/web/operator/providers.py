"""Providers as JSON, with their breakers and keys; of a key its id alone is shown."""

from __future__ import annotations

import time

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.resilience.breaker_states import BreakerView
from cortex_actors.resilience.key_ring import KeyView
from cortex_actors.web.operator.actors import rounded
from cortex_actors.web.payloads import Payload, provider_payload
from cortex_actors.web.responses import timestamp


def provider_detail_payload(view: ProviderView, since: float | None) -> Payload:
    """A provider and what its worker keeps; `since` is when it got its status, in epoch seconds."""
    now = time.monotonic()
    breakers = [(None, view.breakers.provider), *view.breakers.models.items()]
    return provider_payload(view) | {
        "since": None if since is None else timestamp(since),
        "breakers": [_breaker_payload(model, breaker, now) for model, breaker in breakers],
        "keys": [_key_payload(key, now) for key in view.keys.keys],
        "key_strategy": view.keys.strategy,
    }


def _breaker_payload(model: str | None, view: BreakerView, now: float) -> Payload:
    admits = view.admits(now)
    return {
        "model": model,
        "state": view.state,
        "mode": view.mode,
        "admits": admits,
        "retry_in": None if admits or view.retry_at is None else rounded(view.retry_at - now),
        "rate_limited_for": _ahead(view.rate_limited_until, now),
        "calls": view.counts.calls,
        "failures": view.counts.failures,
        "slow": view.counts.slow,
        "openings": view.openings,
    }


def _key_payload(view: KeyView, now: float) -> Payload:
    state = view.state(now)
    return {
        "id": view.id,
        "state": state,
        "resting_for": view.resting_for if state == "resting" else None,
        "back_in": _ahead(view.rested_until, now) if state == "resting" else None,
        "used": view.used,
        "succeeded": view.succeeded,
        "rate_limited": view.rate_limited,
        "last_used_ago": None if view.last_used is None else rounded(now - view.last_used),
    }


def _ahead(moment: float | None, now: float) -> float | None:
    """Seconds until then; None for what is over."""
    return None if moment is None or moment <= now else rounded(moment - now)
