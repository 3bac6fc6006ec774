"""The server: gunicorn with one worker process, one actor tree in it, and an end that cuts nobody short.

Runs on:   the master process (listening, restarting the worker) and the worker's main thread (accepting).

    master   binds, forks, waits; restarts a worker that died, ends with it when its tree is spent
    worker   starts the gateway after the fork, serves, drains on SIGTERM

Order of an end: SIGTERM -> readiness 503, no new streams, connections still accepted -> streams that run
finish, up to the drain limit -> the rest get one error -> the server closes -> the tree stops -> exit 0.
A second SIGTERM to the worker skips the waiting, and so does Ctrl-C.

In `gevent` mode this module must be imported after monkey-patching: see `cortex_actors.patched`.
"""

from __future__ import annotations

import _thread
import gc
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from cortex_actors.gateway import Gateway
from cortex_actors.settings import Settings
from cortex_actors.web import malformed
from cortex_actors.web.app import create_app
from cortex_actors.web.service_manager import reassure_watchdog

_log = logging.getLogger(__name__)

#: What the worker exits with when its tree is spent; gunicorn's master takes it as "do not try again",
#: and exits with it too, so that the service manager hears of it.
_SPENT = 3

#: How long streams may take to be told when the end is quick, in seconds.
_LAST_WORDS = 3.0

#: How long after the drain limit the master waits for its worker before it kills it, in seconds.
_LAST_PATIENCE = 15

#: A thread that wakes up waits so long for the interpreter at most, in seconds; the default of 5 ms shows in
#: the gaps between tokens as soon as one other thread computes.
_SWITCH_INTERVAL = 0.001

#: Enough for the deepest call here, and a sixteenth of the default, which a thousand threads would hold too.
_STACK_BYTES = 512 * 1024

#: Descriptors of one stream: the caller's socket, the provider's, the transport's handle on it; and of the
#: rest of the process.
_DESCRIPTORS_PER_STREAM = 3
_DESCRIPTORS_BESIDE = 2048

#: Connections beyond the threads that may be open and say nothing: kept alive, or not yet begun.
_IDLE_CONNECTIONS = 1500

_WORKER_CLASSES = {
    "threads": "cortex_actors.web.worker_threads.DrainingThreadWorker",
    "gevent": "cortex_actors.web.worker_gevent.DrainingGeventWorker",
}


def serve(settings: Settings) -> None:
    """Serves until it is told to stop; ends the process."""
    Server(settings).run()


class Server(BaseApplication):
    """Our settings in gunicorn's words, and the gateway's life in gunicorn's hooks."""

    def __init__(self, settings: Settings, wrap: Callable[[Any], Any] = lambda app: app) -> None:
        self.settings = settings
        self.gateway: Gateway | None = None
        self._wrap = wrap
        super().__init__()

    def run(self) -> None:
        """Becomes the master process; returns never, it exits."""
        OneWorkerArbiter(self).run()

    def load_config(self) -> None:
        server = self.settings.server
        threads = server.max_streams + server.spare_threads
        options = {
            "bind": [f"{_bracketed(server.host)}:{server.port}"],
            "workers": 1,
            "worker_class": _WORKER_CLASSES[server.mode],
            "threads": threads,
            "worker_connections": threads + _IDLE_CONNECTIONS,
            "keepalive": round(server.keep_alive),
            "backlog": 2048,
            "graceful_timeout": round(server.drain_timeout) + _LAST_PATIENCE,
            "timeout": 0,  # our own watchdog knows better what a hang is
            "control_socket_disable": True,
            "logger_class": QuietLogger,
            "pidfile": server.pid_file or None,
            "proc_name": "cortex",
            "when_ready": _announce,
            "pre_fork": lambda arbiter, worker: gc.freeze(),
            "worker_int": lambda worker: worker.tell_all(),
            "worker_exit": lambda arbiter, worker: self._stop(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Starts the gateway in the worker process; an actor tree does not survive a fork."""
        _allow_descriptors(self.settings.server.max_streams)
        if self.settings.server.mode == "threads":
            sys.setswitchinterval(_SWITCH_INTERVAL)
            threading.stack_size(_STACK_BYTES)
        gateway = self.gateway = Gateway.start(self.settings, _die_spent)
        reassure_watchdog(lambda: gateway.live().ok)
        return self._wrap(create_app(gateway, self.settings))

    def _stop(self) -> None:
        if self.gateway is not None:
            self.gateway.stop()


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

    def handle_ttin(self) -> None:
        """One worker more: never."""

    def handle_ttou(self) -> None:
        """One worker less: never."""

    def handle_usr2(self) -> None:
        """A second daemon beside this one: never."""


class Draining(Worker):
    """What both worker classes add to gunicorn's: SIGTERM drains first, and no caller gets a page of HTML."""

    _hurry: threading.Event | None = None
    _drained = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._hurry is not None:
            self._hurry.set()
            return
        self._hurry = threading.Event()
        # A bare thread, since this is a signal handler: Thread.start would wait, which a gevent hub may not.
        _thread.start_new_thread(self._drain, ())

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answers what is no request, and what failed where no handler could answer."""
        malformed.answer(client, exc, was_request=req is not None)

    def tell_all(self) -> None:
        """When the end is to be quick: no stream is waited for, but each is told.

        Looks instead of waiting, since this may be a signal handler inside another one: no lock is safe here.
        """
        self.handle_exit(signal.SIGINT, None)
        self.handle_exit(signal.SIGINT, None)
        give_up = time.monotonic() + _LAST_WORDS
        while not self._drained and time.monotonic() < give_up:
            time.sleep(0.01)

    def _drain(self) -> None:
        try:
            gateway = cast(Server, self.app).gateway
            if gateway is not None:
                gateway.drain(self._hurry)
        finally:
            self._drained = True
            super().handle_exit(signal.SIGTERM, None)
            self.hang_up()

    def hang_up(self) -> None:
        """When no more connections are accepted; for a worker class that does not end idle ones by itself."""


class QuietLogger(Logger):
    """Sends gunicorn's records through our own logging; its banner and its access log stay away."""

    def setup(self, cfg: Any) -> None:
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True
        self.access_log.disabled = True

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Passes over a write that took too long: our own access line tells of the slow caller already."""
        if not isinstance(sys.exc_info()[1], TimeoutError):
            super().exception(msg, *args, **kwargs)


def _allow_descriptors(streams: int) -> None:
    """Raises the soft limit on open files to what so many streams need, as far as the hard one allows."""
    wanted = streams * _DESCRIPTORS_PER_STREAM + _DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
        if granted < wanted:
            _log.warning("%d open files allow fewer than %d streams", granted, streams)


def _announce(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        _log.info("listening on %s, pid %d", listener, os.getpid())


def _die_spent(reason: str) -> None:
    """Ends the worker at once: the tree gave up, so nothing here can be trusted to end in good order."""
    _log.critical("the supervision tree gave up (%s); the process ends", reason)
    logging.shutdown()
    os._exit(_SPENT)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
