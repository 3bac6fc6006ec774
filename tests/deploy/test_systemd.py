"""The units: that systemd accepts them, that they leave a drain its time, and that the watchdog is fed."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cortex_actors.settings import ServerSettings, SupervisionSettings
from tests.deploy import CONFIG
from tests.deploy.tools import command, run
from tests.live.caller import PATIENCE
from tests.live.conftest import Launch

UNITS = ("cortex.service", "cortex@.service")

#: How long gunicorn's master waits for its worker beyond the drain limit, in seconds (web/server.py).
LAST_PATIENCE = 15.0

#: Exposure as `systemd-analyze security` counts it, in tenths; a unit without hardening has 96.
EXPOSED_AT_MOST = 20

#: What a live test takes for a `WatchdogSec=`, in seconds.
WATCHDOG = 0.3


def text(unit: str) -> str:
    return (CONFIG / "systemd" / unit).read_text(encoding="utf-8")


def values(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text(unit), re.MULTILINE)


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def installed(unit: str, tmp_path: Path) -> Path:
    """The unit with the program where it is on this machine, since systemd looks for it."""
    file = tmp_path / unit
    file.write_text(text(unit).replace("/opt/cortex/bin", str(Path(sys.executable).parent)), encoding="utf-8")
    return file


@pytest.mark.needs("systemd")
def test_systemd_accepts_the_unit_without_a_word(installed: Path) -> None:
    done = run(command("systemd-analyze", "systemd"), "verify", installed)

    complaints = [line for line in done.stderr.splitlines() if "cortex" in line]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.needs("systemd")
def test_a_unit_with_a_mistake_would_be_noticed(installed: Path) -> None:
    installed.write_text(
        installed.read_text(encoding="utf-8").replace("KillMode", "KilMode"), encoding="utf-8"
    )

    done = run(command("systemd-analyze", "systemd"), "verify", installed)

    assert "KilMode" in done.stderr


@pytest.mark.needs("systemd")
def test_little_of_the_machine_is_exposed(installed: Path) -> None:
    done = run(
        command("systemd-analyze", "systemd"),
        *("security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", "--no-pager"),
        installed,
    )

    assert done.returncode == 0, done.stdout


def test_the_units_differ_in_their_port_alone() -> None:
    one, many = (text(unit).splitlines() for unit in UNITS)

    added = [line for line in many if line not in one]
    assert [line for line in added if not line.startswith(("#", "Description="))] == [
        "Environment=CORTEX_SERVER__PORT=%i"
    ]
    assert [line for line in one if line not in many and not line.startswith(("#", "Description="))] == []


def test_a_drain_has_its_time_before_systemd_kills(unit: str) -> None:
    (stop,) = values(unit, "TimeoutStopSec")
    (abort,) = values(unit, "TimeoutAbortSec")

    assert float(stop) > ServerSettings().drain_timeout + LAST_PATIENCE
    assert float(abort) >= float(stop)


def test_the_worker_hears_one_sigterm_not_two(unit: str) -> None:
    assert values(unit, "KillMode") == ["mixed"]


def test_the_fuse_of_the_process_blows_before_the_watchdog_bites(unit: str) -> None:
    (watchdog,) = values(unit, "WatchdogSec")

    assert float(watchdog) >= 2 * SupervisionSettings().stall_limit
    assert values(unit, "NotifyAccess") == ["all"]  # it is the worker that reports


def test_there_are_descriptors_and_threads_for_all_streams(unit: str) -> None:
    streams = ServerSettings().max_streams
    (descriptors,), (tasks,) = values(unit, "LimitNOFILE"), values(unit, "TasksMax")

    assert int(descriptors) > 4 * streams
    assert int(tasks) > 3 * streams


def test_a_reload_begins_with_a_look_at_the_file(unit: str) -> None:
    look, tell = values(unit, "ExecReload")

    assert look.endswith("/cortex check-config")
    assert tell.endswith("kill -HUP $MAINPID")


@pytest.fixture
def systemd() -> Iterator[socket.socket]:
    """The socket on which systemd would listen. Its path has to be short."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{folder}/notify")
        sock.settimeout(PATIENCE)
        yield sock


def notified(systemd: socket.socket) -> dict[str, str]:
    """What the environment of a service has in it."""
    return {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": str(round(WATCHDOG * 1_000_000))}


def falls_silent(systemd: socket.socket) -> bool:
    """Whether no more comes than what was on its way; a hundred messages are none of that."""
    systemd.settimeout(3 * WATCHDOG)
    try:
        for _ in range(100):
            systemd.recv(1000)
    except TimeoutError:
        return True
    return False


def test_systemd_hears_that_callers_can_connect_and_then_that_all_is_well(
    launch: Launch, systemd: socket.socket
) -> None:
    launch("", environ=notified(systemd))

    assert systemd.recv(1000).startswith(b"READY=1")
    for _ in range(3):
        assert systemd.recv(1000) == b"WATCHDOG=1"


@pytest.mark.parametrize("text", ["", "no TOML"], ids=["a good file", "a bad one"])
def test_systemd_hears_of_a_reload_and_of_its_end(launch: Launch, systemd: socket.socket, text: str) -> None:
    daemon = launch("", environ={"NOTIFY_SOCKET": systemd.getsockname()})
    assert systemd.recv(1000).startswith(b"READY=1")

    daemon.hang_up(text)

    word, _, moment = systemd.recv(1000).decode().partition("\n")
    assert word == "RELOADING=1"
    name, _, microseconds = moment.partition("=")
    assert name == "MONOTONIC_USEC"
    assert 0 < int(microseconds) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert systemd.recv(1000) == b"READY=1"
    assert daemon.get("/readyz").status == 200


def test_systemd_hears_nothing_of_a_worker_that_stands_still(launch: Launch, systemd: socket.socket) -> None:
    daemon = launch("", environ=notified(systemd))
    while systemd.recv(1000) != b"WATCHDOG=1":
        pass

    os.kill(daemon.worker, signal.SIGSTOP)
    try:
        assert falls_silent(systemd)
    finally:
        os.kill(daemon.worker, signal.SIGCONT)
