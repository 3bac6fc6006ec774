"""How much of a time is the machine's own: what a program that does nothing loses to others beside a test.

wait_for_quiet()             until others leave the machine alone, or have not for a while
with Noise() as noise:
    ...                      what is measured
measured - noise.p99()       milliseconds; on a machine that is left alone, 0 to 2 are taken off
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from types import TracebackType

#: A little work, a little rest, again and again until its input ends; then the 99th percentile of what it
#: lost, in milliseconds: the time that passed, less what it rested and what it worked.
_PROGRAM = """
import sys, threading, time

REST, WORK = 0.01, 0.005
over, lost = threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    began, worked = time.perf_counter(), time.thread_time()
    over.wait(REST)
    while time.thread_time() - worked < WORK:
        pass
    lost.append(time.perf_counter() - began - REST - (time.thread_time() - worked))
lost = sorted(lost[:-1]) or [0.0]
print(max(0.0, lost[int(len(lost) * 0.99) - 1] * 1000))
"""


#: A machine on which so many milliseconds are lost is quiet.
_QUIET = 10.0

#: How long one look takes, in seconds.
_LOOK = 0.5


def wait_for_quiet(patience: float) -> None:
    """Waits until the machine has time for us, or for so many seconds."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        with Noise() as noise:
            threading.Event().wait(_LOOK)
        if noise.p99() < _QUIET:
            return


class Noise:
    """Runs beside what is measured."""

    def __init__(self) -> None:
        self._p99: float | None = None

    def __enter__(self) -> Noise:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        told, _ = self._process.communicate(timeout=30)
        self._p99 = float(told)

    def p99(self) -> float:
        """Milliseconds that one in a hundred pieces of work lost, or more."""
        assert self._p99 is not None
        return self._p99
