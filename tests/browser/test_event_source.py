"""The browser's own EventSource: it comes back by itself, gets every event once, and stops at the end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.live.daemon import Daemon, chat
from tests.live.event_source import EventSource
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, openai_stream

WORDS = ("Año", " nuevo,", " 新年", " 🎉👩‍👩‍👧", "\r\n\u2028", " fin") * 5
PATIENCE = 20.0

#: Bytes of each answer that get through.
LIMIT = 1100

#: Collects what an EventSource says, and how often it was opened.
PAGE = """
const source = new EventSource('/api/chat/streams/' + arguments[0]);
window.told = {text: '', ids: [], opened: 0, source};
const take = (event) => told.ids.push(Number(event.lastEventId.split(':')[1]));
source.onopen = () => told.opened += 1;
for (const kind of ['start', 'usage', 'end', 'error'])
  source.addEventListener(kind, (event) => { if (event.data) take(event); });
source.addEventListener('delta', (event) => { told.text += JSON.parse(event.data).text; take(event); });
"""


class CuttingProxy:
    """Passes bytes on; of the answers under one path only so many, then it hangs up."""

    def __init__(self, port: int, path: bytes, limit: int) -> None:
        self._port = port
        self._path = path
        self._limit = limit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._port)) as server,
        ):
            told = threading.Event()
            asking = threading.Thread(target=self._ask, args=(client, server, told), daemon=True)
            asking.start()
            left = self._limit
            while data := server.recv(256):
                client.sendall(data)
                left -= len(data) if told.is_set() else 0
                if left <= 0:
                    self.cuts += 1
                    client.shutdown(socket.SHUT_WR)  # a reset would take back what was sent
                    asking.join(PATIENCE)
                    return

    def _ask(self, client: socket.socket, server: socket.socket, told: threading.Event) -> None:
        """Passes requests on; `told` once the answer to one is to be cut."""
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._path in data:
                    told.set()
                server.sendall(data)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    configured = settings(provider("one", upstream.url), journal={"retry": 0.02})
    with Daemon(configured, tmp_path_factory.mktemp("daemon"), mode="threads") as daemon:
        yield daemon


def test_a_browser_that_is_cut_off_goes_on_by_itself_and_stops_at_the_end(
    driver: webdriver.Chrome, daemon: Daemon, upstream: ScriptedUpstream
) -> None:
    upstream.default = openai_stream(WORDS, usage=(9, 6))
    begun = EventSource([daemon.port], chat(resumable=True))
    begun.read()
    with CuttingProxy(daemon.port, b"/api/chat/streams/", LIMIT) as proxy:
        driver.get(f"http://127.0.0.1:{proxy.port}/dashboard")
        driver.execute_script(PAGE, begun.stream)

        WebDriverWait(driver, PATIENCE, poll_frequency=0.05).until(
            lambda driver: driver.execute_script("return told.source.readyState === EventSource.CLOSED")
        )
        told = driver.execute_script("return {text: told.text, ids: told.ids, opened: told.opened}")

    assert told["text"] == "".join(WORDS)
    assert told["ids"] == list(range(1, len(WORDS) + 4))
    assert told["opened"] > 2
    assert proxy.cuts > 1
    assert len(upstream.requests) == 1
