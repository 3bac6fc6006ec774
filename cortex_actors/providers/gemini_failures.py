"""What only Gemini means by a refusal: it says "too often" and "not today" with one and the same status.

    429 with a violation of a daily quota, or of one that is 0        no waiting helps
    429 that asks for a plan or for credits, and names no delay       no waiting helps
    400 FAILED_PRECONDITION                                           not to be had here, or not for free

Imports:     lenient; errors.
Imported by: gemini.
"""

from __future__ import annotations

from typing import Any

from cortex_actors.errors import QuotaExhausted, UpstreamError, UpstreamFailure
from cortex_actors.providers.lenient import list_in, object_in, text_in


def own_kind(status: int | None, payload: Any) -> type[UpstreamError] | None:
    """The kind of this refusal where Gemini has its own way to say it; without `alt=sse` it is in a list."""
    error = object_in(payload[0] if isinstance(payload, list) and payload else payload, "error")
    if text_in(error, "status") == "FAILED_PRECONDITION":
        return QuotaExhausted if _asks_for_money(error) else UpstreamFailure
    return QuotaExhausted if status == 429 and _is_spent(error) else None


def _is_spent(error: dict[str, Any]) -> bool:
    details = list_in(error, "details")
    violations = [violation for detail in details for violation in list_in(detail, "violations")]
    names_a_delay = any(text_in(detail, "retryDelay") for detail in details)
    if violations:
        return any(_is_daily_or_nothing(violation) for violation in violations)
    return _asks_for_money(error) and not names_a_delay


def _is_daily_or_nothing(violation: Any) -> bool:
    return "PerDay" in text_in(violation, "quotaId") or text_in(violation, "quotaValue") == "0"


def _asks_for_money(error: dict[str, Any]) -> bool:
    message = text_in(error, "message").lower()
    return "billing" in message or "credits" in message
