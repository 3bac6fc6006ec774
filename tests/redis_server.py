"""A real redis-server of the test's own: on a free port of 127.0.0.1, nothing on disk, and it can be hurt.

    with RedisServer(folder) as server:
        server.stop_answering()      SIGSTOP: connections are accepted, nothing is answered
        server.go_on()
        server.kill()                SIGKILL: connections are refused
        server.start()               comes back empty, on the same port

Needs Debian's redis-server: mark tests with `pytest.mark.needs("redis-server")`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.deploy.tools import command

#: How long a server may take to start, in seconds.
_PATIENCE = 10.0


class RedisServer:
    """A redis-server, for the time of a `with` block."""

    def __init__(self, folder: Path, password: str = "", *, unix_socket: bool = False) -> None:
        self._folder = folder
        self._password = password
        self._unix_socket = str(folder / "redis.sock") if unix_socket else ""
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is; without its password."""
        return f"unix://{self._unix_socket}" if self._unix_socket else f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {
            "port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no",
            "dir": str(self._folder), "logfile": str(self._folder / "redis.log"),
            **({"requirepass": self._password} if self._password else {}),
            **({"unixsocket": self._unix_socket} if self._unix_socket else {}),
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [command("redis-server", "redis-server"), *arguments], stdin=subprocess.DEVNULL
        )
        give_up = time.monotonic() + _PATIENCE
        while not self._answers():
            assert time.monotonic() < give_up, "redis-server does not answer"
            time.sleep(0.02)

    def stop_answering(self) -> None:
        """Hangs it."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends the hang."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends it at once, hung or not; what it knew is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False
