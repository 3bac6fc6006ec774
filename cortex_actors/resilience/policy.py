"""What follows a failed attempt, decided by the class of the failure and by nothing else.

`RULES` is the whole policy. A rule names the steps that may follow, in order of preference; `decide` takes
the first one that is possible in the situation at hand. It speaks of attempts that delivered nothing to the
caller: after the first byte only recovery may go on.

May import: errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Literal

from cortex_actors.errors import FailureClass
from cortex_actors.resilience.backoff import Backoff


class Step(StrEnum):
    """What to do after a failed attempt."""

    RETRY = "retry"
    NEXT_KEY = "next_key"
    FAIL_OVER = "fail_over"
    #: Fail over, but only to a model with a larger context.
    LARGER_MODEL = "larger_model"
    GIVE_UP = "give_up"


#: What becomes of the key that was used.
KeyFate = Literal["keep", "rest", "rest_for_money", "disable"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one class of failure means."""

    #: What may follow, best first; empty means that the caller gets the failure itself.
    steps: tuple[Step, ...]
    #: How often one request may RETRY on the same provider.
    retries: int
    counts_against_breaker: bool
    key: KeyFate


# By design: a rate limit fails over before it waits (nobody should wait while another provider can answer),
# a server error retries first (most are gone a moment later, and the caller asked for this model).
RULES: Mapping[FailureClass, Rule] = {
    # class               steps, best first                                retries  breaker  the key
    "caller":        Rule((Step.LARGER_MODEL,),                                  0, False, "keep"),
    "model_missing": Rule((Step.FAIL_OVER,),                                     0, False, "keep"),
    "key":           Rule((Step.NEXT_KEY, Step.FAIL_OVER),                       0, False, "disable"),
    "money":         Rule((Step.NEXT_KEY, Step.FAIL_OVER),                       0, False, "rest_for_money"),
    "rate_limit":    Rule((Step.NEXT_KEY, Step.FAIL_OVER, Step.RETRY),           2, False, "rest"),
    "server":        Rule((Step.RETRY, Step.FAIL_OVER),                          1, True,  "keep"),
    "silence":       Rule((Step.FAIL_OVER,),                                     0, True,  "keep"),
    "cancelled":     Rule((),                                                    0, False, "keep"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """What is left to try for a request whose attempt has just failed."""

    #: RETRY steps already taken on this provider for this request.
    retries: int = 0
    other_key: bool = False
    fallback: bool = False
    #: The request was too long, and a model with a larger context is configured.
    larger_model: bool = False
    #: Seconds the provider asked us to wait.
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may wait for the same provider."""

    backoff: Backoff = field(default_factory=Backoff)
    #: A longer Retry-After is not waited for, in seconds.
    longest_wait: float = 5.0


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, and the seconds to pause before it (0 unless the step is RETRY)."""

    step: Step
    pause: float = 0.0


def decide(
    failure_class: FailureClass, situation: Situation, random: Random, patience: Patience = DEFAULT_PATIENCE
) -> Decision:
    """The first step of the class's rule that this situation allows."""
    rule = RULES[failure_class]
    retry_after = situation.retry_after
    possible = {
        Step.RETRY: situation.retries < rule.retries
        and (retry_after is None or retry_after <= patience.longest_wait),
        Step.NEXT_KEY: situation.other_key,
        Step.FAIL_OVER: situation.fallback,
        Step.LARGER_MODEL: situation.larger_model,
    }
    step = next((step for step in rule.steps if possible[step]), Step.GIVE_UP)
    if step is not Step.RETRY:
        return Decision(step)
    return Decision(step, patience.backoff.pause(situation.retries, random, retry_after))
