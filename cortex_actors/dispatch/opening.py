"""The opening of a request: routes, attempts and pauses, up to the first content of one answer.

    routes -> Try(route, pause) -> an attempt -> its first content
                 ^                     |
                 +---- its failure ----+----> nothing left to try: Over, with the error to tell

Runs on:   the request's own thread, as a part of its dispatcher.
Sends:     SelectRoutes to the router; what the attempts send.

Only here may an attempt fail and another begin. What comes before the content of an attempt is held, and
forgotten with it, so nothing of a failed attempt is in the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from cortex_actors.chat import (
    AnswerEvent,
    ChatRequest,
    EmbeddingsRequest,
    FinishReason,
    RequestLimits,
    Usage,
)
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.attempts import Attempts, NotBegun
from cortex_actors.dispatch.ends import Over, end_name
from cortex_actors.dispatch.inbox import Inbox
from cortex_actors.dispatch.limits import stream_limits
from cortex_actors.dispatch.messages import (
    AttemptFailed,
    AttemptFinished,
    ChunksArrived,
    Routes,
    SelectRoutes,
)
from cortex_actors.dispatch.plan import AttemptPlan, GiveUp, Step, Try
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import CortexError, MalformedStream, UpstreamTimeout
from cortex_actors.settings import Settings

#: Events without content that are held for one attempt; no provider sends a hundredth of it.
_MOST_HELD = 10_000


class Opening:
    """The way of one request to its first content."""

    def __init__(
        self,
        switchboard: Switchboard,
        settings: Settings,
        request: ChatRequest | EmbeddingsRequest,
        attempts: Attempts,
        inbox: Inbox,
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        self._switchboard = switchboard
        self._settings = settings
        self._request = request
        self._attempts = attempts
        self._inbox = inbox
        self._clock = clock
        self._random = random
        self._tighter: tuple[RequestLimits, ...] = (request.limits,)
        self._held: list[AnswerEvent] = []

    def reach_content(self) -> tuple[AnswerEvent, ...]:
        """What the answering provider said up to its first content. Raises Over when there is no answer."""
        routes = self._routes()
        plan = AttemptPlan(routes.routes, self._settings.retry, self._random, routes.larger)
        step: Step | None = plan.first()
        while step is not None:
            if isinstance(step, GiveUp):
                raise Over(end_name(step.error), step.error)
            if step.pause:
                self._inbox.next(None, self._clock() + step.pause)
            step = self._try(step, plan)
        return tuple(self._held)

    def _routes(self) -> Routes:
        asked = SelectRoutes(self._request.model, self._request.provider, self._request.fallbacks)
        try:
            routes = self._switchboard.select(asked)
        except CortexError as error:
            raise Over(end_name(error), error) from error
        self._tighter = (routes.limits, self._request.limits)
        self._inbox.total = stream_limits(self._settings.limits, *self._tighter).total
        return routes

    def _try(self, chosen: Try, plan: AttemptPlan) -> Step | None:
        """One attempt up to its first content; None when that is in hand, else what to do next."""
        route = chosen.route
        attempt = self._attempts.begin(route, self._tighter, in_need=chosen.in_need)
        if isinstance(attempt, NotBegun):
            return plan.not_admitted(route, attempt.error, attempt.retry_in)
        self._held.clear()
        failure = self._await_content(attempt)
        if failure is None:
            return None
        self._attempts.settle(failure)
        return plan.failed(route, attempt.admission, failure)

    def _await_content(self, attempt: Attempt) -> CortexError | None:
        """Waits until there is content; the error, when the attempt ends before that."""
        limit, name = attempt.limits.first_token, attempt.provider.name
        while True:
            message = self._inbox.next(attempt, attempt.started + limit)
            if isinstance(message, ChunksArrived):
                self._hold(message.events)
                attempt.window.take(message.size)
                if attempt.note(message.events, self._clock()):
                    if attempt.admission.permit.is_probe:
                        self._attempts.tell_first_token(attempt)
                    return None
                if len(self._held) > _MOST_HELD:
                    return MalformedStream("The provider says much without content.", provider=name)
            elif isinstance(message, AttemptFailed):
                return message.error
            elif isinstance(message, AttemptFinished):
                if attempt.finish is not FinishReason.CONTENT_FILTER:
                    said_nothing = "The provider ended its answer without saying anything."
                    return MalformedStream(said_nothing, provider=name)
                self._inbox.put_back(message)
                return None  # a model's refusal is an answer, and nobody else is asked
            else:
                return UpstreamTimeout("first_token", limit, provider=name)

    def _hold(self, events: tuple[AnswerEvent, ...]) -> None:
        """Keeps what comes before the first content; of token counts, which some repeat, the last alone.

        By design outside of the window: a provider that had to wait for room could not get to its content.
        """
        if any(isinstance(event, Usage) for event in events):
            self._held = [event for event in self._held if not isinstance(event, Usage)]
        self._held += events
