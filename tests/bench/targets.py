"""Who is measured: the upstream itself, nginx before it, this gateway in both modes, and LiteLLM.

Each is started anew for every run, knows one provider, the upstream of that run, and writes no access log.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.build import ToolMissing
from tests.bench.processes import family, stop, until
from tests.live.daemon import Daemon

CHAT = "/v1/chat/completions"

#: More than any run has at once.
_STREAMS = 1100

_CORTEX = """\
[server]
max_streams = {streams}
[logs]
access = false
[[providers]]
name = "upstream"
type = "openai_compatible"
base_url = "http://127.0.0.1:{port}/v1"
model = "mock"
max_streams = {streams}
"""

#: One worker, as everybody else has one process.
_NGINX = """\
{user}
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream behind {{
        least_conn;
        {servers}
        keepalive 512;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""

_LITELLM = """\
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: "http://127.0.0.1:{port}/v1", api_key: none}}
"""


@dataclass(frozen=True, slots=True)
class Serving:
    """A target that answers."""

    port: int
    #: Its processes; none where there is nothing between the caller and the upstream.
    pids: list[int] = field(default_factory=list)
    #: A page that tells how it is.
    health: str | None = None


#: Starts a target before the upstream at this port, with a folder of its own.
Start = Callable[[int, Path], AbstractContextManager[Serving]]


@dataclass(frozen=True, slots=True)
class Target:
    """One column of the table."""

    name: str
    start: Start
    #: Only these are of interest; none named means all.
    measures: tuple[str, ...] = ()


@contextmanager
def direct(upstream: int, folder: Path) -> Iterator[Serving]:
    """Nobody in between."""
    yield Serving(upstream)


@contextmanager
def nginx(upstream: int, folder: Path) -> Iterator[Serving]:
    """nginx without buffering."""
    with _nginx([upstream], folder) as serving:
        yield serving


def cortex(mode: str) -> Start:
    """This gateway in one process."""

    @contextmanager
    def start(upstream: int, folder: Path) -> Iterator[Serving]:
        with _daemon(mode, upstream, folder) as daemon:
            yield Serving(daemon.port, family(daemon.pid), "/api/health")

    return start


def instances(mode: str, number: int) -> Start:
    """This gateway in several processes behind one nginx."""

    @contextmanager
    def start(upstream: int, folder: Path) -> Iterator[Serving]:
        with ExitStack() as stack:
            daemons = []
            for each in range(number):
                own = folder / f"instance-{each}"
                own.mkdir()
                daemons.append(stack.enter_context(_daemon(mode, upstream, own)))
            before = stack.enter_context(_nginx([daemon.port for daemon in daemons], folder))
            pids = [pid for daemon in daemons for pid in family(daemon.pid)]
            yield Serving(before.port, pids, "/api/health")

    return start


def litellm(command: str) -> Start:
    """LiteLLM's proxy, wherever it is installed."""

    @contextmanager
    def start(upstream: int, folder: Path) -> Iterator[Serving]:
        config = folder / "config.yaml"
        config.write_text(_LITELLM.format(port=upstream))
        port = _free_port()
        arguments = [command, "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        # As the others it asks for no key; it wants to be told that this is meant.
        meant = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true", "LITELLM_LOG": "ERROR"}
        with _running(arguments, {**os.environ, **meant}) as running:
            until(lambda: answers(port), "LiteLLM does not answer", 120.0)
            yield Serving(port, family(running.pid), "/health/liveliness")

    return start


def answers(port: int, path: str = CHAT) -> bool:
    """Whether a chat is answered whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {"model": "mock", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status == 200 and b"[DONE]" in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def settings_for(upstream: int) -> str:
    """A settings file of this gateway, with the upstream as its only provider."""
    return _CORTEX.format(streams=_STREAMS, port=upstream)


@contextmanager
def upstream_of(program: Path, deltas: int, interval_us: int, first_us: int = 0) -> Iterator[int]:
    """The upstream, at a port of its own."""
    arguments = [str(program), "0", *(str(each) for each in (deltas, interval_us, first_us))]
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield int(running.stdout.readline())
    finally:
        stop(running)


def _daemon(mode: str, upstream: int, folder: Path) -> Daemon:
    return Daemon(settings_for(upstream), folder, mode=mode)


@contextmanager
def _nginx(behind: list[int], folder: Path) -> Iterator[Serving]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        raise ToolMissing("nginx is missing: apt-get install nginx")
    port = _free_port()
    servers = "\n        ".join(f"server 127.0.0.1:{each} max_fails=0;" for each in behind)
    # Its workers must be able to enter the folder, which belongs to root then.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX.format(user=user, servers=servers, port=port))
    options = ["-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"]
    with _running([program, *options]) as running:
        until(lambda: answers(port), "nginx does not answer")
        yield Serving(port, family(running.pid))


@contextmanager
def _running(arguments: list[str], environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        arguments, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        stop(running)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
