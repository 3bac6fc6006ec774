"""The server: gunicorn with one worker process, one actor tree in it, and an end that cuts nobody short.

Runs on:   the master process (listening, restarting the worker) and the worker's main thread (accepting).

    master   binds, forks, waits; restarts a worker that died, ends with it when its tree is spent
    worker   starts the gateway after the fork, serves, drains on SIGTERM, reloads on SIGHUP

What a signal does is in `arbiter` (the master passes it on) and in `draining` (the worker obeys). SIGUSR1
makes the worker write down where each of its threads stands.

In `gevent` mode this module must be imported after monkey-patching: see `cortex_actors.patched`.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from cortex_actors import logs
from cortex_actors.errors import SettingsError
from cortex_actors.gateway import Gateway
from cortex_actors.gateway.changes import in_effect
from cortex_actors.gateway.reload import Read
from cortex_actors.otp.stacks import dump_on_signal
from cortex_actors.settings import ServerSettings, Settings
from cortex_actors.web.app import create_app
from cortex_actors.web.arbiter import OneWorkerArbiter
from cortex_actors.web.draining import Draining
from cortex_actors.web.service_manager import reassure_watchdog

_log = logging.getLogger(__name__)

#: What the worker exits with when its tree is spent; gunicorn's master takes it as "do not try again",
#: and exits with it too, so that the service manager hears of it.
_SPENT = 3

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
#: Of one who reads a resumable stream: the caller's socket, and perhaps a connection to Redis.
_DESCRIPTORS_PER_READER = 2
_DESCRIPTORS_BESIDE = 2048

#: Connections beyond the threads that may be open and say nothing: kept alive, or not yet begun.
_IDLE_CONNECTIONS = 1500

_WORKER_CLASSES = {
    "threads": "cortex_actors.web.worker_threads.DrainingThreadWorker",
    "gevent": "cortex_actors.web.worker_gevent.DrainingGeventWorker",
}


def serve(settings: Settings, read: Read | None = None) -> None:
    """Serves until it is told to stop; ends the process. `read` gives the settings anew, for a reload."""
    Server(settings, read).run()


class Server(BaseApplication):
    """Our settings in gunicorn's words, and the gateway's life in gunicorn's hooks."""

    def __init__(
        self,
        settings: Settings,
        read: Read | None = None,
        wrap: Callable[[Any], Any] = lambda app: app,
    ) -> None:
        self.settings = settings
        self.gateway: Gateway | None = None
        #: Whether the settings may have changed since this process read them.
        self.stale = False
        self._read = read
        self._secrets = settings.secrets
        self._wrap = wrap
        super().__init__()

    def run(self) -> None:
        """Becomes the master process; returns never, it exits."""
        OneWorkerArbiter(self).run()

    def load_config(self) -> None:
        server = self.settings.server
        threads = server.max_streams + server.spare_threads + server.max_followers
        threads += self.settings.journal.max_readers
        options = {
            "bind": _addresses(server),
            "reuse_port": server.reuse_port,
            "workers": 1,
            "worker_class": _WORKER_CLASSES[server.mode],
            "threads": threads,
            "worker_connections": threads + _IDLE_CONNECTIONS,
            "keepalive": round(server.keep_alive),
            "backlog": 2048,
            "graceful_timeout": round(server.drain_timeout) + _LAST_PATIENCE,
            "timeout": 0,  # our own watchdog knows better what a hang is
            "control_socket_disable": True,
            "forwarder_headers": "",  # else a caller's SCRIPT_NAME moves its path past the rules of a proxy
            "forwarded_allow_ips": "",  # who a proxy says has called is for `address` alone to believe
            "logger_class": QuietLogger,
            "pidfile": server.pid_file or None,
            "proc_name": "cortex",
            "when_ready": lambda arbiter: _announce(arbiter.LISTENERS),
            "pre_fork": self._before_fork,
            "post_worker_init": self._begin,
            "worker_int": lambda worker: worker.tell_all(),
            "worker_exit": lambda arbiter, worker: self._stop(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Starts the gateway in the worker process; an actor tree does not survive a fork."""
        if self.stale:
            self.settings = self._read_again()
        _allow_descriptors(self.settings.server.max_streams, self.settings.journal.max_readers)
        if self.settings.server.mode == "threads":
            sys.setswitchinterval(_SWITCH_INTERVAL)
            threading.stack_size(_STACK_BYTES)
        gateway = self.gateway = Gateway.start(self.settings, _die_spent, self._read)
        gateway.on_change(self._follow)
        dump_on_signal(signal.SIGUSR1)
        reassure_watchdog(lambda: gateway.live().ok)
        return self._wrap(create_app(gateway))

    def _begin(self, worker: Draining) -> None:
        if self.settings.server.reuse_port:  # then the worker has made the sockets, and not the master
            _announce(worker.sockets)
        worker.catch_up()

    def _before_fork(self, arbiter: Arbiter, worker: Draining) -> None:
        self.stale = self.stale or worker.age > 1
        gc.freeze()

    def _read_again(self) -> Settings:
        """The settings for a worker that is not the first: what its predecessor reloaded is in the file."""
        try:
            said = self._read() if self._read is not None else self.settings
        except SettingsError as error:
            _log.error("the settings of the start are used again: %s", "; ".join(error.mistakes))
            return self.settings
        settings, waiting = in_effect(said, self.settings)
        if waiting:
            _log.warning("at the next start: %s", ", ".join(waiting))
        self._follow(self.settings, settings)
        return settings

    def _follow(self, before: Settings, after: Settings) -> None:
        """When other settings are in force: what the gateway itself does not know of."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *after.secrets)))
        logs.setup(after.logs, self._secrets)
        self.cfg.set("keepalive", round(after.server.keep_alive))

    def _stop(self) -> None:
        if self.gateway is not None:
            self.gateway.stop()


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


def _allow_descriptors(streams: int, readers: int) -> None:
    """Raises the soft limit on open files to what so many streams need, as far as the hard one allows."""
    wanted = streams * _DESCRIPTORS_PER_STREAM + readers * _DESCRIPTORS_PER_READER + _DESCRIPTORS_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
        if granted < wanted:
            _log.warning("%d open files allow fewer than %d streams", granted, streams)


def _announce(listeners: Iterable[object]) -> None:
    for listener in listeners:
        _log.info("listening on %s, pid %d", listener, os.getpid())


def _die_spent(reason: str) -> None:
    """Ends the worker at once: the tree gave up, so nothing here can be trusted to end in good order."""
    _log.critical("the supervision tree gave up (%s); the process ends", reason)
    logging.shutdown()
    os._exit(_SPENT)


def _addresses(server: ServerSettings) -> list[str]:
    """Where to listen: for everybody, and on a port that leads to this instance alone."""
    shared = f"{_bracketed(server.host)}:{server.port}"
    return [shared, f"127.0.0.1:{server.own_port}"] if server.own_port else [shared]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
