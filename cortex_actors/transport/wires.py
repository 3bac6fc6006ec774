"""The wires: urllib3's connections and pools, each exchange tied to the lifeline of its thread.

A connection belongs to one exchange from the moment it leaves the pool (or is dialled) until it is back;
the hooks used here are those of urllib3's own SOCKS support.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import logging
import os
import socket
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from http.client import BadStatusLine, HTTPResponse, parse_headers
from typing import Any

from requests import PreparedRequest
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import wait_for_write

from cortex_actors.errors import UpstreamConnectError
from cortex_actors.transport.interface import UpstreamRequest
from cortex_actors.transport.lifeline import Lifeline

#: The lifeline of the exchange that this thread is opening.
under_way: ContextVar[Lifeline] = ContextVar("under_way")

#: Interim answers that one exchange may bring.
_MOST_INTERIM = 16

#: Metadata services that are not link-local: AWS over IPv6, Alibaba.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))

# Its warnings (a full pool, an odd header) are no news to us and name upstream addresses.
logging.getLogger("urllib3").setLevel(logging.ERROR)


#: Statuses that end no exchange we know of: what follows on their connection is not ours to understand.
_UNUSABLE_AFTER = frozenset({101, 204, 205, 304})


class FinalAnswer(HTTPResponse):
    """The answer behind any number of interim ones (RFC 9110, 15.2).

    http.client passes over 100 alone. Any other 1xx would count as the answer, and the real one would be the
    first thing that the next exchange on this connection reads: somebody else's answer.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in the stubs
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise BadStatusLine("too many interim answers")


class Wire(HTTPConnection):
    """A plain connection that can be cut while it is being made."""

    response_class = FinalAnswer
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


class WirePool(HTTPConnectionPool):
    """Connections to one host, lent to one exchange at a time."""

    ConnectionCls = Wire
    #: Seconds a connection may rest and still be used: less than what routers on the way forget it after.
    max_rest = 60.0

    def _get_conn(self, timeout: float | None = None) -> Wire:
        # By design nothing is retried here: urllib3 has just looked whether the other side hung up while the
        # connection rested. If it does so at this very moment, the request may have been seen: the caller's
        # policy decides about a second one.
        wire = super()._get_conn(timeout)
        assert isinstance(wire, Wire)
        wire.lifeline = under_way.get()
        try:
            if wire.sock and time.monotonic() - wire.rested_since > self.max_rest:
                wire.close()
            if wire.sock:
                wire.lifeline.hold(wire.sock)
        except BaseException:
            wire.close()
            raise
        return wire

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, Wire):
            if conn.lifeline.let_go():
                conn.close()
            conn.rested_since = time.monotonic()
        super()._put_conn(conn)


class TLSWirePool(WirePool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = TLSWire


class WireAdapter(HTTPAdapter):
    """The connections of one transport, by host and proxy.

    Only the pools, proxies and URL rules of requests are used. Its session is not, so there are no cookies,
    no netrc, no environment; nor is `send`, whose response object costs a quarter of an exchange.
    """

    def __init__(self, *, pool_size: int, ca_bundle: str | None, proxies: Mapping[str, str]) -> None:
        self._tls = tls_context(ca_bundle)
        self._proxies = dict(proxies)
        super().__init__(pool_connections=64, pool_maxsize=pool_size)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **pool_kwargs)
        _use_wires(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, ssl_context=self._tls, **proxy_kwargs)
        _use_wires(manager)
        return manager

    def close(self) -> None:
        """Close what rests now; urllib3 would leave that, and what comes back later, to the collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in tuple(manager.pools.keys()):
                with contextlib.suppress(KeyError):
                    manager.pools[key].close()
        super().close()

    def request(
        self, request: UpstreamRequest, headers: Mapping[str, str], timeout: Timeout
    ) -> BaseHTTPResponse:
        """One request, one answer's head: no retry, no redirect, nothing decoded."""
        target = _prepared(request.url)
        pool = self.get_connection_with_tls_context(target, verify=True, proxies=self._proxies)
        assert isinstance(pool, HTTPConnectionPool)
        answer = pool.urlopen(
            request.method,
            self.request_url(target, self._proxies) if self._proxies else target.path_url,
            body=request.body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        if answer.status in _UNUSABLE_AFTER and answer.connection is not None:
            answer.connection.close()
        return answer


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


@functools.lru_cache(maxsize=256)
def _prepared(url: str) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    return prepared


def _use_wires(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": WirePool, "https": TLSWirePool}
