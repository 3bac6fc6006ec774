"""The supervisor: starts its children in order, restarts them by its strategy, stops them in reverse.

Runs on:   its own thread. A handler waits at most for the start and shutdown limits of its children; a
           restart that must wait, or that failed, comes back as a timer, so that it keeps answering.
Receives:  Exit from its children, TryAgain from itself, WhichChildren ... GetChildSpec and ReplaceChild from
           operators.
Sends:     Shutdown and Kill to its children; Exit to its own supervisor when its restart intensity is spent.

OTP's semantics, with two differences by design: children stopped by an operator stay stopped when their
group is restarted, and a back-off may delay a restart. However a supervisor ends, it takes its children
along; when a successor will come (`restarting`), what lives in a roster below it is spared.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from pykka import ActorRef

from cortex_actors.otp import messages
from cortex_actors.otp.actor import call
from cortex_actors.otp.administration import OPERATOR_MESSAGES, Administration, ChildCount, ChildInfo
from cortex_actors.otp.backoff import Backoff
from cortex_actors.otp.base_actor import Actor
from cortex_actors.otp.child_spec import AutoShutdown, ChildSpec, check_child_specs, check_flags
from cortex_actors.otp.children import Child, Children
from cortex_actors.otp.errors import ChildRefused, InvalidSpecs, StartError
from cortex_actors.otp.household import Household
from cortex_actors.otp.intensity import RestartIntensity
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.reasons import (
    REACHED_MAX_RESTART_INTENSITY,
    RESTARTING,
    SHUTDOWN,
    ExitKind,
    ExitReason,
    crashed,
)
from cortex_actors.otp.strategies import STRATEGIES, Strategy
from cortex_actors.otp.tree import SupervisorView

logger = logging.getLogger(__name__)

#: Seconds an operator's question may take.
_QUESTION = 5.0
#: Seconds an operator's order may take; it includes starting or stopping a child.
_ORDER = 30.0
#: Seconds a child that is to be replaced has to end by itself, where its spec would wait for ever.
_IMPATIENCE = 5.0


class Supervisor(Actor):
    """An actor whose work is that others work."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        strategy: Strategy = "one_for_one",
        max_restarts: int | None = 3,
        max_seconds: float = 5.0,
        backoff: Backoff | None = None,
        auto_shutdown: AutoShutdown = "never",
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        super().__init__()
        mistakes = check_child_specs(specs, auto_shutdown) + check_flags(
            strategy, max_restarts, max_seconds, backoff, auto_shutdown
        )
        if mistakes:
            raise InvalidSpecs(mistakes)
        self._strategy = strategy
        self._intensity = RestartIntensity(max_restarts, max_seconds)
        self._backoff = backoff
        self._auto_shutdown = auto_shutdown
        self._clock = clock
        self._random = random or Random()
        self._children = Children(self.incarnation, clock)
        self._administration = Administration(self._children, auto_shutdown)
        for spec in specs:
            self._children.add(spec)

    def init(self) -> None:
        """Starts the children in order; when one fails, stops those before it in reverse."""
        if self.incarnation.household is None:
            self.incarnation.household = Household()
        self.incarnation.view = self._view
        for child in self._children:
            try:
                self._children.start(child)
            except StartError as error:
                # Whether it will be tried again, our own supervisor knows; it ends what survives if not.
                self._stop_all(SHUTDOWN if self.incarnation.link is None else RESTARTING)
                raise StartError(f"failed_to_start_child {child.spec.id!r}: {error}") from error

    def handle(self, message: Any) -> Any:
        """Obeys children and operators."""
        match message:
            case messages.Exit():
                return self._child_left(message)
            case messages.TryAgain():
                return self._try_again(message)
            case messages.TerminateChild():
                return self._terminate_child(message.id)
            case messages.ReplaceChild():
                return self._replace_child(message.id)
        if isinstance(message, OPERATOR_MESSAGES):
            return self._administration.answer(message)
        return self.unexpected(message)

    def terminate(self, reason: ExitReason) -> None:
        """Takes all children along, the last started first."""
        returns = reason.abnormal or reason.restarting or reason == REACHED_MAX_RESTART_INTENSITY
        self._stop_all(RESTARTING if returns and self.incarnation.link is not None else SHUTDOWN)

    # A child left

    def _child_left(self, exit_: messages.Exit) -> None:
        child = self._children.leaver(exit_)
        if child is None:
            return  # Stale: we stopped that incarnation ourselves.
        logger.log(
            logging.WARNING if exit_.reason.abnormal else logging.INFO,
            "%s: child %s (generation %d) ended: %s",
            *(self.name, exit_.name, exit_.generation, exit_.reason),
        )
        self._tell(LifeEvent("ended", exit_.name, exit_.generation, exit_.reason))
        self._children.left(child, exit_.reason)
        if child.spec.restart == "permanent" or (child.spec.restart == "transient" and exit_.reason.abnormal):
            if self._backoff is not None and self._clock() - child.started_at >= self._backoff.reset_after:
                child.failures = 0
            self._recover(child, at_once=True)
        else:
            self._let_go(child)

    def _let_go(self, child: Child) -> None:
        """Does without a child that is not restarted."""
        child.rests("ended")
        if child.spec.restart == "temporary":
            self._children.remove(child)
        self._children.stop_survivors(child)
        if child.spec.significant and self._is_over():
            self.leave(ExitReason(ExitKind.SHUTDOWN, f"auto_shutdown: {child.spec.id} ended"))

    def _is_over(self) -> bool:
        """Whether the end of a significant child is ours, too."""
        others = (child for child in self._children if child.spec.significant)
        return self._auto_shutdown == "any_significant" or not any(
            child.state in ("running", "restarting") for child in others
        )

    # Restarts

    def _recover(self, child: Child, *, at_once: bool) -> None:
        """Counts a restart, stops whoever falls with the child, and starts them again: now or later."""
        if not self._intensity.admits(self._clock()):
            logger.error("%s gives up: %s", self.name, REACHED_MAX_RESTART_INTENSITY.detail)
            self._tell(LifeEvent("gave_up", self.name, self.generation, REACHED_MAX_RESTART_INTENSITY))
            self.leave(REACHED_MAX_RESTART_INTENSITY)
            return
        self._fell(child)
        delay = 0.0
        if self._backoff is not None:
            delay = self._backoff.delay(child.failures, self._random)
            child.failures += 1
        elif at_once:
            self._rise(child)
            return
        self._schedule(child, delay)

    def _fell(self, child: Child) -> None:
        """Stops the group of a child in reverse; temporary bystanders are not coming back."""
        for member in reversed(self._group(child)):
            if member.state == "stopped":
                continue
            self._children.stop(member, RESTARTING)
            if member.spec.restart == "temporary":
                self._children.remove(member)
                self._children.stop_survivors(member)
            else:
                member.waits(None)

    def _rise(self, child: Child) -> None:
        """Starts the waiting members of a child's group in order; recovers from a failure in its turn."""
        for member in self._group(child):
            if member.state != "restarting":
                continue
            try:
                self._children.start(member)
            except StartError as error:
                logger.warning("%s: child %s did not restart: %s", self.name, member.spec.id, error)
                reason = crashed(error.__cause__ or error, "restart")
                self._children.left(member, reason)
                name = self.incarnation.path_of(member.spec.id)
                self._tell(LifeEvent("not_restarted", name, member.view.generation, reason))
                self._recover(member, at_once=False)
                return

    def _group(self, child: Child) -> list[Child]:
        """Who falls with a child, in start order; itself included."""
        return STRATEGIES[self._strategy](list(self._children), child)

    def _schedule(self, child: Child, delay: float) -> None:
        child.waits(self._clock() + delay)
        self.send_after(delay, messages.TryAgain(child.spec.id, child.token))

    def _try_again(self, message: messages.TryAgain) -> None:
        child = self._children.find(message.id)
        if child is not None and child.token == message.token:
            self._rise(child)

    def _terminate_child(self, child_id: str) -> None:
        """Obeys an operator; if his child carried the restart of its group, the next in line does so now."""
        child = self._children.find(child_id)
        until = child.view.backoff_until if child is not None else None
        self._administration.terminate(child_id)
        waiting = (each for each in self._children if each.state == "restarting")
        heir = next((each for each in waiting if each.view.backoff_until is None), None)
        if until is not None and heir is not None:
            self._schedule(heir, max(0.0, until - self._clock()))

    def _replace_child(self, child_id: str) -> ActorRef[Any]:
        """Obeys an operator: another incarnation, now. It counts as a restart only when it does not start."""
        child = self._children.find(child_id)
        if child is None:
            raise ChildRefused("not_found", child_id)
        limit = child.spec.shutdown_limit
        self._children.stop(child, RESTARTING, _IMPATIENCE if limit == "infinity" else limit)
        child.failures = 0
        try:
            return self._children.start(child)
        except StartError as error:
            self._children.left(child, crashed(error.__cause__ or error, "restart"))
            self._recover(child, at_once=False)
            raise ChildRefused("start_failed", str(error)) from error

    def _tell(self, event: LifeEvent) -> None:
        if self.incarnation.household is not None:
            self.incarnation.household.tell(event)

    # The whole

    def _stop_all(self, reason: ExitReason) -> None:
        for child in reversed(list(self._children)):
            self._children.stop(child, reason)

    def _view(self) -> SupervisorView:
        intensity = self._intensity
        return SupervisorView(
            self._children.views(), intensity.times, intensity.max_restarts, intensity.max_seconds
        )


