"""A caller that asks and then reads nothing, with a receive buffer so small that it shows at once."""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from cortex_actors.drill.caller import CONNECT, Asked

#: Bytes that the kernel may take for us; it doubles them, and never goes below a few kilobytes.
_RECEIVE_BUFFER = 4096


class SilentCaller:
    """One connection with one request on it. Raises OSError when nobody is there."""

    def __init__(self, url: str, asked: Asked) -> None:
        where = urlsplit(url)
        host, secure = where.hostname or "", where.scheme == "https"
        body = json.dumps(asked.body).encode()
        head = (
            f"POST {where.path.rstrip('/')}{asked.framing.path} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"Accept: {asked.framing.accept}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, where.port or (443 if secure else 80), type=socket.SOCK_STREAM
        )[0]
        self._sock = socket.socket(family, kind, protocol)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)  # before it is announced
        self._sock.settimeout(CONNECT)
        try:
            self._sock.connect(address)
            if secure:
                self._sock = ssl.create_default_context().wrap_socket(self._sock, server_hostname=host)
            self._sock.sendall(head.encode() + body)
        except BaseException:
            self._sock.close()
            raise

    def close(self) -> None:
        """Leaves."""
        with suppress(OSError):
            self._sock.close()
