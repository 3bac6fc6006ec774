"""The service manager: tells systemd that the worker is well, for as long as it is.

    READY=1       gunicorn's master sends it, as soon as callers can connect
    RELOADING=1   sent here when the worker begins to read its settings again, and READY=1 when it is done
    WATCHDOG=1    sent here, three times in each `WatchdogSec=`, while somebody who should know says "well"

Runs on:   the watchdog's messages, a thread of its own in the worker process; there is none where none waits.
Sends:     datagrams to the socket of systemd. The unit needs `NotifyAccess=all`: the worker is not its main
           process.

A worker that stands still cannot send, and one with a trouble that only a new process cures does not: both
ways systemd hears nothing, and makes a new process.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

#: One lost or late message must not cost a process.
_MESSAGES_PER_PERIOD = 3


def reassure_watchdog(well: Callable[[], bool], environ: Mapping[str, str] = os.environ) -> None:
    """Starts to tell systemd's watchdog that all is well, if it waits for this process or its master."""
    interval = watchdog_interval(environ, os.getppid())
    if interval is not None:
        arguments = (well, interval, environ["NOTIFY_SOCKET"])
        threading.Thread(target=_beat, args=arguments, name="systemd-watchdog", daemon=True).start()


@contextmanager
def reloading(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Tells systemd that the settings are being read again, for as long as the block takes; sd_notify(3)."""
    address = environ.get("NOTIFY_SOCKET")
    if address is None:
        yield
        return
    microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    _send(address, f"RELOADING=1\nMONOTONIC_USEC={microseconds}")
    try:
        yield
    finally:
        _send(address, "READY=1")


def watchdog_interval(environ: Mapping[str, str], master: int) -> float | None:
    """Seconds between two messages; None where nobody waits for them."""
    period = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(master)) == str(master)
    if not (ours and period.isdecimal() and int(period) and "NOTIFY_SOCKET" in environ):
        return None
    return int(period) / 1_000_000 / _MESSAGES_PER_PERIOD


def _beat(well: Callable[[], bool], interval: float, address: str) -> None:
    while True:
        if well():
            _send(address, "WATCHDOG=1")
        time.sleep(interval)


def _send(address: str, message: str) -> None:
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # a name in Linux' abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
        sock.sendto(message.encode("ascii"), address)
