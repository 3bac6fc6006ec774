"""What both worker classes add to gunicorn's: an order in which it ends, and a reload that replaces nobody.

Order of an end: SIGTERM -> readiness 503, no new streams, connections still accepted -> streams that run
finish, up to the drain limit -> the rest get one error -> the server closes -> the tree stops -> exit 0.
A second SIGTERM skips the waiting, and so does Ctrl-C. A third one, or a tree that does not stop, ends the
process where it stands, with all stacks written.

SIGHUP makes the gateway read its settings again: no stream is cut, and no connection.

Runs on:   signal handlers of the worker's main thread, and bare threads that they start.
"""

from __future__ import annotations

import _thread
import faulthandler
import logging
import os
import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from gunicorn.workers.base import Worker

from cortex_actors.errors import CortexError
from cortex_actors.gateway.audit import Order
from cortex_actors.web import malformed
from cortex_actors.web.service_manager import reloading

if TYPE_CHECKING:
    from cortex_actors.web.server import Server

_log = logging.getLogger(__name__)

#: How long streams may take to be told when the end is quick, in seconds.
_LAST_WORDS = 3.0

#: How long after the drain limit a worker that still stands ends itself, in seconds: the master would kill it
#: without a word about where it stood.
_HARD_END = 12.0


class Draining(Worker):
    """What both worker classes add: SIGTERM drains first, SIGHUP reloads, no caller gets a page of HTML."""

    _hurry: threading.Event | None = None
    _drained = False
    #: Somebody asked for a reload that has not begun; one is under way.
    _reload_wanted = False
    _reloading = False

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGHUP, self.handle_hup)
        signal.siginterrupt(signal.SIGHUP, False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first time drains, the second time hurries, the third time ends it here and now."""
        if self._hurry is None:
            self._begin_end()
        elif not self._hurry.is_set():
            self._hurry.set()
        else:
            _end_here()

    def handle_hup(self, sig: int, frame: FrameType | None) -> None:
        """Reads the settings again; signals that come together are one."""
        self._reload_wanted = True
        if cast("Server", self.app).gateway is not None and not self._reloading:
            _thread.start_new_thread(self._reload, ())

    def catch_up(self) -> None:
        """When the gateway has started: somebody may have asked for a reload meanwhile."""
        if self._reload_wanted:
            _thread.start_new_thread(self._reload, ())

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answers what is no request, and what failed where no handler could answer."""
        malformed.answer(client, exc, was_request=req is not None)

    def tell_all(self) -> None:
        """When the end is to be quick: no stream is waited for, but each is told.

        Looks instead of waiting, since this may be a signal handler inside another one: no lock is safe here.
        """
        self._begin_end().set()
        give_up = time.monotonic() + _LAST_WORDS
        while not self._drained and time.monotonic() < give_up:
            time.sleep(0.01)

    def _begin_end(self) -> threading.Event:
        """Starts to drain, unless that was done already; what is returned makes it hurry."""
        if self._hurry is None:
            self._hurry = threading.Event()
            # Bare threads, since in a signal handler Thread.start would wait, which a gevent hub may not.
            _thread.start_new_thread(self._drain, ())
            _thread.start_new_thread(self._end_hard, ())
        return self._hurry

    def _end_hard(self) -> None:
        gateway = cast("Server", self.app).gateway
        time.sleep(_HARD_END + (gateway.settings.server.drain_timeout if gateway is not None else 0.0))
        _end_here()

    def _reload(self) -> None:
        gateway = cast("Server", self.app).gateway
        assert gateway is not None
        self._reloading = True
        while self._take_wish():
            try:
                with reloading():
                    gateway.administration.reload(Order("SIGHUP"))
            except CortexError:
                pass  # told already, to the log and to operators
            except Exception:
                _log.exception("the settings could not be read again")
        self._reloading = False
        if self._reload_wanted:  # it came between the two lines before
            self._reload()

    def _take_wish(self) -> bool:
        wanted, self._reload_wanted = self._reload_wanted, False
        return wanted

    def _drain(self) -> None:
        try:
            gateway = cast("Server", self.app).gateway
            if gateway is not None:
                gateway.drain(self._hurry)
        finally:
            self._drained = True
            super().handle_exit(signal.SIGTERM, None)
            self.hang_up()

    def hang_up(self) -> None:
        """When no more connections are accepted; for a worker class that does not end idle ones by itself."""


def _end_here() -> None:
    """Ends the worker where it stands: it was told so three times, or did not end when it should have."""
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)
