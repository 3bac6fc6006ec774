"""A caller of the wall on a raw socket, so that nothing between the two can smooth over what it does."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from cortex_actors.drill.wall import Wall

#: Nothing here takes longer unless it is broken, in seconds.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, and how it ended."""

    status: int | None
    headers: Mapping[str, str]
    #: The body with its chunked framing taken off.
    body: bytes
    #: The body ended as its framing says.
    whole: bool
    reset: bool

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> Mapping[str, Any]:
        """The error in OpenAI's form."""
        found: Mapping[str, Any] = self.json["error"]
        return found

    @property
    def events(self) -> list[str]:
        """The data of each event; lines are ended by LF or CRLF."""
        text = self.body.decode().replace("\r\n", "\n")
        return [block.removeprefix("data: ") for block in text.split("\n\n") if block.startswith("data: ")]

    @property
    def text(self) -> str:
        """The deltas, joined; events that are not JSON are left out."""
        return "".join(delta for delta in map(_delta, self.events))

    @property
    def finish_reasons(self) -> list[str]:
        """Every reason to stop."""
        found = [choice.get("finish_reason") for event in self.events for choice in _choices(event)]
        return [reason for reason in found if reason]

    @property
    def usages(self) -> list[Any]:
        """Every token count."""
        return [_parsed(event)["usage"] for event in self.events if _parsed(event).get("usage")]


def send(
    wall: Wall, model: str, *, key: str = "sk-wall-one", messages: list[Any] | None = None
) -> socket.socket:
    """Asks, and gives the connection with the answer still on it."""
    sock = socket.create_connection(("127.0.0.1", wall.port), PATIENCE)
    asked = messages if messages is not None else [{"role": "user", "content": "Count."}]
    body = json.dumps({"model": model, "messages": asked, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: wall\r\nContent-Length: {len(body)}\r\n"
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    sock.sendall(f"{head}{credential}Connection: close\r\n\r\n".encode() + body)
    return sock


def ask(wall: Wall, model: str, **how: Any) -> Heard:
    """Asks, and reads until the answer is over."""
    with send(wall, model, **how) as sock:
        return hear(sock)


def hear(sock: socket.socket) -> Heard:
    """Reads one answer to its end."""
    data, reset = b"", False
    while not _is_over(data):
        try:
            piece = sock.recv(1 << 20)
        except ConnectionResetError:
            reset = True
            break
        if not piece:
            break
        data += piece
    head, there, rest = data.partition(b"\r\n\r\n")
    if not there:
        return Heard(None, {}, b"", False, reset)
    status, headers = _head(head)
    if "content-length" in headers:
        return Heard(status, headers, rest, len(rest) == int(headers["content-length"]), reset)
    body, whole = _unchunked(rest)
    return Heard(status, headers, body, whole, reset)


def page(wall: Wall, method: str, path: str) -> tuple[int, Any]:
    """Status and JSON of one of its pages."""
    connection = HTTPConnection("127.0.0.1", wall.port, timeout=PATIENCE)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _is_over(data: bytes) -> bool:
    head, there, rest = data.partition(b"\r\n\r\n")
    if not there:
        return False
    length = _head(head)[1].get("content-length")
    return len(rest) >= int(length) if length else rest.endswith(b"\r\n0\r\n\r\n")


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode().split("\r\n")
    fields = (line.partition(": ") for line in lines)
    return int(first.split(" ")[1]), {name.lower(): value for name, _, value in fields}


def _unchunked(data: bytes) -> tuple[bytes, bool]:
    body = bytearray()
    while data:
        size, _, data = data.partition(b"\r\n")
        if size == b"0":
            return bytes(body), True
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return bytes(body), False


def _parsed(event: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(event)
    except ValueError:
        return {}
    return found


def _choices(event: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _parsed(event).get("choices") or []
    return found


def _delta(event: str) -> str:
    return "".join(choice["delta"].get("content", "") for choice in _choices(event))
