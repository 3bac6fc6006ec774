"""What processes cost: their CPU time and memory as the kernel counts them, with all that they started."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import process

_TICKS = os.sysconf("SC_CLK_TCK")

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)

#: Between two looks at the memory of processes that are under load, in seconds.
_LOOK = 0.25


def family(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(one for child in process.children(pid) for one in family(child))]


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that these have used so far, user and system."""
    return sum(_cpu_seconds(pid) for pid in pids)


def resident_bytes(pids: list[int]) -> int:
    """Memory of these that is in RAM; pages that several share count for each."""
    return sum(process.resident_bytes(pid) for pid in pids)


def proportional_bytes(pids: list[int]) -> int:
    """The same, where a page that several share counts once."""
    found = (_PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids)
    return sum(int(match[1]) * 1024 for match in found if match)


class Peak:
    """The most memory that processes had while they were watched."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def watched(pids: list[int]) -> Iterator[Peak]:
    """Watches the memory of these until the block is over."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            peak.bytes = max(peak.bytes, resident_bytes(pids))

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def stop(running: subprocess.Popen[str], patience: float = 20.0) -> None:
    """Ends a program that we started, and waits for it."""
    running.terminate()
    try:
        running.wait(patience)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    if running.stdout is not None:
        running.stdout.close()


def until(condition: object, what: str, patience: float = 60.0) -> None:
    """Waits for something in another process. Raises TimeoutError, which says what never came."""
    assert callable(condition)
    give_up = time.monotonic() + patience
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(what)
        time.sleep(0.005)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
