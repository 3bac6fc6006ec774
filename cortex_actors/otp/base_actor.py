"""The base actor: one way through life, with a guard at every hook and one door out of it.

    constructed -> init -> handle* -> terminate -> one Exit         whatever happens on the way

Runs on:   a daemon thread of its own, named after it; `kill` runs on the thread of whoever kills.
Receives:  Shutdown, Kill and Pykka's stop are handled here; everything else goes to `handle`.

Of Pykka's actor two documented extension points are overridden: `_create_actor_inbox`, `_start_actor_loop`.
The loop is our own: in Pykka's an `ask` may fail without the actor noticing, and a BaseException in one actor
stops every actor of the process. Whatever is private here is called `_actor_...`, so that a subclass does not
override it by accident.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, ClassVar

import pykka
from pykka import ActorDeadError, ActorRef
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from cortex_actors.otp.counters import COUNTERS
from cortex_actors.otp.errors import MailboxClosed, Refused
from cortex_actors.otp.incarnation import Incarnation
from cortex_actors.otp.mailbox import DEFAULT_BOUND, Mailbox
from cortex_actors.otp.messages import Kill, Shutdown
from cortex_actors.otp.reasons import NORMAL, ExitReason, crashed
from cortex_actors.otp.replies import answer, answer_error
from cortex_actors.otp.stacks import here
from cortex_actors.otp.timers import Timer

logger = logging.getLogger(__name__)

#: What ends an actor; a hosted one, too.
LAST_MESSAGES = (Shutdown, Kill, _ActorStop)


class Actor(pykka.ThreadingActor):
    """An actor that cannot vanish: however it ends, it leaves through one door and says so once."""

    use_daemon_thread: ClassVar[bool] = True

    #: Messages its mailbox keeps before it refuses.
    mailbox_bound: ClassVar[int] = DEFAULT_BOUND
    #: Seconds at one message after which the watchdog replaces it; None: never. A child spec overrides it.
    hang_timeout: ClassVar[float | None] = None
    #: Whether `init` runs on the starter's thread: for actors whose init is trivial, saves a thread switch.
    init_in_caller: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.incarnation = Incarnation(self.actor_ref, self.mailbox, self.kill)
        self.mailbox.incarnation = self.incarnation
        self._actor_leaving: ExitReason | None = None

    # Hooks

    def create_mailbox(self) -> Mailbox:
        """When the actor is constructed, before its own `__init__` goes on."""
        return Mailbox(self.mailbox_bound)

    def init(self) -> None:
        """When the actor starts; its starter waits for it. Raise to refuse to live."""

    def handle(self, message: Any) -> Any:
        """When a message arrives; what it returns goes to the asker, if there is one."""
        return self.unexpected(message)

    def terminate(self, reason: ExitReason) -> None:
        """When the actor ends, for whatever reason, as long as its thread is free to run it."""

    def kill(self) -> None:
        """When somebody wants the thread back at once, on his own: shut sockets down, set flags, be quick."""

    # For subclasses

    @property
    def name(self) -> str:
        """Its path in the tree, like `providers/groq-primary/worker`."""
        return self.incarnation.name

    @property
    def generation(self) -> int:
        """How many incarnations there were under this name, this one included."""
        return self.incarnation.generation

    @property
    def ref(self) -> ActorRef[Any]:
        """How others reach it."""
        return self.actor_ref

    def send_after(self, delay: float, message: object) -> Timer:
        """Sends itself a message in `delay` seconds."""
        return self.mailbox.send_after(delay, message)

    def leave(self, reason: ExitReason = NORMAL) -> None:
        """Ends this actor when the current message is done."""
        self._actor_leaving = reason

    def unexpected(self, message: object) -> None:
        """Counts a message this actor has no use for, and ignores it."""
        COUNTERS.unexpected_message()
        logger.debug("%s ignores a %s", self.name, type(message).__name__)

    # Pykka's extension points

    def _create_actor_inbox(self) -> Mailbox:  # type: ignore[override]
        self.mailbox = self.create_mailbox()
        return self.mailbox

    def _start_actor_loop(self) -> None:
        if self.init_in_caller and not self._actor_begin():
            return
        thread = threading.Thread(target=self._actor_run, name=self.name, daemon=self.use_daemon_thread)
        try:
            thread.start()
        except BaseException as error:
            self.incarnation.initialised = False
            self.incarnation.depart(crashed(error, "thread start"))
            raise

    def on_receive(self, message: Any) -> Any:
        return self.handle(message)

    # The one way through life

    def _actor_run(self) -> None:
        incarnation = self.incarnation
        incarnation.thread_id = threading.get_ident()
        incarnation.carrier = here()
        if not (incarnation.initialised or self._actor_begin()):
            return
        reason = NORMAL
        try:
            reason = self._actor_receive_all()
        except BaseException as error:  # a greenlet killed while it waited
            reason = crashed(error)
        finally:
            self._actor_end(reason)

    def _actor_begin(self) -> bool:
        try:
            self.init()
            self.incarnation.arrive()
        except BaseException as error:
            self.incarnation.depart(crashed(error, "init"))
            return False
        return True

    def _actor_receive_all(self) -> ExitReason:
        reason = self._actor_leaving
        while reason is None:
            try:
                envelope = self.mailbox.get()
            except MailboxClosed:
                return self.incarnation.reason or NORMAL
            reason = self._actor_take(envelope)
        return reason

    def _actor_take(self, envelope: Envelope[Any]) -> ExitReason | None:
        """Handles one message; a reason means that it was the last."""
        message = envelope.message
        if isinstance(message, LAST_MESSAGES):
            return self._actor_last_word(message)
        try:
            reply = self._handle_receive(message)
        except Refused as refusal:
            answer_error(envelope, refusal)
        except BaseException as error:
            return self._actor_crash(envelope, error)
        else:
            answer(envelope, reply)
        return self._actor_leaving

    def _actor_last_word(self, message: Shutdown | Kill | _ActorStop) -> ExitReason:
        asked = NORMAL if isinstance(message, _ActorStop) else message.reason
        return self.incarnation.kill_reason or asked

    def _actor_crash(self, envelope: Envelope[Any], error: BaseException) -> ExitReason:
        kind = type(envelope.message).__name__
        # A SystemExit must not travel: the asker's thread is not ours to end.
        told = error if isinstance(error, Exception) else ActorDeadError(f"{self.name} ended with {error!r}")
        answer_error(envelope, told)
        if self.incarnation.kill_reason is not None:
            return self.incarnation.kill_reason
        logger.error("%s crashed while it handled a %s", self.name, kind, exc_info=error)
        return crashed(error, kind)

    def _actor_end(self, reason: ExitReason) -> None:
        try:
            self.terminate(reason)
        except BaseException as error:
            logger.exception("%s crashed in terminate", self.name)
            reason = reason if reason.abnormal else crashed(error, "terminate")
        finally:
            self.incarnation.depart(reason)
