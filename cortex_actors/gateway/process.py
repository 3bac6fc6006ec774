"""This process in figures, for people who look at it.

Runs on:   any thread; asks the kernel, and nobody else.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from cortex_actors import __version__
from cortex_actors.otp.counters import COUNTERS


@dataclass(frozen=True, slots=True)
class ProcessView:
    """One process at one moment; times in seconds."""

    version: str
    mode: str
    pid: int
    uptime: float
    #: Threads, or greenlets where they take their place.
    threads: int
    resident_bytes: int
    #: Since the watchdog had its turn; None before the first.
    beat_age: float | None
    abandoned_threads: int
    dead_letters: int
    draining: bool
    #: Restarts of actors since it started.
    restarts: int
    followers: int

    @classmethod
    def now(
        cls,
        *,
        mode: str,
        uptime: float,
        beat_age: float | None,
        draining: bool,
        restarts: int,
        followers: int,
    ) -> ProcessView:
        """This process, with what only its gateway knows."""
        return cls(
            version=__version__,
            mode=mode,
            pid=os.getpid(),
            uptime=uptime,
            threads=threading.active_count(),
            resident_bytes=_resident_bytes(),
            beat_age=beat_age,
            abandoned_threads=COUNTERS.abandoned_now,
            dead_letters=COUNTERS.dead_letters,
            draining=draining,
            restarts=restarts,
            followers=followers,
        )


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
