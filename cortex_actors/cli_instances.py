"""Several instances on one machine: a process for each, one port for all, a port of its own for each.

    cortex serve --instances 2 --port 4000     4000 for everybody: the kernel shares connections out
                                               4001 and 4002 lead to one instance each, on loopback

What instances share (rate limits, resumable streams) is in Redis; without one each counts for itself. One
that dies is started again, with a growing pause; the others serve meanwhile. SIGTERM drains all of them at
once, a second one hurries, SIGHUP makes all of them reload.

Runs on:   the main thread of the parent process, which serves nobody and starts no actor.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random

from cortex_actors.otp.backoff import Backoff

_log = logging.getLogger(__name__)

#: How often the parent looks after its instances, in seconds; a signal wakes it at once.
_LOOK = 0.2

#: What an instance exits with when trying again would end the same way: wrong settings, wrong usage.
_HOPELESS = 2


class Instance:
    """One process, and when it may be started again."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], number: int) -> None:
        self.number = number
        self._command = list(command)
        self._environ = dict(environ)
        self._backoff = Backoff(0.5, 15.0)
        self._start_at = 0.0
        self._started = 0.0
        self._failures = 0
        self.process: subprocess.Popen[bytes] | None = None

    def look_after(self, now: float) -> int | None:
        """Starts it, or starts it again; its exit code when that would be of no use."""
        if self.process is None:
            if now >= self._start_at:
                self.process = subprocess.Popen(self._command, env=self._environ, start_new_session=True)
                self._started = now
            return None
        code = self.process.poll()
        if code is None:
            return None
        self._clear_away()
        if code == _HOPELESS:
            return code
        if now - self._started > self._backoff.reset_after:
            self._failures = 0
        pause = self._backoff.delay(self._failures, Random())
        self._failures += 1
        self._start_at = now + pause
        _log.error("instance %d ended with %d; it starts again in %.1f s", self.number, code, pause)
        return None

    def _clear_away(self) -> None:
        """Ends what a master that was killed left behind: its worker would hold the port and serve nobody."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process = None

    def tell(self, number: signal.Signals) -> None:
        """Passes a signal on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Instances:
    """All of them, until a signal ends them."""

    def __init__(self, instances: Sequence[Instance], clock: Callable[[], float] = time.monotonic) -> None:
        self._instances = instances
        self._clock = clock
        self._ending = False

    def run(self) -> int:
        """Serves until told to stop; 0 when every instance ended well."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, self._pass_on)
        while not self._ending:
            for instance in self._instances:
                code = instance.look_after(self._clock())
                if code is not None:
                    self._pass_on(signal.SIGTERM, None)
                    self._wait()
                    return code
            time.sleep(_LOOK)
        return max(self._wait(), default=0)

    def _pass_on(self, number: int, frame: object) -> None:
        told = signal.Signals(number)
        if told in (signal.SIGTERM, signal.SIGINT):
            self._ending = True
            told = signal.SIGTERM
        for instance in self._instances:
            instance.tell(told)

    def _wait(self) -> list[int]:
        return [abs(each.process.wait()) for each in self._instances if each.process is not None]


def instances(
    command: Sequence[str], count: int, port: int, environ: Mapping[str, str] = os.environ
) -> Instances:
    """`count` instances of a command that serves, all on `port`, and each on one of the ports behind it."""
    own = [port + number for number in range(1, count + 1)]
    peers = ",".join(f"http://127.0.0.1:{each}" for each in own)
    shared = {
        "CORTEX_SERVER__PORT": str(port),
        "CORTEX_SERVER__REUSE_PORT": "true",
        "CORTEX_SERVER__PEERS": peers,
    }
    return Instances(
        [
            Instance(command, {**environ, **shared, "CORTEX_SERVER__OWN_PORT": str(each)}, number)
            for number, each in enumerate(own, start=1)
        ]
    )
