"""What a caller is told when a provider takes no attempt: one table, for the dispatcher alone."""

from __future__ import annotations

from cortex_actors.dispatch.messages import NotAdmitted
from cortex_actors.errors import CortexError, NoWorkersAvailable, UpstreamRateLimited

_SENTENCES = {
    "breaker_open": "{provider} failed too often and is left alone for a while.",
    "no_key": "{provider} has no usable key.",
    "draining": "{provider} takes no new requests.",
}


def refusal(answer: NotAdmitted, provider: str) -> CortexError:
    """The error that stands for this answer; it carries when to come again, where that is known."""
    if answer.reason == "rate_limited":
        return UpstreamRateLimited(
            f"{provider} asked us to wait.", provider=provider, retry_after=answer.retry_in
        )
    return NoWorkersAvailable(
        _SENTENCES[answer.reason].format(provider=provider),
        retry_after=5.0 if answer.retry_in is None else answer.retry_in,
    )
