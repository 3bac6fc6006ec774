"""The plain sections, from `router_settings` and `litellm_settings`; where both speak, the router is right.

Imports:  fields, limits.
Imported by: litellm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cortex_actors.migration.fields import Fields
from cortex_actors.migration.limits import limits_within
from cortex_actors.settings import BreakerSettings, Limits, RetrySettings, Strategy
from cortex_actors.settings.keys import LONGEST_WAIT

#: What is meant when the file says nothing.
_USUAL_STRATEGY = "simple-shuffle"
_STRATEGIES: Mapping[str, Strategy] = {
    _USUAL_STRATEGY: "random",
    "least-busy": "least_used",
    "latency-based-routing": "fastest",
}
_NEAREST: Mapping[str, Strategy] = {
    "usage-based-routing": "least_used",
    "usage-based-routing-v2": "least_used",
}

Section = dict[str, Any]


def strategy(router: Fields) -> Strategy:
    """The strategy of [routing]."""
    name = router.text("routing_strategy") or _USUAL_STRATEGY
    if name in _STRATEGIES:
        return _STRATEGIES[name]
    found = _NEAREST.get(name, "random")
    router.refuse("routing_strategy", f"there is no such strategy here; the nearest is {found}")
    return found


def limits(router: Fields, library: Fields) -> Section:
    """[limits]"""
    total = _first(router.seconds("timeout", LONGEST_WAIT), library.seconds("request_timeout", LONGEST_WAIT))
    first_token = _first(
        router.seconds("stream_timeout", LONGEST_WAIT), library.seconds("stream_timeout", LONGEST_WAIT)
    )
    return dict(limits_within(total, first_token, Limits()))


def retry(router: Fields, library: Fields, longest_chain: int) -> Section:
    """[retry]: LiteLLM counts retries of one model, we count attempts for one request."""
    section: Section = {}
    retries = _first(router.whole("num_retries", most=99), library.whole("num_retries", most=99))
    if retries is not None:
        section["max_attempts"] = min(int(retries + 1) * longest_chain, 100)
    pause = router.number("retry_after", most=LONGEST_WAIT)
    if pause:
        section["backoff"] = pause
        section["backoff_max"] = max(pause, RetrySettings().backoff_max)
    return section


def breaker(router: Fields, library: Fields) -> Section:
    """[breaker]"""
    cooldown = _first(
        router.seconds("cooldown_time", LONGEST_WAIT), library.seconds("cooldown_time", LONGEST_WAIT)
    )
    if cooldown is None:
        return {}
    return {"open_for": cooldown, "open_max": max(cooldown, BreakerSettings().open_max)}


def logs(library: Fields) -> Section:
    """[logs]"""
    section: Section = {}
    if library.raw("json_logs") is True:
        section["format"] = "json"
    if library.raw("set_verbose") is True:
        section["level"] = "debug"
    return section


def _first(*numbers: float | None) -> float | None:
    return next((number for number in numbers if number is not None), None)
