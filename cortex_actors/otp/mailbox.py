"""The mailbox: a control lane that overtakes, a bounded user lane, timers, and the numbers of both.

    put(envelope)            control message -> control lane, never refused while open
                             any other       -> user lane; MailboxFull at once when it is full
    get(timeout) -> envelope control first; `busy_since` is None exactly while the owner is inside
    close()                  answers everybody who still waits with ActorDeadError

Runs on:   `put`, `send_after` and `close` on any thread; `get` on the owner's alone.
Rule:      every message in a lane has one token in the token queue; a token without a message is a hint to
           look again. Nothing on the way of a message takes a lock: lanes and tokens are atomic by
           themselves, and who puts a message into a mailbox that closes meanwhile clears it out himself.
           Senders at the same moment may overshoot the bound by their own number, by design.

It is Pykka's `ActorInbox`. A subclass may decide differently in `_admit` (which lane, or a refusal) and in
`_take` (which lane first).
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pykka import ActorDeadError
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import MailboxClosed, MailboxEmpty, MailboxFull
from cortex_actors.otp.messages import System
from cortex_actors.otp.replies import answer_as_dead, answer_error
from cortex_actors.otp.timers import Timer, Timers

if TYPE_CHECKING:
    from cortex_actors.otp.incarnation import Incarnation

#: Messages the user lane keeps before it refuses.
DEFAULT_BOUND = 1000

_CONTROL = (System, _ActorStop)

Lane = deque[Envelope[Any]]


@dataclass(frozen=True, slots=True)
class MailboxStats:
    """The numbers of a mailbox at one moment; `depth` and `bound` are those of the user lane."""

    depth: int
    bound: int
    high_water: int
    refused: int
    received: int
    handled: int


class Mailbox:
    """Where an actor's messages wait."""

    def __init__(self, bound: int = DEFAULT_BOUND, clock: Callable[[], float] = time.monotonic) -> None:
        self.bound = bound
        self.refused = 0
        #: Since when the owner has been at one message, on the mailbox's clock; None while it waits for one.
        self.busy_since: float | None = None
        #: The incarnation this mailbox belongs to; set by the actor, and how a ref finds it.
        self.incarnation: Incarnation | None = None
        self.clock = clock
        self._control: Lane = deque()
        self._user: Lane = deque()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._timers = Timers()
        self._closed = False
        self._current: Envelope[Any] | None = None
        self._taken = 0
        self._dropped = 0
        self._high_water = 0

    # Senders

    def put(self, envelope: Envelope[Any]) -> None:
        """Takes a message in, or refuses: to the asker as his answer, to the teller as an exception."""
        try:
            lane = self._admit(envelope)
        except (ActorDeadError, MailboxFull) as refusal:
            if envelope.reply_to is None:
                raise
            answer_error(envelope, refusal)
            return
        lane.append(envelope)
        self._wake()
        if self._closed:
            self._answer_leftovers()

    def send_after(self, delay: float, message: object) -> Timer:
        """Delivers a message to this mailbox after `delay` seconds; such messages bypass the bound."""
        timer = self._timers.add(self.clock() + delay, message)
        self._wake()
        return timer

    def close(self) -> None:
        """Refuses from now on, and answers everybody who waits, for the current message too."""
        self._closed = True
        self._timers.close()
        current = self._current
        if current is not None:
            answer_as_dead(current)
        self._answer_leftovers()
        self._wake()

    # The owner

    def get(self, timeout: float | None = None) -> Envelope[Any]:
        """The next message, waiting at most `timeout` seconds; the one before counts as handled now."""
        self._current = None
        self.busy_since = None
        deadline = None if timeout is None else self.clock() + timeout
        while True:
            if self._timers:
                self._release_due()
            if self._closed:
                raise MailboxClosed
            if self._tokens.empty():  # nobody else takes tokens, so otherwise the next one is there
                wait, until_timer = self._patience(deadline)
            else:
                wait, until_timer = None, False
            try:
                self._tokens.get(timeout=wait)
            except queue.Empty:
                if until_timer:
                    continue
                raise MailboxEmpty from None
            envelope = self._take()
            if envelope is not None:
                self._taken += 1
                self._current = envelope
                self.busy_since = self.clock()
                return envelope

    # Views, for every thread

    @property
    def depth(self) -> int:
        """Messages waiting in the user lane."""
        return len(self._user)

    @property
    def high_water(self) -> int:
        """The most that ever waited: the depth only falls when the owner takes, so he measures it there."""
        return max(self._high_water, len(self._user))

    @property
    def handled(self) -> int:
        """Messages the owner is done with."""
        return self._taken - (self._current is not None)

    @property
    def received(self) -> int:
        """Messages that were let in, control messages and timers included."""
        return self._taken + self._dropped + len(self._control) + len(self._user)

    @property
    def busy_with(self) -> str | None:
        """The type of the message the owner is at."""
        current = self._current
        return type(current.message).__name__ if current is not None else None

    @property
    def closed(self) -> bool:
        """Whether the mailbox takes nothing any more."""
        return self._closed

    def empty(self) -> bool:
        """Whether nothing waits; part of Pykka's protocol."""
        return not self._control and not self._user

    def stats(self) -> MailboxStats:
        """All numbers at once."""
        return MailboxStats(
            self.depth, self.bound, self.high_water, self.refused, self.received, self.handled
        )

    # For subclasses

    def _admit(self, envelope: Envelope[Any]) -> Lane:
        """The lane a message goes into; raises ActorDeadError or MailboxFull to refuse it."""
        if self._closed:
            raise ActorDeadError("the actor has left")
        if isinstance(envelope.message, _CONTROL):
            return self._control
        if len(self._user) >= self.bound:
            self.refused += 1
            raise MailboxFull(f"{self.bound} messages wait already")
        return self._user

    def _take(self) -> Envelope[Any] | None:
        """The message that is next, or None when the token was only a hint."""
        try:
            if self._control:
                return self._control.popleft()
            depth = len(self._user)
            if depth > self._high_water:
                self._high_water = depth
            return self._user.popleft()
        except IndexError:
            return None

    def _wake(self) -> None:
        """Makes the owner look."""
        self._tokens.put(None)

    # Timers and the end

    def _patience(self, deadline: float | None) -> tuple[float | None, bool]:
        """How long to wait for a token, and whether a timer is due then."""
        if deadline is None and not self._timers:
            return None, False
        now = self.clock()
        due = self._timers.next_due()
        if due is not None and (deadline is None or due < deadline):
            return max(0.0, due - now), True
        return (None if deadline is None else max(0.0, deadline - now)), False

    def _release_due(self) -> None:
        """Moves the timers whose time has come into their lanes, in order."""
        for message in self._timers.pop_due(self.clock()):
            lane = self._control if isinstance(message, _CONTROL) else self._user
            lane.append(Envelope(message))
            self._wake()

    def _answer_leftovers(self) -> None:
        """Answers what is left in the lanes; safe from several threads, each message goes to one of them."""
        lost = 0
        for lane in (self._control, self._user):
            while True:
                try:
                    envelope = lane.popleft()
                except IndexError:
                    break
                self._dropped += 1
                lost += envelope.reply_to is None and not isinstance(envelope.message, _CONTROL)
                answer_as_dead(envelope)
        if lost:
            COUNTERS.dead_letter(lost)
