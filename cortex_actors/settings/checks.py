"""Checks between keys: what must not be longer than what contains it.

Imports:  given, mistakes.
Imported by: provider_list, public_models, loading.
"""

from __future__ import annotations

from collections.abc import Mapping

from cortex_actors.settings.given import Given
from cortex_actors.settings.mistakes import Mistakes

#: Section -> (inner key, whether it must stay strictly below, outer key).
ORDER: Mapping[str, tuple[tuple[str, bool, str], ...]] = {
    "limits": (("connect", True, "first_token"), ("first_token", False, "total"), ("idle", False, "total")),
    "breaker": (("open_for", False, "open_max"),),
    "retry": (("backoff", False, "backoff_max"),),
    "supervision": (("backoff_min", False, "backoff_max"),),
}


def check_order(
    section: str, value: object, given: Mapping[str, Given], where: str, label: str, mistakes: Mistakes
) -> None:
    """Notes every inner setting of a section that is too long for its outer one, where either was written."""
    for inner, strictly, outer in ORDER.get(section, ()):
        short, long = getattr(value, inner), getattr(value, outer)
        if short < long or (short == long and not strictly):
            continue
        place = given.get(inner) or given.get(outer)
        limit = "below" if strictly else "at most"
        mistakes.add(
            place.where if place else where,
            f"{label}.{inner} ({short:g} s) must be {limit} {label}.{outer} ({long:g} s)",
        )
