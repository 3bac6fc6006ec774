"""The server that plays scripts and remembers who asked for what, and two addresses that never answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator

from tests.upstream.peer import Peer, PeerGone, RecordedRequest
from tests.upstream.streams import Answer, Stream, json_answer


class ScriptedUpstream:
    """An HTTP/1.1 server of scripts; use it as a context manager.

    `tls` serves https; `silent` accepts and reads, and never answers a byte (not even a TLS handshake).
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, silent: bool = False) -> None:
        self.default: Answer = json_answer(404)
        self.requests: list[RecordedRequest] = []
        #: Connections accepted since the start.
        self.accepted = 0
        self._tls = tls
        self._silent = silent
        self._queue: deque[Answer] = deque()
        self._by_model: dict[str, deque[Answer]] = {}
        self._by_path: dict[str, deque[Answer]] = {}
        self._changed = threading.Condition()
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Scheme, address and port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def open_sockets(self) -> int:
        """Connections that callers hold open now."""
        return len(self._open)

    def enqueue(self, *answers: Answer) -> None:
        """Answer the next requests with these, in order, whatever they ask."""
        self._queue.extend(answers)

    def on_model(self, model: str, *answers: Answer) -> None:
        """Answer requests whose JSON body names this model; the last answer stays."""
        self._by_model[model] = deque(answers)

    def on_path(self, path: str, *answers: Answer) -> None:
        """Answer requests for this path (without its query); the last answer stays."""
        self._by_path[path] = deque(answers)

    def request(self, number: int = 0, timeout: float = 10.0) -> RecordedRequest:
        """The request of this number, counted from 0, waiting for its arrival."""
        assert self.wait_for(lambda: len(self.requests) > number, timeout), f"no request {number} came"
        return self.requests[number]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Wait for a condition on `requests`, `accepted` or `open_sockets`."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def __enter__(self) -> ScriptedUpstream:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        for thread in self._threads:
            thread.join(10)

    def up(self) -> None:
        """Listen, on the same port as before if there was one."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1024)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept, listener)

    def down(self) -> None:
        """Stop listening, so that connects are refused, and hang up on every caller."""
        listener, self._listener = self._listener, None
        if listener:
            # shutdown before close: it alone wakes a blocked accept().
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._changed:
            for sock in self._open.values():
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="upstream", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                number, self.accepted = self.accepted, self.accepted + 1
                self._open[number] = sock
                self._changed.notify_all()
            self._spawn(self._serve, sock, number)

    def _serve(self, sock: socket.socket, number: int) -> None:
        peer = Peer(sock, number)
        try:
            if self._silent:
                peer.drain()
            if self._tls:
                peer.sock = self._open[number] = self._tls.wrap_socket(sock, server_side=True)
            while True:
                self._answer(peer)
        except (PeerGone, OSError):
            for request in peer.requests:
                request.closed.set()
        finally:
            peer.sock.close()
            with self._changed:
                del self._open[number]
                self._changed.notify_all()

    def _answer(self, peer: Peer) -> None:
        request = peer.read_request()
        with self._changed:
            self.requests.append(request)
            answer = self._choose(request)
            self._changed.notify_all()
        script = answer(request) if callable(answer) else answer
        for step in script.steps() if isinstance(script, Stream) else script:
            step.run(peer)
        request.answered.set()

    def _choose(self, request: RecordedRequest) -> Answer:
        if self._queue:
            return self._queue.popleft()
        answers = self._by_model.get(request.model or "") or self._by_path.get(request.path.partition("?")[0])
        if not answers:
            return self.default
        return answers.popleft() if len(answers) > 1 else answers[0]


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """A URL whose connects neither succeed nor fail: they stay in SYN-SENT."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # Linux drops the SYN of a connect that finds the accept queue full; fill it.
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refused_url() -> str:
    """A URL where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"
