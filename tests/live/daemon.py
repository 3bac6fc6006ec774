"""The daemon under test: a subprocess with a settings file of its own, its log, its port, its figures.

with Daemon(settings(provider("one", upstream.url)), folder, mode="gevent") as daemon:
    answer = daemon.stream({"messages": [...]}, accept="text/event-stream")
    answer.read_until("Hola")
    daemon.terminate()
    assert daemon.wait() == 0
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.live import process
from tests.live.caller import PATIENCE, Answer, Connection

ROOT = Path(__file__).parents[2]

_ADDRESS = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")

#: Names in the environment of the tests that would change the daemon's settings stay outside.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")

#: Occupies a thread until its body comes, or the connection ends.
_HALF_A_REQUEST = (
    b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
)

#: gevent resolves names on a pool of real threads of its own, which never shrinks.
RESOLVERS = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What a worker process holds at one moment."""

    threads: int
    #: Descriptors that are neither a caller's connection nor one to an upstream.
    descriptors: int
    callers: int
    upstreams: int


class Daemon:
    """A running daemon. `backdoor` starts it with the extra routes of `tests.live.chaos`."""

    def __init__(
        self,
        settings: str,
        folder: Path,
        *,
        mode: str,
        environ: Mapping[str, str] | None = None,
        backdoor: bool = False,
    ) -> None:
        self.mode = mode
        self.log: list[str] = []
        self.port = 0
        self._news = threading.Condition()
        self._baseline: Figures | None = None
        #: Its settings; what is written there counts after a reload.
        self.file = folder / "cortex.toml"
        self.file.write_text(settings, encoding="utf-8")
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        chosen = {"CORTEX_SERVER__PORT": "0", "CORTEX_SERVER__MODE": mode, "CORTEX_CONFIG": str(self.file)}
        self._process = subprocess.Popen(
            _command(mode, backdoor),
            cwd=ROOT,
            env={**inherited, **chosen, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._collect, name="daemon-log", daemon=True)
        self._reader.start()

    # -- its life

    def __enter__(self) -> Daemon:
        try:
            found = _ADDRESS.search(self.wait_for_log("listening on "))
            assert found is not None
            self.port = int(found[1])
            self.wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.terminate()
        try:
            self.wait()
        finally:
            self._end()

    def wait_until_ready(self) -> None:
        """Waits until requests are served."""
        wait_until(lambda: self.get("/readyz").status == 200, "the daemon is not ready")

    @property
    def pid(self) -> int:
        """The master process."""
        return self._process.pid

    @property
    def worker(self) -> int:
        """The one worker process."""
        (worker,) = process.children(self.pid)
        return worker

    def terminate(self) -> None:
        """Asks it to end, as a service manager does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """What Ctrl-C at a terminal does: all its processes get the signal."""
        os.killpg(self.pid, signal.SIGINT)

    def hang_up(self, settings: str | None = None) -> None:
        """Asks it to read its settings again, as a service manager does; other ones, if so wished."""
        if settings is not None:
            self.file.write_text(settings, encoding="utf-8")
        self._process.send_signal(signal.SIGHUP)

    def signal_worker(self, number: signal.Signals) -> None:
        """Sends a signal past the master."""
        os.kill(self.worker, number)

    def wait(self, timeout: float = 30.0) -> int:
        """The exit code, once it has ended; its log is complete then."""
        code = self._process.wait(timeout)
        self._reader.join(PATIENCE)
        return code

    # -- what callers do

    def connect(self, *, receive_buffer: int | None = None) -> Connection:
        """A new connection."""
        return Connection(self.port, receive_buffer=receive_buffer)

    def get(self, path: str) -> Answer:
        """A whole answer."""
        return self._whole("GET", path)

    def post(self, path: str, body: object = None, accept: str = "*/*") -> Answer:
        """A whole answer."""
        return self._whole("POST", path, body, accept)

    def stream(self, body: object, accept: str = "text/plain") -> Answer:
        """The answer to a chat, of which the head has arrived."""
        connection = self.connect()
        connection.ask("POST", "/api/chat", body, {"Accept": accept})
        return connection.answer()

    def _whole(self, method: str, path: str, body: object = None, accept: str = "*/*") -> Answer:
        with self.connect() as connection:
            connection.ask(method, path, body, {"Accept": accept})
            return connection.answer().read()

    # -- its log

    def wait_for_log(self, text: str, number: int = 1, timeout: float = PATIENCE) -> str:
        """The line of this number, counted from 1, that holds the text."""
        with self._news:
            found = self._news.wait_for(
                lambda: len(self.lines(text)) >= number or not self._reader.is_alive(), timeout
            )
            lines = self.lines(text)
        assert found, "".join(self.log)
        assert len(lines) >= number, f"{text!r} is not in the log:\n" + "".join(self.log)
        return lines[number - 1]

    def lines(self, text: str) -> list[str]:
        """The lines of the log that hold the text."""
        return [line for line in self.log if text in line]

    def assert_no_traceback(self) -> None:
        """Nothing was logged that nobody expected."""
        assert not self.lines("Traceback"), "".join(self.log)

    # -- its figures

    def figures(self) -> Figures:
        """What its worker holds now."""
        pid = self.worker
        sockets = [each for each in process.connections(pid) if each.state != process.LISTEN]
        callers = sum(each.local_port == self.port for each in sockets)
        descriptors = len(process.descriptors(pid)) - len(sockets)
        return Figures(process.threads(pid), descriptors, callers, len(sockets) - callers)

    def resident_bytes(self) -> int:
        """Memory of its worker."""
        return process.resident_bytes(self.worker)

    def warm_up(self, threads: int) -> None:
        """Makes it start all threads that it will ever keep, and takes that for its normal state."""
        self.post("/api/chat", {})  # reads a body
        with ExitStack() as stack:
            busy = [
                stack.enter_context(self.connect()) for _ in range(threads if self.mode == "threads" else 1)
            ]
            for connection in busy:
                connection.sock.sendall(_HALF_A_REQUEST)
            for connection in busy:  # a thread that asks for the body has nothing else to do before it comes
                assert connection.sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        wait_until(lambda: self.figures().callers == 0, "connections are left open")
        self._baseline = self.figures()

    def assert_settled(self) -> None:
        """Nothing is left of what the test did; waits for it, as ends take a moment."""
        normal = self._baseline
        assert normal is not None
        most_threads = normal.threads + (RESOLVERS if self.mode == "gevent" else 0)

        def settled() -> bool:
            now = self.figures()
            return (
                now.callers == 0
                and now.descriptors <= normal.descriptors
                and now.threads <= most_threads
                and _gauge(self.get("/metrics").text, "cortex_streams_running") == 0
            )

        wait_until(settled, lambda: f"left behind: {self.figures()}, normal: {normal}")
        self.assert_no_traceback()

    # -- inside

    def _collect(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._news:
                self.log.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _end(self) -> None:
        """Leaves nothing of it behind: its session is its own, so this reaches its worker too."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(PATIENCE)
        if self._process.stderr is not None:
            self._process.stderr.close()


def wait_until(
    condition: Callable[[], bool], failure: str | Callable[[], str], timeout: float = PATIENCE
) -> None:
    """Waits for a condition in another process, which has no way to tell us."""
    deadline = time.monotonic() + timeout
    while not _holds(condition):
        if time.monotonic() > deadline:
            raise AssertionError(failure if isinstance(failure, str) else failure())
        time.sleep(0.02)


def _holds(condition: Callable[[], bool]) -> bool:
    """Whether it does; when a connection is refused or a process has just gone, it does not hold yet."""
    try:
        return condition()
    except (ConnectionError, ProcessLookupError, FileNotFoundError, ValueError):
        return False


def _command(mode: str, backdoor: bool) -> list[str]:
    if not backdoor:
        return [str(Path(sys.executable).with_name("cortex")), "serve"]
    patched = ["gevent.monkey", "--module"] if mode == "gevent" else []
    return [sys.executable, "-m", *patched, "tests.live.chaos"]


def _gauge(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    assert found is not None, f"no {name} among the metrics"
    return float(found[1])


def chat(text: str = "Hi", **fields: Any) -> dict[str, Any]:
    """The body of a chat."""
    return {"messages": [{"role": "user", "content": text}], **fields}
