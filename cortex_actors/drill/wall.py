"""The wall: a fake OpenAI-compatible provider whose models misbehave, each in its own way.

    POST   /v1/chat/completions    what the model's name stands for: see `behaviours`
    GET    /v1/models              all of them; free, and always answered
    GET    /_wall/log              every request so far; ?mark=M for those with this mark
    DELETE /_wall/log              forgets them

    with Wall() as wall:
        ...                        # ask wall.url + "/v1/chat/completions"

It answers every chat as a stream, as a gateway asks for it, and looks at no key unless the behaviour does.

Runs on:   a thread that accepts, and one a connection; none of them outlives `close`.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.peer import CallerLeft, HungUp, Peer, Request
from cortex_actors.drill.reply import Reply
from cortex_actors.drill.wall_log import Entry, fingerprint

#: So many requests are remembered; the oldest are forgotten first.
_REMEMBERED = 10_000

#: How long the threads of connections may take to notice that the wall is closed, in seconds.
_FAREWELL = 5.0


class Wall:
    """The server; it listens from its construction on and answers from `start` on."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self._host = f"[{host}]" if ":" in host else host
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_REMEMBERED)
        self._asked = 0
        self._open: dict[socket.socket, threading.Thread] = {}
        self._closed = False
        self._acceptor = threading.Thread(target=self.serve, name="wall", daemon=True)

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"http://{self._host}:{self.port}"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every request that is remembered, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def start(self) -> None:
        """Answers on threads of its own."""
        self._acceptor.start()

    def serve(self) -> None:
        """Answers until it is closed."""
        while not self._closed:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._converse, args=(sock,), name="wall-caller", daemon=True)
            with self._lock:
                self._open[sock] = thread
                thread.start()

    def close(self) -> None:
        """Stops listening and hangs up on everybody, in the middle of whatever was being said."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # it alone wakes an accept that waits
        self._listener.close()
        with self._lock:
            conversations = dict(self._open)
        for sock in conversations:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in conversations.values():
            thread.join(_FAREWELL)

    def __enter__(self) -> Wall:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _converse(self, sock: socket.socket) -> None:
        """Answers one connection until it is over."""
        peer = Peer(sock)
        try:
            while not self._closed:
                self._answer(peer, peer.read_request())
        except (CallerLeft, HungUp):
            pass
        finally:
            with self._lock:
                del self._open[sock]
            peer.close()

    def _answer(self, peer: Peer, request: Request) -> None:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                self._chat(peer, request)
            case "GET", "/v1/models":
                models = [{"id": name, "object": "model", "owned_by": "wall"} for name in BEHAVIOURS]
                _tell(peer, 200, {"object": "list", "data": models})
            case "GET", "/_wall/log":
                marks = parse_qs(request.query).get("mark")
                entries = [entry for entry in self.entries if not marks or entry.mark in marks]
                _tell(peer, 200, {"now": time.time(), "requests": [entry.payload() for entry in entries]})
            case "DELETE", "/_wall/log":
                with self._lock:
                    self._entries.clear()
                _tell(peer, 200, {"requests": []})
            case _:
                _tell(peer, 404, {"error": "POST /v1/chat/completions, GET /v1/models, GET /_wall/log"})

    def _chat(self, peer: Peer, request: Request) -> None:
        body = _object(request.body)
        key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        entry, earlier = self._enter(str(body.get("model") or ""), key)
        reply = Reply(peer, entry, body, earlier, key)
        behaviour = BEHAVIOURS.get(entry.behaviour)
        try:
            if behaviour is None:
                names = ", ".join(BEHAVIOURS)
                reply.refuse(404, f"There is no such model. There are: {names}.", "model_not_found")
            else:
                behaviour.play(reply)
        except CallerLeft:
            if not self._closed:
                entry.closed_by_peer_at = time.time()
            raise

    def _enter(self, model: str, key: str) -> tuple[Entry, tuple[Entry, ...]]:
        with self._lock:
            self._asked += 1
            entry = Entry(self._asked, model, time.time(), fingerprint(key) if key else None)
            earlier = tuple(other for other in self._entries if other.model == model)
            self._entries.append(entry)
        return entry, earlier


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty one where there is none."""
    with suppress(ValueError):
        found = json.loads(body)
        if isinstance(found, dict):
            return found
    return {}


def _tell(peer: Peer, status: int, payload: Any) -> None:
    data = json.dumps(payload).encode()
    head = f"HTTP/1.1 {status} Wall\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    peer.send(head.encode() + data)
