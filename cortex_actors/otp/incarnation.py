"""An incarnation: one life of an actor, from its construction to its one exit, as everybody else may see it.

    constructed --arrive--> living --depart--> departed     its link hears one Exit
    constructed ----------- depart ----------> departed     init failed: its starter is told, nobody else

Runs on:   any thread. A life ends once, by whoever comes first: the actor, or somebody who abandons it.
Sends:     Exit through its link, Down through its watchers, one each.

A restarted actor is a new incarnation with a new ref, so whatever still speaks of the old one is told apart
by its ref alone; the generation counts them. A ref finds its incarnation through its mailbox.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pykka import ActorDeadError, ActorRef, ActorRegistry
from pykka._envelope import Envelope

from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.life import LifeEvent
from cortex_actors.otp.mailbox import Mailbox
from cortex_actors.otp.messages import Exit, Kill, System
from cortex_actors.otp.reasons import ExitReason
from cortex_actors.otp.stacks import Carrier

if TYPE_CHECKING:
    from cortex_actors.otp.household import Household
    from cortex_actors.otp.tree import SupervisorView

logger = logging.getLogger(__name__)

#: Who hears of an actor's exit: its supervisor or its roster. Called on the leaving thread; must be quick.
Link = Callable[[Exit], object]

#: Who else hears of it; see `monitor`.
Watcher = Callable[[ExitReason], object]


class Incarnation:
    """One life of an actor."""

    __slots__ = (
        "_kill_hook",
        "_lock",
        "_over",
        "_watchers",
        "carrier",
        "generation",
        "hang_timeout",
        "household",
        "initialised",
        "kill_reason",
        "link",
        "mailbox",
        "name",
        "on_ready",
        "reason",
        "ref",
        "started_at",
        "thread_id",
        "view",
    )

    def __init__(self, ref: ActorRef[Any], mailbox: Mailbox, kill_hook: Callable[[], None]) -> None:
        self.ref = ref
        self.mailbox = mailbox
        self.name = ref.actor_class.__name__
        self.generation = 1
        self.link: Link | None = None
        self.household: Household | None = None
        #: Seconds at one message after which the watchdog steps in; None: never.
        self.hang_timeout: float | None = None
        #: When `init` was done, on the mailbox's clock.
        self.started_at: float | None = None
        self.initialised = False
        #: Called when it is decided whether the actor came to life.
        self.on_ready: Callable[[], None] | None = None
        #: Why somebody pulled the kill hook, if so; it will be the reason of the exit.
        self.kill_reason: ExitReason | None = None
        #: Why it left; None while it lives.
        self.reason: ExitReason | None = None
        #: The thread that runs it; None before that, and for a hosted actor.
        self.thread_id: int | None = None
        #: Where to look for its stack; for a hosted actor, the thread or greenlet that started it.
        self.carrier: Carrier | None = None
        #: What a supervisor shows of its children; see `tree`.
        self.view: Callable[[], SupervisorView] | None = None
        self._kill_hook: Callable[[], None] | None = kill_hook
        self._watchers: dict[str, Watcher] = {}
        self._lock = threading.Lock()
        self._over = False

    @property
    def departed(self) -> bool:
        """Whether the actor has left; an abandoned one has, though its thread may still be stuck."""
        return self._over

    def path_of(self, child_id: str) -> str:
        """The name of a child of this supervisor; the root's own name is left out, as every path has it."""
        return child_id if self.link is None else f"{self.name}/{child_id}"

    def arrive(self) -> None:
        """Marks the end of a successful `init`: the actor has its name now, and its exit counts."""
        if self.household is not None:
            self.household.names.register(self.name, self.ref)
        self.started_at = self.mailbox.clock()
        with self._lock:
            self.initialised = not self._over  # it may have been abandoned meanwhile
        self._announce()

    def post(self, message: System) -> bool:
        """Puts a control message into the mailbox; False when the actor has left."""
        try:
            self.mailbox.put(Envelope(message))
        except ActorDeadError:
            return False
        return True

    def kill(self, reason: ExitReason) -> bool:
        """Asks the actor to leave at once and pulls its kill hook; False when it had left already."""
        hook = self._kill_hook
        if self._over or hook is None:
            return False
        self.kill_reason = reason
        self.post(Kill(reason))
        _guarded(hook, f"the kill hook of {self.name}")
        return True

    def depart(self, reason: ExitReason) -> None:
        """Ends this life from the inside; after an abandonment only the thread is left to be counted."""
        if not self._end(reason):
            self._forget_name()
            COUNTERS.reaped()
            logger.warning("%s: the abandoned thread woke up and left", self.name)

    def abandon(self, reason: ExitReason, before_exit: Callable[[], object] = lambda: None) -> bool:
        """Ends this life from the outside, with the thread still inside; False when it was over already.

        `before_exit` is done when the actor can do nothing any more, and before anybody hears of its exit.
        """
        if not self._end(reason, before_exit):
            return False
        COUNTERS.abandoned()
        logger.error("%s is abandoned with its thread inside: %s", self.name, reason)
        if self.household is not None:
            self.household.tell(LifeEvent("abandoned", self.name, self.generation, reason))
        return True

    def watch(self, key: str, watcher: Watcher) -> None:
        """Calls the watcher once when this life ends, or now when it has; a key has one watcher."""
        self._watchers[key] = watcher
        if self._over and self.reason is not None:
            self._tell_watchers()

    def unwatch(self, key: str) -> None:
        """Forgets a watcher."""
        self._watchers.pop(key, None)

    def _end(self, reason: ExitReason, before_exit: Callable[[], object] = lambda: None) -> bool:
        with self._lock:
            if self._over:
                return False
            self.reason = reason
            self._over = True
        # Each step must happen whatever becomes of the one before: this is the way out.
        for step in (
            self._vanish,
            self.mailbox.close,
            self._announce,
            before_exit,
            self._tell_link,
            self._tell_watchers,
        ):
            _guarded(step, f"the exit of {self.name}")
        self._kill_hook = self.view = None
        return True

    def _vanish(self) -> None:
        ActorRegistry.unregister(self.ref)
        self._forget_name()
        self.ref.actor_stopped.set()

    def _forget_name(self) -> None:
        if self.household is not None:
            self.household.names.forget(self.name, self.ref)

    def _announce(self) -> None:
        if self.on_ready is not None:
            self.on_ready()

    def _tell_link(self) -> None:
        if self.initialised and self.link is not None and self.reason is not None:
            self.link(Exit(self.ref, self.name, self.generation, self.reason))

    def _tell_watchers(self) -> None:
        """Tells each watcher once, even when `watch` and the exit meet."""
        while self._watchers and self.reason is not None:
            try:
                _, watcher = self._watchers.popitem()
            except KeyError:
                return
            _guarded(partial(watcher, self.reason), f"a watcher of {self.name}")


def incarnation_of(ref: ActorRef[Any]) -> Incarnation:
    """The incarnation a ref belongs to."""
    mailbox = ref.actor_inbox
    if not isinstance(mailbox, Mailbox) or mailbox.incarnation is None:
        raise TypeError(f"{ref} is no actor of this supervision layer")
    return mailbox.incarnation


def _guarded(step: Callable[[], object], what: str) -> None:
    """Runs foreign code that must not keep us from the next step, whatever it raises."""
    try:
        step()
    except BaseException:
        logger.exception("%s failed", what)