def which_children(ref: ActorRef[Any], timeout: float = _QUESTION) -> tuple[ChildInfo, ...]:
    """Every child of a supervisor: its id, its ref or state, its type and class."""
    answer: tuple[ChildInfo, ...] = call(ref, messages.WhichChildren(), timeout)
    return answer


def count_children(ref: ActorRef[Any], timeout: float = _QUESTION) -> ChildCount:
    """How many specs, living children, supervisors and workers there are."""
    answer: ChildCount = call(ref, messages.CountChildren(), timeout)
    return answer


def get_child_spec(ref: ActorRef[Any], child_id: str, timeout: float = _QUESTION) -> ChildSpec:
    """The spec of a child; ChildRefused: not_found."""
    answer: ChildSpec = call(ref, messages.GetChildSpec(child_id), timeout)
    return answer


def start_child(ref: ActorRef[Any], spec: ChildSpec, timeout: float = _ORDER) -> ActorRef[Any]:
    """Adds a child and starts it; ChildRefused: already_started, already_present, start_failed."""
    answer: ActorRef[Any] = call(ref, messages.StartChild(spec), timeout)
    return answer


def terminate_child(ref: ActorRef[Any], child_id: str, timeout: float = _ORDER) -> None:
    """Stops a child, or calls off its restart; a stopped one is left alone. ChildRefused: not_found."""
    call(ref, messages.TerminateChild(child_id), timeout)


def restart_child(ref: ActorRef[Any], child_id: str, timeout: float = _ORDER) -> ActorRef[Any]:
    """Starts a stopped child; ChildRefused: running, restarting, not_found, start_failed."""
    answer: ActorRef[Any] = call(ref, messages.RestartChild(child_id), timeout)
    return answer


def replace_child(ref: ActorRef[Any], child_id: str, timeout: float = _ORDER) -> ActorRef[Any]:
    """Stops a child that may be stuck and starts it anew, sparing what outlives it. No word of OTP's own.

    ChildRefused: not_found; start_failed, and then its supervisor goes on trying by its own rules.
    """
    answer: ActorRef[Any] = call(ref, messages.ReplaceChild(child_id), timeout)
    return answer


def delete_child(ref: ActorRef[Any], child_id: str, timeout: float = _ORDER) -> None:
    """Forgets a stopped child; ChildRefused: running, restarting, not_found."""
    call(ref, messages.DeleteChild(child_id), timeout)
