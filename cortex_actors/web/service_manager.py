"""The service manager: tells systemd that the worker is well, for as long as it is.

    READY=1       gunicorn's master sends it, as soon as callers can connect
    WATCHDOG=1    sent here, three times in each `WatchdogSec=`, while somebody who should know says "well"

Runs on:   a thread of its own in the worker process; there is none where no watchdog waits.
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
from collections.abc import Callable, Mapping
from contextlib import suppress

#: One lost or late message must not cost a process.
_MESSAGES_PER_PERIOD = 3


def reassure_watchdog(well: Callable[[], bool], environ: Mapping[str, str] = os.environ) -> None:
    """Starts to tell systemd's watchdog that all is well, if it waits for this process or its master."""
    interval = watchdog_interval(environ, os.getppid())
    if interval is not None:
        arguments = (well, interval, environ["NOTIFY_SOCKET"])
        threading.Thread(target=_beat, args=arguments, name="systemd-watchdog", daemon=True).start()


def watchdog_interval(environ: Mapping[str, str], master: int) -> float | None:
    """Seconds between two messages; None where nobody waits for them."""
    period = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(master)) == str(master)
    if not (ours and period.isdecimal() and int(period) and "NOTIFY_SOCKET" in environ):
        return None
    return int(period) / 1_000_000 / _MESSAGES_PER_PERIOD


def _beat(well: Callable[[], bool], interval: float, address: str) -> None:
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # a name in Linux' abstract namespace
    while True:
        if well():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
                sock.sendto(b"WATCHDOG=1", address)
        time.sleep(interval)
