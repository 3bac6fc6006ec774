"""The wires: urllib3's connections, each tied to the lifeline of the exchange that uses it.

A connection belongs to one exchange from the moment it leaves the pool (or is dialled) until it is back;
the hooks used here are those of urllib3's own SOCKS support.

Runs on:   the exchange's thread, which dialling blocks.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import os
import socket
import ssl
import time
from contextvars import ContextVar
from typing import Any

from requests.adapters import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import wait_for_write

from cortex_actors.errors import UpstreamConnectError
from cortex_actors.transport.answer import FinalAnswer
from cortex_actors.transport.lifeline import Lifeline

#: The lifeline of the exchange that this thread is opening.
under_way: ContextVar[Lifeline] = ContextVar("under_way")

#: Metadata services that are not link-local: AWS over IPv6, Alibaba.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))

#: What may be left of a limit, at least, in seconds: a socket takes 0 for "do not wait at all".
LEAST = 0.001

# Its warnings (a full pool, an odd header) are no news to us and name upstream addresses.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class Wire(HTTPConnection):
    """A plain connection that can be cut while it is being made."""

    response_class = FinalAnswer  # what a proxy answers to CONNECT is one, too
    lifeline: Lifeline
    #: time.monotonic() of its return to the pool.
    rested_since = 0.0

    def connect(self) -> None:
        """TCP, proxy tunnel and TLS, all within the connect limit."""
        try:
            super().connect()
        except TimeoutError as exc:
            raise ConnectTimeoutError(self, "timed out") from exc
        self.sock.settimeout(self.timeout)

    def _new_conn(self) -> socket.socket:
        deadline = time.monotonic() + float(self.timeout or 0)
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as exc:
            raise NameResolutionError(self.host, self, exc) from exc  # type: ignore[arg-type]
        failure = OSError("no address")
        for index, (family, _, _, _, address) in enumerate(found):
            # Each address gets its share of what is left, so that a dead first one does not take it all.
            share = (deadline - time.monotonic()) / (len(found) - index)
            try:
                sock = self._dial(family, address, share)
            except OSError as exc:
                failure = exc
                continue
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "timed out") from failure
        raise NewConnectionError(self, "unreachable") from failure

    def _dial(self, family: int, address: Any, limit: float) -> socket.socket:
        refuse_local_services(address[0])
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.setblocking(False)
            self.lifeline.connect(sock, address)
            if not wait_for_write(sock, timeout=max(limit, 0.0)):
                raise TimeoutError
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
        except BaseException:
            self.lifeline.let_go()
            sock.close()
            raise
        return sock


class TLSWire(Wire, HTTPSConnection):
    """The same over TLS."""


def refuse_local_services(address: str) -> None:
    """Raise for addresses that no provider has, but a cloud's metadata service does."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_link_local or ip in _METADATA:
        raise UpstreamConnectError("The provider's name leads to an address that is never used.")


@functools.cache
def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Verification against a bundle, by default that of requests. Shared, as reading one takes 20 ms."""
    return ssl.create_default_context(cafile=ca_bundle or DEFAULT_CA_BUNDLE_PATH)
