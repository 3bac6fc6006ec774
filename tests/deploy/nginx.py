"""A real nginx before daemons, configured by `config/nginx.conf`.

    with Nginx(folder, daemon.port, other.port, proxy_read_timeout="1s") as nginx:
        answer = nginx.stream({"messages": [...]}, "text/event-stream")

Only ports are put into the text of the file, and what a test names because it cannot wait as long as people.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from tests.deploy import CONFIG
from tests.deploy.tools import command, run
from tests.live.caller import Answer, Connection
from tests.live.daemon import wait_until

_INSTANCES = re.compile(r"( *server) 127\.0\.0\.1:\d+( .*;\n)(?: *server 127\.0\.0\.1:.*\n)*")

#: What Debian's own nginx.conf says in its places; two workers, since one would count connections for itself.
_MAIN = """\
{user}
worker_processes 2;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include cortex.conf;
}}
"""


class Nginx:
    """A running nginx."""

    def __init__(self, folder: Path, *instances: int, **directives: str) -> None:
        self._folder = folder
        self._program = command("nginx", "nginx")
        # Bound and never listening, it keeps the port for nginx, which may share it.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port: int = self._reserved.getsockname()[1]
        # Its workers must be able to enter the folder of the test, which belongs to root then.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_MAIN.format(user=user), encoding="utf-8")
        (folder / "cortex.conf").write_text(self._adapted(instances, directives), encoding="utf-8")

    def check(self) -> subprocess.CompletedProcess[str]:
        """What `nginx -t` says."""
        return run(*self._command("-t"))

    def __enter__(self) -> Nginx:
        self._process = subprocess.Popen(
            self._command("-g", "daemon off;"), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self._accepts, self._complaint)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.port)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """A whole answer."""
        with self.connect() as connection:
            connection.ask("GET", path, headers=headers)
            return connection.answer().read()

    def stream(self, body: object, accept: str = "text/plain") -> Answer:
        """The answer to a chat, of which the head has arrived."""
        connection = self.connect()
        connection.ask("POST", "/api/chat", body, {"Accept": accept})
        return connection.answer()

    def _command(self, *options: str) -> list[str]:
        return [self._program, "-p", f"{self._folder}/", "-c", "nginx.conf", "-e", "error.log", *options]

    def _adapted(self, instances: tuple[int, ...], directives: dict[str, str]) -> str:
        text = (CONFIG / "nginx.conf").read_text(encoding="utf-8")
        servers = "".join(rf"\1 127.0.0.1:{port}\2" for port in instances)
        text = _replaced(_INSTANCES, servers, text)
        text = _replaced(re.compile(r"listen 80;"), f"listen 127.0.0.1:{self.port} reuseport;", text)
        for name, value in directives.items():
            text = _replaced(re.compile(rf"{name} [^;]+;"), f"{name} {value};", text)
        return text

    def _accepts(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port)):
            return True

    def _complaint(self) -> str:
        return "nginx does not start:\n" + (self._folder / "error.log").read_text(encoding="utf-8")

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reserved.close()


def _replaced(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    text, number = pattern.subn(replacement, text)
    assert number == 1, f"{pattern.pattern} is {number} times in config/nginx.conf"
    return text
