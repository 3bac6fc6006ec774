"""The master process: gunicorn's arbiter with one worker, which passes on what the worker has to decide.

    SIGTERM, SIGINT     the worker drains, or ends at once; again: it hurries; once more: it ends as it stands
    SIGHUP              the worker reads its settings again; gunicorn would replace it, under the old ones
    SIGUSR1             the worker writes down its stacks
    SIGTTIN, SIGTTOU, SIGUSR2    nothing: there is one worker, and one daemon

Runs on:   the main thread of the master; `signal` inside of a signal handler.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, cast

from gunicorn.arbiter import Arbiter

if TYPE_CHECKING:
    from cortex_actors.web.server import Server


class OneWorkerArbiter(Arbiter):
    """gunicorn's master with one worker and no more: the tree in it, and its limits, are there once."""

    _stopping = False

    def stop(self, graceful: bool = True) -> None:
        """Ends the worker; from now on a signal to end is passed on to it, which makes it hurry."""
        self._stopping = True
        super().stop(graceful)

    def signal(self, sig: int, frame: FrameType | None) -> None:
        """Runs in the signal handler; while the worker drains nobody reads the queue of signals."""
        if self._stopping and sig in (signal.SIGTERM, signal.SIGINT):
            self.kill_workers(signal.SIGTERM)
        else:
            super().signal(sig, frame)

    def spawn_worker(self) -> int:
        """Starts the worker, which hears a SIGHUP once it can, and not before: it would end it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def handle_hup(self) -> None:
        """The settings may have changed: the worker reads them, and so will one that comes after it."""
        cast("Server", self.app).stale = True
        self.kill_workers(signal.SIGHUP)

    def handle_ttin(self) -> None:
        """One worker more: never."""

    def handle_ttou(self) -> None:
        """One worker less: never."""

    def handle_usr2(self) -> None:
        """A second daemon beside this one: never."""
