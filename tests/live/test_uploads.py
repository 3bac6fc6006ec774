"""Large questions to a provider that takes its time to read them, which is no matter of the connect limit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.live.conftest import Launch
from tests.live.daemon import chat
from tests.live.framings import TEXT
from tests.live.settings_file import QUICK, provider, settings
from tests.upstream import openai_stream

#: More than the kernel keeps for both sides together, and less than server.max_body_bytes.
LARGE = 9 * 2**20

#: Longer than the connect limit of these tests, in seconds.
PAUSE = 2.5 * QUICK["limits"]["connect"]


class SlowReader:
    """A provider that reads nothing for a while, or for ever."""

    def __init__(self, pause: float | None) -> None:
        self._pause = pause
        self.released = threading.Event()
        #: The other side has hung up before it was answered.
        self.left = threading.Event()
        self.received = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        with sock:
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(1000)
            self.released.wait(self._pause)
            head, _, body = head.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            self.received = len(body)
            while self.received < length:
                piece = sock.recv(2**20)
                if not piece:
                    self.left.set()
                    return
                self.received += len(piece)
            answer = openai_stream(["Ho", "la"]).body
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
            sock.sendall(head % len(answer) + answer)


@pytest.fixture
def slow() -> Iterator[SlowReader]:
    upstream = SlowReader(PAUSE)
    yield upstream
    upstream.close()


@pytest.fixture
def stuck() -> Iterator[SlowReader]:
    upstream = SlowReader(None)
    yield upstream
    upstream.close()


def test_a_question_that_is_read_slowly_is_answered(launch: Launch, slow: SlowReader) -> None:
    daemon = launch(settings(provider("one", slow.url)))

    TEXT.assert_complete(daemon.stream(chat("x" * LARGE)), "Hola")

    assert slow.received > LARGE


def test_a_question_that_is_not_read_at_all_ends_at_the_first_token_limit(
    launch: Launch, stuck: SlowReader
) -> None:
    daemon = launch(settings(provider("one", stuck.url)))

    answer = daemon.post("/api/chat", chat("x" * LARGE, limits={"first_token": PAUSE}))

    assert (answer.status, answer.json["code"]) == (504, "first_token_timeout")
    stuck.released.set()
    assert stuck.left.wait(10), "the provider is still being written to"
