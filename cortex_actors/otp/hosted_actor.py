"""The hosted actor: a ref, a mailbox and a place in the tree, but no thread; its host turns the loop.

Runs on:   whatever thread calls `receive`, as an Erlang process receives from its own mailbox in the middle
           of its work. `init` runs on the thread that starts it, `terminate` on the one that finishes it.
Receives:  like every actor; Shutdown and Kill are obeyed inside `receive`.
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from cortex_actors.otp.base_actor import LAST_MESSAGES, Actor
from cortex_actors.otp.errors import MailboxClosed, MailboxEmpty
from cortex_actors.otp.reasons import NORMAL, ExitReason
from cortex_actors.otp.stacks import here


class HostedActor(Actor):
    """An actor without a thread: a ref, a mailbox and a place in the tree; its host turns the loop.

    Whoever starts one must call `finish` in the end, in a `finally`. When `receive` returns None, ask
    `exit_reason` whether the time was over or the actor is.
    """

    init_in_caller: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._actor_finishing = threading.Lock()

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why it ended; None while it lives."""
        return self.incarnation.reason

    def receive(self, timeout: float | None = None) -> Any:
        """The next message that was told, or None when none came in time, or when the actor has ended.

        Asks are answered on the way by `handle`; Shutdown and Kill end the actor here, on the host's thread.
        """
        deadline = None if timeout is None else self.mailbox.clock() + timeout
        while True:
            try:
                envelope = self.mailbox.get(timeout)
            except MailboxClosed:
                self.finish()
                return None
            except MailboxEmpty:
                return None
            message = envelope.message
            if envelope.reply_to is None and not isinstance(message, LAST_MESSAGES):
                return message
            reason = self._actor_take(envelope)
            if reason is not None:
                self.finish(reason)
                return None
            timeout = None if deadline is None else max(0.0, deadline - self.mailbox.clock())

    def finish(self, reason: ExitReason = NORMAL) -> None:
        """Ends the actor: `terminate`, teardown, one Exit. Idempotent, from any thread."""
        if self._actor_finishing.acquire(blocking=False):
            incarnation = self.incarnation
            self._actor_end(incarnation.reason or incarnation.kill_reason or reason)

    def _start_actor_loop(self) -> None:
        self.incarnation.carrier = here()
        self._actor_begin()
