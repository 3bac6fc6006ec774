"""What systemd's watchdog is told, and when it is told nothing."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator

import pytest

from cortex_actors.web.service_manager import reassure_watchdog, watchdog_interval

MASTER = 4711
ASKED = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "60000000"}


@pytest.fixture(params=["{}/notify", "\0{}"], ids=["a file", "a name of the kernel's"])
def systemd(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(request.param.format(folder))
        sock.settimeout(10)
        yield sock


def test_three_messages_are_sent_in_each_period() -> None:
    assert watchdog_interval(ASKED, MASTER) == 20.0


def test_the_master_is_the_process_that_systemd_knows() -> None:
    assert watchdog_interval({**ASKED, "WATCHDOG_PID": str(MASTER)}, MASTER) == 20.0


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "/run/systemd/notify"},
        {"WATCHDOG_USEC": "60000000"},
        {**ASKED, "WATCHDOG_USEC": "0"},
        {**ASKED, "WATCHDOG_USEC": "soon"},
        {**ASKED, "WATCHDOG_PID": "1"},
    ],
    ids=["no systemd", "no watchdog", "no socket", "never", "nonsense", "another process"],
)
def test_where_nobody_waits_nothing_is_sent(environ: dict[str, str]) -> None:
    assert watchdog_interval(environ, MASTER) is None


def test_a_worker_that_is_not_well_keeps_silent(systemd: socket.socket) -> None:
    answers = iter([False, False, True])
    over = threading.Event()

    def well() -> bool:
        answer = next(answers, None)
        if answer is None:
            over.set()
            threading.Event().wait()  # the thread has no end of its own
        return bool(answer)

    name = os.fsdecode(systemd.getsockname()).replace("\0", "@")
    reassure_watchdog(well, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000"})

    assert over.wait(10)
    assert systemd.recv(1000) == b"WATCHDOG=1"
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(1000)
