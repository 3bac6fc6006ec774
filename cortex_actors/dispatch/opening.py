"""The opening of a request, and its way on: routes, attempts and pauses, up to the first content of one.

    routes -> Try(route, pause) -> an attempt -> its first content
                 ^                     |
                 +---- its failure ----+----> nothing left to try: Over, with the error to tell

Runs on:   the request's own thread, as a part of its dispatcher.
Sends:     SelectRoutes to the router; what the attempts send.

Only here may an attempt fail and another begin. What comes before the content of an attempt is held, and
forgotten with it, so nothing of a failed attempt is in the answer. An answer that breaks off goes on here
too: the same plan gives the next route, and `recovery` what to ask there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random

from cortex_actors.chat import (
    AnswerEvent,
    ChatRequest,
    EmbeddingsRequest,
    RequestLimits,
    Usage,
)
from cortex_actors.dispatch.attempt import Attempt
from cortex_actors.dispatch.attempts import Attempts, NotBegun
from cortex_actors.dispatch.ends import Over, end_name
from cortex_actors.dispatch.inbox import TICK, Inbox
from cortex_actors.dispatch.limits import stream_limits
from cortex_actors.dispatch.messages import (
    AttemptFailed,
    AttemptFinished,
    ChunksArrived,
    Routes,
    SelectRoutes,
)
from cortex_actors.dispatch.permission import Permission
from cortex_actors.dispatch.plan import AttemptPlan, GiveUp, Step, Try
from cortex_actors.dispatch.recovery import Recovery
from cortex_actors.dispatch.switchboard import Switchboard
from cortex_actors.errors import CortexError, MalformedStream, UpstreamTimeout
from cortex_actors.settings import Settings

#: Events without content that are held for one attempt; no provider sends a hundredth of it.
_MOST_HELD = 10_000

#: Attempts under way: it yields when the caller should be given a sign of life, and gives what one of them
#: said up to its first content.
Way = Generator[None, None, tuple[AnswerEvent, ...]]


class Opening:
    """The way of one request to its first content."""

    def __init__(
        self,
        switchboard: Switchboard,
        settings: Settings,
        request: ChatRequest | EmbeddingsRequest,
        permission: Permission,
        attempts: Attempts,
        inbox: Inbox,
        recovery: Recovery,
        tick_at: Callable[[], float],
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        self._switchboard = switchboard
        self._settings = settings
        self._request = request
        self._permission = permission
        self._attempts = attempts
        self._inbox = inbox
        self._recovery = recovery
        #: When the caller is due a sign of life.
        self._tick_at = tick_at
        self._clock = clock
        self._random = random
        self._tighter: tuple[RequestLimits, ...] = (request.limits,)
        self._held: list[AnswerEvent] = []
        self._plan: AttemptPlan | None = None

    def reach_content(self) -> Way:
        """Attempts up to the first content of one. Raises Over when there is no answer."""
        routes = self._routes()
        self._plan = AttemptPlan(routes.routes, self._settings.retry, self._random, routes.larger)
        return (yield from self._follow(self._plan.first()))

    def go_on(self, attempt: Attempt, error: CortexError, *, progressed: bool, otherwise: bool) -> Way:
        """Attempts at the rest of an answer that broke off, up to the first content of one.

        `progressed` says that this attempt had given something new; `otherwise`, that its route is worth
        another try, since it will be asked for something else.
        """
        plan, route = self._plan, attempt.route
        assert plan is not None
        if otherwise:
            step = plan.again(route, error)
        else:
            step = plan.broke_off(route, attempt.admission, error, progressed=progressed)
        return (yield from self._follow(step))

    def _follow(self, step: Step | None) -> Way:
        while step is not None:
            if isinstance(step, GiveUp):
                raise Over(end_name(step.error), step.error)
            if step.pause:
                yield from self._hear(None, self._clock() + step.pause)
            step = yield from self._try(step)
        return tuple(self._held)

    def _hear(self, attempt: Attempt | None, deadline: float) -> Generator[None, None, object | None]:
        """The next message, or None at the deadline; meanwhile the caller is given signs of life."""
        while (message := self._inbox.next(attempt, deadline, self._tick_at())) is TICK:
            yield
        return message

    def _routes(self) -> Routes:
        request = self._request
        asked = SelectRoutes(request.model, request.provider, self._permission, request.fallbacks)
        try:
            routes = self._switchboard.select(asked)
        except CortexError as error:
            raise Over(end_name(error), error) from error
        self._tighter = (routes.limits, self._request.limits)
        self._inbox.total = stream_limits(self._settings.limits, *self._tighter).total
        return routes

    def _try(self, chosen: Try) -> Generator[None, None, Step | None]:
        """One attempt up to its first content; None when that is in hand, else what to do next."""
        plan, recovery, route = self._plan, self._recovery, chosen.route
        assert plan is not None
        attempt = self._attempts.begin(route, self._tighter, in_need=chosen.in_need)
        if isinstance(attempt, NotBegun):
            return plan.not_admitted(route, attempt.error, attempt.retry_in)
        self._held.clear()
        attempt.goes_on, attempt.shows_text = recovery.going_on, recovery.shows_text
        failure = yield from self._await_content(attempt)
        if failure is None:
            recovery.answered_by(attempt.provider)
            return None
        self._attempts.settle(failure)
        if not recovery.going_on:
            return plan.failed(route, attempt.admission, failure)
        if recovery.refused_prefill(attempt, failure):
            return plan.again(route, failure)
        recovery.attempt_failed(attempt, failure)
        if recovery.exhausted:
            return GiveUp(failure)
        return plan.failed_to_go_on(route, attempt.admission, failure)

    def _await_content(self, attempt: Attempt) -> Generator[None, None, CortexError | None]:
        """Waits until there is content; the error, when the attempt ends before that."""
        limit, name = attempt.limits.first_token, attempt.provider.name
        while True:
            message = yield from self._hear(attempt, attempt.started + limit)
            if isinstance(message, ChunksArrived):
                self._hold(message.events)
                attempt.window.take(message.size)
                if attempt.note(message.events, self._clock()):
                    if attempt.admission.permit.is_probe:
                        self._attempts.tell_first_token(attempt)
                    return None
                if attempt.whole:
                    return None
                if len(self._held) > _MOST_HELD:
                    return MalformedStream("The provider says much without content.", provider=name)
            elif isinstance(message, AttemptFailed):
                return message.error
            elif isinstance(message, AttemptFinished):
                said_nothing = "The provider ended its answer without saying anything."
                return MalformedStream(said_nothing, provider=name)
            else:
                return UpstreamTimeout("first_token", limit, provider=name)

    def _hold(self, events: tuple[AnswerEvent, ...]) -> None:
        """Keeps what comes before the first content; of token counts, which some repeat, the last alone.

        By design outside of the window: a provider that had to wait for room could not get to its content.
        """
        if any(isinstance(event, Usage) for event in events):
            self._held = [event for event in self._held if not isinstance(event, Usage)]
        self._held += events
