"""Recovery: how an answer that broke off is gone on with, so that its reader has every word exactly once.

    continuation   the request for the rest: prefill, or a user turn, by one of three strategies
    seam, places   what of the continuation is new
    resume_point   the end of the last whole paragraph or sentence, in any script
    allowance      what of the token limit is left
    evidence       how much a text says: coincidence or repetition

    asked = continuation(request, delivered, "exact", prefill=False)
    seam = Seam(asked)                          # send asked.request, and
    new = seam.feed(text)                       # for each piece of the answer: what to pass on
    rest = seam.finish()                        # when it gave its reason to stop
    seam.state is State.DIVERGED                # it does not fit: ask somebody else, or give up

Pure: no sockets, no threads, no waiting. May import: chat. Imported by: dispatch, coordinator.
"""

from cortex_actors.chat import RecoveryStrategy as Strategy
from cortex_actors.streaming.recovery.allowance import LEAST_TOKENS, allowance, estimated_tokens
from cortex_actors.streaming.recovery.continuation import (
    Continuation,
    Manner,
    continuation,
    is_plain_text,
)
from cortex_actors.streaming.recovery.resume_point import resume_point
from cortex_actors.streaming.recovery.seam import Seam, State

__all__ = [
    "LEAST_TOKENS",
    "Continuation",
    "Manner",
    "Seam",
    "State",
    "Strategy",
    "allowance",
    "continuation",
    "estimated_tokens",
    "is_plain_text",
    "resume_point",
]
