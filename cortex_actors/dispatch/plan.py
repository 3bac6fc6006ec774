"""Which attempt comes next: the class table of `resilience.policy`, applied to the routes of one request.

Pure state, owned by one dispatcher: it neither waits nor reads a clock. It answers with a step, and the
dispatcher takes it.

    Try(route, pause)   make an attempt, after so many seconds
    GiveUp(error)       nothing is left to try; the error is the one to tell the caller

A route that is not admitted (its breaker is open, its keys rest, it is full) costs no attempt; when nothing
else is left, the one that is free again first is waited for, if we have the patience. If all rest for longer
than that, the one that rests least is asked all the same: its rest may be no more than our guess.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from cortex_actors.dispatch.messages import Admission, Route
from cortex_actors.errors import CortexError, NoWorkersAvailable, UpstreamError, UpstreamRateLimited
from cortex_actors.providers.failures import CONTEXT_LENGTH
from cortex_actors.resilience import policy
from cortex_actors.resilience.backoff import Backoff
from cortex_actors.settings import RetrySettings

#: A wait ends a little after the moment it was for, in seconds, so that clocks need not agree to the tick.
_MARGIN = 0.05

#: Classes of failure in the middle of an answer that need not come again.
_WORTH_ANOTHER_TRY = ("server", "silence")


@dataclass(frozen=True, slots=True)
class Try:
    """Make an attempt on this route, after this many seconds."""

    route: Route
    pause: float = 0.0
    #: Nobody else can be asked.
    in_need: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nothing is left to try."""

    error: CortexError


Step = Try | GiveUp


class AttemptPlan:
    """Walks the routes of one request, one attempt at a time."""

    def __init__(
        self,
        routes: Sequence[Route],
        settings: RetrySettings,
        random: Random,
        larger: Sequence[Route] = (),
    ) -> None:
        self._fresh = deque(routes)
        self._larger = tuple(larger)
        self._resting: list[tuple[float, Route]] = []
        #: Routes that could be asked in need; None once that was done.
        self._least_bad: list[tuple[float, Route]] | None = []
        self._settings = settings
        self._patience = policy.Patience(
            Backoff(base=settings.backoff, cap=settings.backoff_max), settings.max_retry_after
        )
        self._random = random
        self._attempts = 0
        self._retries: Counter[Route] = Counter()
        self._failure: CortexError | None = None
        self._refusal: CortexError = NoWorkersAvailable()

    def first(self) -> Step:
        """The first step of all."""
        return self._next_route()

    def not_admitted(self, route: Route, error: CortexError, retry_in: float | None) -> Step:
        """What follows when no attempt could be made on this route; `retry_in` is seconds, None for never."""
        self._refusal = error
        if retry_in is not None and retry_in <= self._settings.max_retry_after:
            self._resting.append((retry_in, route))
        elif retry_in is not None and isinstance(error, UpstreamRateLimited) and self._least_bad is not None:
            self._least_bad.append((retry_in, route))
        return self._next_route()

    def again(self, route: Route, error: CortexError) -> Step:
        """The same route, which failed so, and is to be asked for something else."""
        self._attempts += 1
        return GiveUp(error) if self._attempts >= self._settings.max_attempts else Try(route, _MARGIN)

    def broke_off(self, route: Route, admission: Admission, error: CortexError, *, progressed: bool) -> Step:
        """What follows an attempt that failed in the middle of its answer.

        As before its first content; but where nobody else is left, whoever said something new is asked again:
        half an answer is worth the try.
        """
        step = self.failed(route, admission, error)
        fit = not isinstance(error, UpstreamError) or error.failure_class in _WORTH_ANOTHER_TRY
        left = self._attempts < self._settings.max_attempts
        if not isinstance(step, GiveUp) or not (progressed and fit and left):
            return step
        pause = self._patience.backoff.pause(self._retries[route], self._random)
        self._retries[route] += 1
        return Try(route, pause + _MARGIN)

    def failed_to_go_on(self, route: Route, admission: Admission, error: CortexError) -> Step:
        """What follows an attempt at the rest of an answer that failed before its first content.

        That it refused is the fault of our question, not of the caller's: others may take it.
        """
        step = self.failed(route, admission, error)
        refused = isinstance(error, UpstreamError) and error.failure_class == "caller"
        if isinstance(step, GiveUp) and refused and self._attempts < self._settings.max_attempts:
            return self._next_route()
        return step

    def failed(self, route: Route, admission: Admission, error: CortexError) -> Step:
        """What follows an attempt that failed before its first content."""
        self._failure = error
        self._attempts += 1
        if self._attempts >= self._settings.max_attempts:
            return GiveUp(error)
        if not isinstance(error, UpstreamError):
            return self._next_route()  # a dialect that cannot carry this request, or a bug: another may do
        decision = policy.decide(
            error.failure_class,
            policy.Situation(
                retries=self._retries[route],
                other_key=admission.other_key,
                fallback=bool(self._fresh),
                larger_model=bool(self._larger) and error.upstream_code == CONTEXT_LENGTH,
                retry_after=error.retry_after,
            ),
            self._random,
            self._patience,
        )
        return self._follow(decision, route, error)

    def _follow(self, decision: policy.Decision, route: Route, error: CortexError) -> Step:
        match decision.step:
            case policy.Step.RETRY:
                self._retries[route] += 1
                return Try(route, decision.pause + _MARGIN)
            case policy.Step.NEXT_KEY:
                return Try(route)
            case policy.Step.FAIL_OVER:
                return self._next_route()
            case policy.Step.LARGER_MODEL:
                self._fresh, self._larger = deque(self._larger), ()
                return self._next_route()
            case _:
                return GiveUp(error)

    def _next_route(self) -> Step:
        if self._fresh:
            return Try(self._fresh.popleft())
        if self._resting:
            retry_in, route = min(self._resting, key=lambda entry: entry[0])
            self._resting.clear()
            return Try(route, retry_in + _MARGIN)
        if self._least_bad and not self._attempts:
            _, route = min(self._least_bad, key=lambda entry: entry[0])
            self._least_bad = None
            return Try(route, in_need=True)
        return GiveUp(self._failure or self._refusal)
