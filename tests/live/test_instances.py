"""Several instances behind one port: callers see one gateway, operators see each."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import process
from tests.live.caller import Connection
from tests.live.daemon import chat, wait_until
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, openai_stream

COUNT = 2


class Fleet:
    """`cortex serve --instances 2`, and ways to look at it."""

    def __init__(self, configured: str, folder: Path) -> None:
        file = folder / "cortex.toml"
        file.write_text(configured, encoding="utf-8")
        self.port = _three_free_ports()
        cortex = str(Path(sys.executable).with_name("cortex"))
        command = [
            cortex,
            "serve",
            "--config",
            str(file),
            "--instances",
            str(COUNT),
            "--port",
            str(self.port),
        ]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CORTEX_")}
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env=environ)

    def own(self, number: int) -> int:
        """The port of one instance, counted from 1."""
        return self.port + number

    def get(self, path: str, port: int | None = None) -> Any:
        """The JSON at this path of the fleet, or of one instance."""
        url = f"http://127.0.0.1:{port or self.port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    def serves(self, number: int) -> bool:
        """Whether one instance is ready."""
        try:
            return bool(self.get("/readyz", self.own(number))["status"] == "ok")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def master(self, number: int) -> int:
        """The process id of one instance."""
        mine = f"CORTEX_SERVER__OWN_PORT={self.own(number)}".encode()
        (found,) = [each for each in process.children(self.process.pid) if mine in _environ(each)]
        return found


def _environ(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def fleet(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Fleet]:
    upstream.default = openai_stream(["Ho", "la"])
    fleet = Fleet(settings(provider("one", upstream.url)), tmp_path)
    try:
        for number in range(1, COUNT + 1):
            wait_until(lambda number=number: fleet.serves(number), fleet.log.read_text, 40)  # type: ignore[misc]
        yield fleet
    finally:
        fleet.process.send_signal(signal.SIGTERM)
        fleet.process.wait(40)


def _three_free_ports() -> int:
    """A port with two free ones behind it."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for behind in range(1, COUNT + 1):
                    with socket.socket() as other:
                        other.bind(("127.0.0.1", port + behind))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


def _ask(port: int) -> str:
    with Connection(port) as connection:
        connection.ask("POST", "/api/chat", chat(), {"Accept": "text/plain"})
        return connection.answer().read().text


def test_all_instances_serve_on_the_one_port_and_an_operator_sees_each(fleet: Fleet) -> None:
    assert [_ask(fleet.port) for _ in range(20)] == ["Hola"] * 20
    seen = fleet.get("/api/actors?scope=cluster")["instances"]
    assert [each["ok"] for each in seen] == [True] * COUNT
    assert [each["instance"] for each in seen] == [f"http://127.0.0.1:{fleet.own(n)}" for n in (1, 2)]
    assert all(each["answer"]["tree"]["name"] == "cortex" for each in seen)


def test_an_instance_that_is_killed_comes_back_and_the_other_serves_meanwhile(fleet: Fleet) -> None:
    killed = fleet.master(1)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: "instance 1 ended" in fleet.log.read_text(), "its death is not noticed")
    assert [_ask(fleet.own(2)) for _ in range(5)] == ["Hola"] * 5
    wait_until(lambda: fleet.serves(1) and fleet.master(1) != killed, "it does not come back", 40)
    assert [_ask(fleet.port) for _ in range(20)] == ["Hola"] * 20


def test_an_instance_that_does_not_answer_is_a_hole_that_the_view_shows(fleet: Fleet) -> None:
    stopped = fleet.master(2)
    (worker,) = process.children(stopped)
    os.kill(worker, signal.SIGSTOP)
    try:
        seen = fleet.get("/api/actors?scope=cluster", fleet.own(1))["instances"]
    finally:
        os.kill(worker, signal.SIGCONT)
    assert [each["ok"] for each in seen] == [True, False]
    assert seen[1]["error"]


def test_the_end_is_told_to_all_and_no_stream_is_cut(fleet: Fleet, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.default = openai_stream(["Ho", "la"]).pause(2, Gate(gate))
    with Connection(fleet.own(1)) as one, Connection(fleet.own(2)) as two:
        for connection in (one, two):
            connection.ask("POST", "/api/chat", chat(), {"Accept": "text/plain"})
        answers = [connection.answer() for connection in (one, two)]
        for answer in answers:
            answer.read_until("Ho")
        fleet.process.send_signal(signal.SIGTERM)
        wait_until(lambda: fleet.log.read_text().count("draining: 1 streams run") == COUNT, "nobody drains")
        gate.set()
        assert [answer.read().text for answer in answers] == ["Hola"] * COUNT
    assert fleet.process.wait(40) == 0


def test_settings_that_no_instance_can_start_with_end_it_all_at_once(tmp_path: Path) -> None:
    fleet = Fleet("[server]\nport = 'none'\n", tmp_path)
    assert fleet.process.wait(40) == 2
    assert "server.port" in fleet.log.read_text()
